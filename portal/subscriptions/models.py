"""Plans and billing. Stripe's ids never leave the server; a limit of NULL means unlimited."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.crypto.sealed import Sealed
from portal.db import (
    S50,
    S100,
    Count,
    Flag,
    Identified,
    Model,
    Price,
    Stamped,
    Yes,
    counts,
    not_negative,
    text_enum,
)
from portal.subscriptions.enums import InvoiceStatus, PaymentProviderType, PlanInterval, SubscriptionStatus


class SubscriptionPlan(Identified, Stamped, Model):
    """A plan, its prices and its limits (T33 subscription_plans)."""

    __tablename__ = "subscription_plans"
    __table_args__ = (
        *not_negative("price_usd", "price_yearly_usd"),
        *counts("max_masters", "max_ipos_per_month", "vstudio_sessions_included", "decisions_per_session"),
        *counts("trial_days"),
    )

    name: Mapped[S100]
    slug: Mapped[S50] = mapped_column(unique=True)
    description: Mapped[str | None]
    price_usd: Mapped[Price]
    interval: Mapped[PlanInterval] = mapped_column(text_enum(PlanInterval))
    stripe_price_id: Mapped[S100 | None]
    stripe_product_id: Mapped[S100 | None]
    max_masters: Mapped[int | None]
    max_ipos_per_month: Mapped[int | None]
    vstudio_sessions_included: Mapped[int | None]
    features: Mapped[dict[str, Any] | None]
    feature_list: Mapped[list[str] | None]
    is_active: Mapped[Yes] = mapped_column(index=True)
    is_public: Mapped[Yes]
    display_order: Mapped[Count] = mapped_column(index=True)
    trial_days: Mapped[Count | None]
    decisions_per_session: Mapped[int | None]
    price_yearly_usd: Mapped[Price | None]


class Subscription(Identified, Stamped, Model):
    """A person's plan over time; at most one is active, trialing or past due (T34 subscriptions)."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.Index(
            "uq_subscriptions_live",
            "user_id",
            unique=True,
            postgresql_where=sa.text("status IN ('active', 'trialing', 'past_due')"),
        ),
        sa.CheckConstraint("current_period_end >= current_period_start", name="period"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    plan_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("subscription_plans.id"), index=True)
    status: Mapped[SubscriptionStatus] = mapped_column(
        text_enum(SubscriptionStatus), default=SubscriptionStatus.ACTIVE, server_default="active", index=True
    )
    current_period_start: Mapped[dt.datetime]
    current_period_end: Mapped[dt.datetime] = mapped_column(index=True)
    trial_start: Mapped[dt.datetime | None]
    trial_end: Mapped[dt.datetime | None]
    cancel_at_period_end: Mapped[Flag]
    canceled_at: Mapped[dt.datetime | None]
    cancellation_reason: Mapped[str | None]
    stripe_subscription_id: Mapped[S100 | None] = mapped_column(unique=True)
    stripe_customer_id: Mapped[S100 | None] = mapped_column(index=True)
    default_payment_method_id: Mapped[S100 | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")

    user: Mapped[User] = relationship()
    plan: Mapped[SubscriptionPlan] = relationship()


class Invoice(Identified, Stamped, Model):
    """A bill and what was paid of it (T35 invoices)."""

    __tablename__ = "invoices"
    __table_args__ = not_negative("amount_due", "amount_paid")

    subscription_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("subscriptions.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    invoice_number: Mapped[S50 | None]
    stripe_invoice_id: Mapped[S100 | None] = mapped_column(unique=True)
    stripe_payment_intent_id: Mapped[S100 | None]
    amount_due: Mapped[Price]
    amount_paid: Mapped[Price] = mapped_column(default=Decimal(0), server_default=sa.text("0"))
    currency: Mapped[str] = mapped_column(sa.String(3), default="usd", server_default="usd")
    status: Mapped[InvoiceStatus] = mapped_column(
        text_enum(InvoiceStatus), default=InvoiceStatus.OPEN, server_default="open", index=True
    )
    period_start: Mapped[dt.datetime | None]
    period_end: Mapped[dt.datetime | None]
    due_date: Mapped[dt.datetime | None] = mapped_column(index=True)
    paid_at: Mapped[dt.datetime | None]
    hosted_invoice_url: Mapped[str | None]
    invoice_pdf_url: Mapped[str | None]
    line_items: Mapped[list[Any] | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")

    subscription: Mapped[Subscription | None] = relationship()
    user: Mapped[User] = relationship()


class PaymentProvider(Identified, Stamped, Model):
    """A way to be paid; secret and configuration are AES-256-GCM ciphertext (T36 payment_providers)."""

    __tablename__ = "payment_providers"

    name: Mapped[S100]
    provider_type: Mapped[PaymentProviderType] = mapped_column(text_enum(PaymentProviderType), unique=True)
    is_enabled: Mapped[Flag] = mapped_column(index=True)
    is_default: Mapped[Flag]
    supported_currencies: Mapped[list[str] | None]
    supported_regions: Mapped[list[str] | None]
    webhook_endpoint: Mapped[str | None]
    webhook_secret: Mapped[str | None] = mapped_column(Sealed())
    config_json: Mapped[str | None] = mapped_column(Sealed())


class PaymentMethod(Identified, Stamped, Model):
    """A person's card or wallet, as much of it as may be shown (T38 payment_methods)."""

    __tablename__ = "payment_methods"
    __table_args__ = (sa.CheckConstraint("expiry_month BETWEEN 1 AND 12", name="expiry_month"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    stripe_payment_method_id: Mapped[S100 | None] = mapped_column(unique=True)
    payment_method_type: Mapped[S50]
    display_name: Mapped[S100 | None]
    brand: Mapped[S50 | None]
    last4: Mapped[str | None] = mapped_column(sa.String(4))
    expiry_month: Mapped[int | None]
    expiry_year: Mapped[int | None]
    is_default: Mapped[Flag] = mapped_column(index=True)
    is_expired: Mapped[Flag]

    user: Mapped[User] = relationship()
