"""Starting a subscription: one live one a person, with its period, its trial and its audit row."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.audit.models import AuditLog
from portal.db import transaction
from portal.errors import Conflict, NotFound
from portal.subscriptions.enums import SubscriptionStatus
from portal.subscriptions.queries import plan_of
from portal.subscriptions.service import start_subscription
from tests import factories


@pytest.fixture
def fan(session: Session) -> User:
    return factories.person(session)


def test_a_month_of_pro(session: Session, fan: User) -> None:
    made = start_subscription(session, fan.id, "pro")
    assert (made.status, made.trial_end) == (SubscriptionStatus.ACTIVE, None)
    assert made.current_period_end - made.current_period_start == dt.timedelta(days=30)
    assert plan_of(session, fan.id).slug == "pro"
    assert session.scalar(sa.select(AuditLog.target_identifier).where(AuditLog.action == "start_subscription")) == "pro"


def test_a_trial_ends_with_its_days(session: Session, fan: User) -> None:
    made = start_subscription(session, fan.id, "pro", trial=True)
    assert made.status is SubscriptionStatus.TRIALING
    assert made.trial_end == made.current_period_start + dt.timedelta(days=14)
    assert plan_of(session, fan.id).slug == "pro"


def test_what_is_refused(session: Session, fan: User) -> None:
    with pytest.raises(NotFound):
        start_subscription(session, fan.id, "platinum")
    with pytest.raises(Conflict):
        start_subscription(session, fan.id, "enterprise", trial=True)


def test_a_second_live_one_is_a_conflict(session: Session, fan: User) -> None:
    for slug, refused in (("pro", False), ("enterprise", True)):
        try:
            with transaction() as inside:
                start_subscription(inside, fan.id, slug)
        except Conflict:
            assert refused
        else:
            assert not refused
