"""Which plan a person is on, and what it allows."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.subscriptions.enums import SubscriptionStatus
from portal.subscriptions.models import Subscription, SubscriptionPlan

FREE = "free"
GIVES_ACCESS = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE)


def plan_of(session: Session, user_id: uuid.UUID) -> SubscriptionPlan:
    """The plan in force: a subscription that gives access (past_due is grace), else the free plan."""
    held = session.scalars(
        sa.select(SubscriptionPlan)
        .join(Subscription)
        .where(Subscription.user_id == user_id, Subscription.status.in_(GIVES_ACCESS))
    ).one_or_none()
    return held or session.scalars(sa.select(SubscriptionPlan).where(SubscriptionPlan.slug == FREE)).one()


def subscriptions_of(session: Session, user_id: uuid.UUID) -> list[tuple[Subscription, SubscriptionPlan]]:
    """A person's subscriptions, newest first."""
    rows = session.execute(
        sa.select(Subscription, SubscriptionPlan)
        .join(SubscriptionPlan)
        .where(Subscription.user_id == user_id)
        .order_by(Subscription.created_at.desc())
    )
    return [(subscription, plan) for subscription, plan in rows]


def is_subscriber(session: Session, user_id: uuid.UUID) -> bool:
    """An active paid plan, as the V Studio rule `subscribers` asks."""
    return plan_of(session, user_id).price_usd > 0
