"""People and their sign-in, the outbox with its clock, and idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import JSON, TIME, counts, created, lower_case, one_of, stamps

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", sa.String(255), nullable=False, unique=True),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("avatar_url", sa.Text()),
        sa.Column("bio", sa.Text()),
        sa.Column("status", sa.String(40), server_default="active", nullable=False, index=True),
        sa.Column("email_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("two_factor_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("two_factor_secret", sa.String(255)),
        sa.Column("last_login_at", TIME),
        sa.Column("deleted_at", TIME),
        *stamps(),
        one_of("status", "account_status", "active", "suspended", "pending_verification", "deleted"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("status <> 'deleted' OR deleted_at IS NOT NULL", name="deleted_at"),
    )
    op.create_index("ix_users_created_at", "users", ["created_at"])

    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("provider_account_id", sa.String(255), nullable=False),
        sa.Column("access_token", sa.Text()),
        sa.Column("refresh_token", sa.Text()),
        sa.Column("access_token_expires", TIME),
        sa.Column("provider_metadata", sa.Text()),
        *stamps(),
        sa.UniqueConstraint("provider", "provider_account_id"),
        one_of("provider", "auth_provider", "magic_link", "google", "microsoft", "apple", "github", "wallet"),
        sa.CheckConstraint(
            "provider <> 'magic_link' OR provider_account_id = lower(provider_account_id)", name="email_lower"
        ),
        sa.CheckConstraint(
            "provider <> 'wallet' OR lower(left(provider_account_id, 2)) <> '0x' OR provider_account_id = lower(provider_account_id)",
            name="wallet_lower",
        ),
    )

    op.create_table(
        "identity_providers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("provider", sa.String(40), nullable=False, unique=True),
        sa.Column("client_id", sa.String(255)),
        sa.Column("client_secret", sa.Text()),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("config_json", sa.Text()),
        *stamps(),
        one_of("provider", "auth_provider", "magic_link", "google", "microsoft", "apple", "github", "wallet"),
    )

    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("description", sa.Text()),
        sa.Column("permissions", sa.Text()),
        *stamps(),
        one_of("name", "user_role", "viewer", "artist", "producer", "admin"),
    )

    op.create_table(
        "user_roles",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("role_id", sa.Uuid(), sa.ForeignKey("roles.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("assigned_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("assigned_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.UniqueConstraint("user_id", "role_id"),
    )

    op.create_table(
        "user_wallets",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("wallet_address", sa.String(255), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified_at", TIME),
        sa.Column("label", sa.String(100)),
        *stamps(),
        sa.UniqueConstraint("wallet_address", "chain_id"),
        sa.CheckConstraint("verified = (verified_at IS NOT NULL)", name="verified_at"),
        *lower_case("wallet_address"),
    )
    op.create_index(
        "uq_user_wallets_primary",
        "user_wallets",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )

    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("last_seen_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.Column("user_agent", sa.String(500)),
        sa.Column("ip_address", postgresql.INET()),
        sa.Column("privileged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("step_up_at", TIME),
        created(),
        sa.CheckConstraint("expires_at > created_at", name="expires_at"),
    )

    op.create_table(
        "magic_link_tokens",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", sa.String(255), nullable=False, index=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("browser_hash", sa.String(64)),
        sa.Column("next_path", sa.Text()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.Column("requested_ip", postgresql.INET()),
        created(),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("expires_at > created_at", name="expires_at"),
    )

    op.create_table(
        "rate_limits",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("identifier", sa.String(255), nullable=False),
        sa.Column("identifier_type", sa.String(50), nullable=False),
        sa.Column("action", sa.String(100), nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("window_end", TIME, nullable=False, index=True),
        sa.Column("request_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rate_limit", sa.Integer(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("blocked_until", TIME),
        *stamps(),
        sa.UniqueConstraint("identifier", "identifier_type", "action", "window_start"),
        sa.CheckConstraint("window_end > window_start", name="window"),
        *counts("request_count", "rate_limit"),
    )
    op.create_index("ix_rate_limits_identifier_action", "rate_limits", ["identifier", "action"])

    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("dedupe", sa.String(255), nullable=False, unique=True),
        sa.Column("job", sa.String(100), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("request_id", sa.String(100)),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("runner", sa.String(64)),
        sa.Column("not_before", TIME),
        sa.Column("leased_until", TIME),
        sa.Column("sent_at", TIME),
        sa.Column("done_at", TIME),
        sa.Column("failed_at", TIME),
        sa.Column("last_error", sa.Text()),
        created(),
    )
    op.create_index(
        "ix_outbox_undone",
        "outbox",
        ["created_at"],
        postgresql_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
    )

    op.create_table(
        "periodic",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("last_at", TIME),
    )

    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", JSON),
        created(),
        sa.UniqueConstraint("actor", "key"),
    )


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "periodic",
        "outbox",
        "rate_limits",
        "magic_link_tokens",
        "user_sessions",
        "user_wallets",
        "user_roles",
        "roles",
        "identity_providers",
        "accounts",
        "users",
    ):
        op.drop_table(table)
