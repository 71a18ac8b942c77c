"""Commands on subscriptions."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import utcnow
from portal.errors import Conflict, NotFound
from portal.subscriptions.enums import PlanInterval, SubscriptionStatus
from portal.subscriptions.models import Subscription, SubscriptionPlan

PERIOD = {PlanInterval.MONTHLY: dt.timedelta(days=30), PlanInterval.YEARLY: dt.timedelta(days=365)}
LIFETIME = dt.timedelta(days=36_500)

db.explain("uq_subscriptions_live", lambda: Conflict("There is a subscription already. Change or end that one."))


def start_subscription(session: Session, user_id: uuid.UUID, slug: str, *, trial: bool = False) -> Subscription:
    """Put a person on a plan from now on, inside the caller's transaction; a trial lasts the plan's `trial_days`.

    Raises NotFound for an unknown plan, Conflict for a trial of a plan without one. A second live subscription is
    refused by the database.
    """
    plan = session.scalars(sa.select(SubscriptionPlan).where(SubscriptionPlan.slug == slug)).one_or_none()
    if plan is None:
        raise NotFound
    if trial and not plan.trial_days:
        raise Conflict(f"The {plan.name} plan has no trial.")
    begins = utcnow()
    ends = begins + (dt.timedelta(days=plan.trial_days or 0) if trial else PERIOD.get(plan.interval, LIFETIME))
    status = SubscriptionStatus.TRIALING if trial else SubscriptionStatus.ACTIVE
    subscription = Subscription(
        user_id=user_id,
        plan_id=plan.id,
        status=status,
        current_period_start=begins,
        current_period_end=ends,
        trial_start=begins if trial else None,
        trial_end=ends if trial else None,
    )
    session.add(subscription)
    session.flush()
    record(
        session,
        "start_subscription",
        AuditActionCategory.SUBSCRIPTION,
        target=("user", user_id, plan.slug),
        after={"plan": plan.slug, "status": status.value},
    )
    return subscription
