"""A subscription for its owner; no Stripe id leaves the server."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.subscriptions.enums import PlanInterval, SubscriptionStatus
from portal.subscriptions.models import Subscription, SubscriptionPlan
from portal.versions import stamp
from portal.web.schema import DecimalText, Id, Time, one_of


class Plan(TypedDict):
    slug: str
    name: str
    priceUsd: DecimalText
    interval: Annotated[str, one_of(PlanInterval)]


class OwnSubscription(TypedDict):
    id: Id
    plan: Plan
    status: Annotated[str, one_of(SubscriptionStatus)]
    currentPeriodStart: Time
    currentPeriodEnd: Time
    cancelAtPeriodEnd: bool
    trialEnd: Time | None


def subscription(held: Subscription, plan: SubscriptionPlan) -> OwnSubscription:
    """One row of GET /me/subscriptions, the same in both versions."""
    return {
        "id": str(held.id),
        "plan": {
            "slug": plan.slug,
            "name": plan.name,
            "priceUsd": str(plan.price_usd),
            "interval": plan.interval.value,
        },
        "status": held.status.value,
        "currentPeriodStart": stamp(held.current_period_start),
        "currentPeriodEnd": stamp(held.current_period_end),
        "cancelAtPeriodEnd": held.cancel_at_period_end,
        "trialEnd": stamp(held.trial_end),
    }
