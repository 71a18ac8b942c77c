"""What the public pages say about income: each currency for itself, a dash where nothing was paid."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.db import utcnow
from portal.revenue import distribution, income, service
from portal.revenue.enums import RevenueSourceType as Source
from portal.revenue.rules import RevenueData
from tests import factories
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import Mirror, address
from tests.revenue.helpers import finance


@pytest.fixture
def mirror(session: Session) -> Mirror:
    return Mirror(session, factories.master(session))


def deposited(session: Session, mirror: Mirror, settings: Settings, source: Source, amount: str, currency: str) -> None:
    start = utcnow() - dt.timedelta(days=3)
    data = RevenueData(source, Decimal(amount), currency, period_start=start, period_end=start)
    event = service.record_revenue(finance(session).id, mirror.master.id, data, settings)
    plan = distribution.plan_distribution(event.id, settings)
    assert plan is not None
    distribution.note_deposit(plan, "0x" + event.id.hex * 2)


def test_income_by_month_source_and_currency(session: Session, settings: Settings, mirror: Mirror) -> None:
    deposited(session, mirror, settings, Source.DISTRIBUTOR, "100.25", "USD")
    deposited(session, mirror, settings, Source.DISTRIBUTOR, "1", "USDC")
    deposited(session, mirror, settings, Source.SYNC, "7", "USD")
    deposited(session, mirror, settings, Source.SYNC, "0.5", "ETH")
    service.record_revenue(
        mirror.master.artist.user_id, mirror.master.id, RevenueData(Source.PRO, Decimal(9), "USD"), settings
    )
    rows = income.revenue_by_month(session, mirror.master.id)
    assert [(row.group, row.currency, row.amount) for row in rows] == [
        ("other", "ETH", 5 * 10**17),
        ("other", "USDC", 7_000_000),
        ("streaming", "USDC", 101_250_000),
    ]
    assert {row.month.day for row in rows} == {1}


def test_only_the_last_12_months_count(session: Session, mirror: Mirror) -> None:
    mirror.distribute(1_000, months_ago=14)
    for _ in range(2):
        mirror.distribute(300)
    mirror.distribute(7, currency="ETH")
    assert income.paid_last_12_months_per_share(session, mirror.master.id, "USDC") == 600
    assert income.paid_last_12_months_per_share(session, mirror.master.id, "EUR") is None
    assert [(p.currency, p.per_share) for p in income.payments(session, mirror.master.id, 2)] == [
        ("ETH", 7),
        ("USDC", 300),
    ]
    assert income.payment_count(session, mirror.master.id) == 4


def test_what_people_were_paid_leaves_out_the_artists_unsold_shares(session: Session, mirror: Mirror) -> None:
    mirror.mint(address(), 2)
    mirror.distribute(50, unminted=998 * 50)
    assert income.total_paid(session) == {"USDC": 100}
