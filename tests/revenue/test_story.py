"""From a statement's line to money in a fan's wallet, through every real part: database, jobs, chain, indexer."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.db import db
from portal.indexer import loop
from portal.revenue import history, income, service
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import LedgerEntry, RevenueEvent
from tests import factories
from tests.conftest import Client
from tests.onchain import as_worker, contracts, onchain, work  # noqa: F401  (fixtures)
from tests.revenue.helpers import CHAIN, book, finance, report
from tests.revenue.onchain import DEMO, ask, deploy, finalize, mint, wallet

FAN = DEMO + 1


def test_revenue_becomes_money_in_a_wallet(
    client: Client,
    live_app: Flask,
    session: Session,
    contracts: Contracts,  # noqa: F811
    onchain: Node,  # noqa: F811
    work: Callable[[], int],  # noqa: F811
    sign_in: Callable[[Client, User], str],
) -> None:
    def follow() -> None:
        with as_worker(live_app):
            loop.catch_up()

    recording = deploy(live_app, session, contracts, supply=7)
    link_wallet(session, recording.master.artist.user_id, wallet(DEMO), CHAIN, "Artist")
    fan = factories.person(session)
    link_wallet(session, fan.id, wallet(FAN), CHAIN, "Fan")
    session.commit()
    mint(live_app, recording, FAN, 3)
    for amount in ("100", "33.33"):
        service.record_revenue(finance(session).id, recording.master.id, report(amount), live_app.config["SETTINGS"])
    work()
    follow()
    finalize(onchain)
    follow()
    work()
    session.rollback()
    assert set(session.scalars(sa.select(RevenueEvent.status))) == {Status.DISTRIBUTED}
    pools = 50_000_000 + 16_665_000
    per, carry = (pools // 7, pools % 7)
    held = book(session, recording.master)
    assert (held["carry"], held["holders"], held["cash"]) == (carry, -carry, 13_333_000)
    assert session.scalar(sa.select(sa.func.sum(LedgerEntry.amount))) == 0
    newest, first = income.payments(session, recording.master.id, 5)
    assert (first.earned, first.holders, newest.holders) == (100_000_000, 50_000_000, 16_665_000)
    assert first.per_share + newest.per_share == per

    session.close()
    sign_in(client, fan)
    assert client.get("/api/v2/me/portfolio").json["dividends"][0]["claimable"] == str(3 * per)
    assert client.post("/me/portfolio/claims", data={"wallet": wallet(FAN)}).status_code == 303
    work()
    follow()
    assert ask(onchain, contracts.stablecoin, "Stablecoin", "balanceOf", wallet(FAN)) == (3 * per,)
    assert client.get("/api/v2/me/portfolio").json["dividends"][0]["claimable"] == "0"
    claimed, *earned = history.entries(db.session(), fan.id, 10)
    assert (claimed.kind, claimed.amount, claimed.balance) == ("claim", -3 * per, 0)
    assert sum(entry.amount for entry in earned) == 3 * per
    (balance,) = {row.balance for row in history.entries(db.session(), recording.master.artist.user_id, 1)}
    owed = ask(onchain, recording.dividends, "Dividends", "owed", wallet(DEMO), contracts.stablecoin)
    assert (balance,) == owed
