"""Plans, billing and incoming webhooks."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import JSON, PRICE, TIME, counts, created, not_negative, one_of, stamps

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscription_plans",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("slug", sa.String(50), nullable=False, unique=True),
        sa.Column("description", sa.Text()),
        sa.Column("price_usd", PRICE, nullable=False),
        sa.Column("interval", sa.String(40), nullable=False),
        sa.Column("stripe_price_id", sa.String(100)),
        sa.Column("stripe_product_id", sa.String(100)),
        sa.Column("max_masters", sa.Integer()),
        sa.Column("max_ipos_per_month", sa.Integer()),
        sa.Column("vstudio_sessions_included", sa.Integer()),
        sa.Column("features", JSON),
        sa.Column("feature_list", JSON),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False, index=True),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("display_order", sa.Integer(), server_default=sa.text("0"), nullable=False, index=True),
        sa.Column("trial_days", sa.Integer(), server_default=sa.text("0")),
        sa.Column("decisions_per_session", sa.Integer()),
        sa.Column("price_yearly_usd", PRICE),
        *stamps(),
        one_of("interval", "plan_interval", "monthly", "yearly", "lifetime"),
        *not_negative("price_usd", "price_yearly_usd"),
        *counts(
            "max_masters",
            "max_ipos_per_month",
            "vstudio_sessions_included",
            "decisions_per_session",
            "trial_days",
        ),
    )

    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("plan_id", sa.Uuid(), sa.ForeignKey("subscription_plans.id"), nullable=False, index=True),
        sa.Column("status", sa.String(40), server_default="active", nullable=False, index=True),
        sa.Column("current_period_start", TIME, nullable=False),
        sa.Column("current_period_end", TIME, nullable=False, index=True),
        sa.Column("trial_start", TIME),
        sa.Column("trial_end", TIME),
        sa.Column("cancel_at_period_end", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("canceled_at", TIME),
        sa.Column("cancellation_reason", sa.Text()),
        sa.Column("stripe_subscription_id", sa.String(100), unique=True),
        sa.Column("stripe_customer_id", sa.String(100), index=True),
        sa.Column("default_payment_method_id", sa.String(100)),
        sa.Column("metadata", JSON),
        *stamps(),
        one_of(
            "status",
            "subscription_status",
            "active",
            "trialing",
            "past_due",
            "canceled",
            "unpaid",
            "incomplete",
            "incomplete_expired",
            "paused",
        ),
        sa.CheckConstraint("current_period_end >= current_period_start", name="period"),
    )
    op.create_index(
        "uq_subscriptions_live",
        "subscriptions",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('active', 'trialing', 'past_due')"),
    )

    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("subscription_id", sa.Uuid(), sa.ForeignKey("subscriptions.id"), index=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("invoice_number", sa.String(50)),
        sa.Column("stripe_invoice_id", sa.String(100), unique=True),
        sa.Column("stripe_payment_intent_id", sa.String(100)),
        sa.Column("amount_due", PRICE, nullable=False),
        sa.Column("amount_paid", PRICE, server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.String(3), server_default="usd", nullable=False),
        sa.Column("status", sa.String(40), server_default="open", nullable=False, index=True),
        sa.Column("period_start", TIME),
        sa.Column("period_end", TIME),
        sa.Column("due_date", TIME, index=True),
        sa.Column("paid_at", TIME),
        sa.Column("hosted_invoice_url", sa.Text()),
        sa.Column("invoice_pdf_url", sa.Text()),
        sa.Column("line_items", JSON),
        sa.Column("metadata", JSON),
        *stamps(),
        one_of("status", "invoice_status", "draft", "open", "paid", "void", "uncollectible"),
        *not_negative("amount_due", "amount_paid"),
    )

    op.create_table(
        "payment_providers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("provider_type", sa.String(40), nullable=False, unique=True),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("supported_currencies", JSON),
        sa.Column("supported_regions", JSON),
        sa.Column("webhook_endpoint", sa.Text()),
        sa.Column("webhook_secret", sa.Text()),
        sa.Column("config_json", sa.Text()),
        *stamps(),
        one_of(
            "provider_type",
            "payment_provider_type",
            "stripe",
            "crypto_eth",
            "crypto_sol",
            "paypal",
            "apple_pay",
        ),
    )

    op.create_table(
        "payment_methods",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("stripe_payment_method_id", sa.String(100), unique=True),
        sa.Column("payment_method_type", sa.String(50), nullable=False),
        sa.Column("display_name", sa.String(100)),
        sa.Column("brand", sa.String(50)),
        sa.Column("last4", sa.String(4)),
        sa.Column("expiry_month", sa.Integer()),
        sa.Column("expiry_year", sa.Integer()),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("is_expired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *stamps(),
        sa.CheckConstraint("expiry_month BETWEEN 1 AND 12", name="expiry_month"),
    )

    op.create_table(
        "webhooks_log",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("provider_name", sa.String(100), nullable=False, index=True),
        sa.Column("provider_id", sa.Uuid(), sa.ForeignKey("payment_providers.id")),
        sa.Column("event_type", sa.String(100), nullable=False, index=True),
        sa.Column("event_id", sa.String(100)),
        sa.Column("payload_metadata", JSON),
        sa.Column("status", sa.String(40), server_default="pending", nullable=False, index=True),
        sa.Column("processed_at", TIME),
        sa.Column("processing_error", sa.Text()),
        sa.Column("retry_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("ip_address", sa.String(45)),
        sa.Column("user_agent", sa.String(500)),
        created(),
        sa.UniqueConstraint("provider_name", "event_id"),
        one_of("status", "webhook_status", "pending", "processing", "processed", "failed", "skipped"),
        *counts("retry_count"),
    )
    op.create_index("ix_webhooks_log_created_at", "webhooks_log", ["created_at"])


def downgrade() -> None:
    for table in (
        "webhooks_log",
        "payment_methods",
        "payment_providers",
        "invoices",
        "subscriptions",
        "subscription_plans",
    ):
        op.drop_table(table)
