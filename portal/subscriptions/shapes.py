"""A subscription for its owner; no Stripe id leaves the server."""

from __future__ import annotations

from typing import Any

from portal.subscriptions.models import Subscription, SubscriptionPlan
from portal.versions import stamp


def subscription(held: Subscription, plan: SubscriptionPlan) -> dict[str, Any]:
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
