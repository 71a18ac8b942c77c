"""The words of plans and billing; subscription states are Stripe's eight."""

from enum import StrEnum


class PlanInterval(StrEnum):
    MONTHLY = "monthly"
    YEARLY = "yearly"
    LIFETIME = "lifetime"


class SubscriptionStatus(StrEnum):
    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    PAUSED = "paused"


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class PaymentProviderType(StrEnum):
    STRIPE = "stripe"
    CRYPTO_ETH = "crypto_eth"
    CRYPTO_SOL = "crypto_sol"
    PAYPAL = "paypal"
    APPLE_PAY = "apple_pay"
