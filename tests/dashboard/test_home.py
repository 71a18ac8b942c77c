"""The studio's first page: figures that are the tables' own, and what it says when there is nothing yet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.config import Settings
from portal.db import db, utcnow
from portal.masters.models import MasterIpo
from portal.revenue import distribution, service
from portal.revenue.enums import RevenueSourceType as Source
from portal.revenue.rules import RevenueData
from tests import factories
from tests.conftest import Client
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import Mirror, address
from tests.revenue.helpers import finance


@pytest.fixture
def artist(client: Client, session: Session, sign_in: Callable[..., Any]) -> Artist:
    """Signed in."""
    made = factories.artist(session)
    sign_in(client, made.user)
    return made


def page(client: Client, address: str = "/studio") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).replace("&nbsp;", " "))


def earn(session: Session, mirror: Mirror, settings: Settings, amount: str, currency: str = "USDC") -> None:
    start = utcnow() - dt.timedelta(days=3)
    data = RevenueData(Source.DISTRIBUTOR, Decimal(amount), currency, period_start=start, period_end=start)
    event = service.record_revenue(finance(session).id, mirror.master.id, data, settings)
    plan = distribution.plan_distribution(event.id, settings)
    assert plan is not None
    distribution.note_deposit(plan, "0x" + event.id.hex * 2)


def test_an_empty_studio_says_what_to_do(client: Client, artist: Artist) -> None:
    told = page(client)
    for words in ("Create your first master", "No master yet", "Sales and payments of your masters appear here"):
        assert words in told


def test_the_figures_of_all_masters(client: Client, session: Session, settings: Settings, artist: Artist) -> None:
    mirror, fan, other = Mirror(session, factories.master(session, artist, title="First Ice")), address(), address()
    mirror.mint(fan, 3)
    mirror.mint(other, 1)
    mirror.move(4, fan)
    mirror.distribute(1_500_000, unminted=1_494_000_000)
    mirror.balance(fan, 6_000_000, 1_000_000)
    earn(session, mirror, settings, "120.50")
    earn(session, mirror, settings, "1", "ETH")
    stranger = Mirror(session, factories.master(session))
    stranger.mint(address(), 2)
    earn(session, stranger, settings, "999")
    told = page(client)
    assert "Share holders 1 +1 this week" in told
    assert "Not yet claimed 5.00 USDC by 1 holders" in told
    assert f"{fan[:6]}…{fan[-4:]} received 1 share of First Ice" in told
    assert "First Ice paid 6.00 USDC to its holders" in told
    assert "Streaming" in told
    assert "999" not in told
    earned = re.search(r"Earned, 30 days ([0-9.]+) (\w+)", told)
    assert earned
    assert earned.groups() in {("120.50", "USDC"), ("1.00", "ETH")}
    assert "Income by month" in page(client, "/studio?months=6")
    assert page(client, "/studio?months=x")


def test_what_waits_for_the_artist(client: Client, session: Session, artist: Artist) -> None:
    factories.master(session, artist, title="Quiet", rights=False)
    factories.master(session, artist, title="Sold")
    sold = sa.select(MasterIpo.id).join(MasterIpo.master).where(sa.text("masters.title = 'Sold'"))
    closed = {"status": "closed", "minted_supply": 7, "actual_end_at": utcnow()}
    session.execute(sa.update(MasterIpo).where(MasterIpo.id.in_(sold)).values(**closed))
    session.commit()
    told = page(client)
    assert "Confirm the rights of Quiet" in told
    assert "Withdraw the proceeds of Sold 7 shares are sold" in told
    assert db.session().scalar(sa.select(sa.func.count()).select_from(MasterIpo)) == 2
