"""Revenue reaches the chain once, wherever the job stops, and what the contract refuses is taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.accounts.service import link_wallet
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import NATIVE, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client, Reverted
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.queue import JOBS
from portal.revenue import service
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import RevenueEvent
from tests.onchain import as_worker, contracts, onchain, work  # noqa: F401  (fixtures)
from tests.revenue.helpers import CHAIN, book, finance, report
from tests.revenue.onchain import DEMO, Recording, ask, deploy, mint, run, wallet

POINTS = [
    "distribute-planned",
    "send-signed",
    "distribute-approved",
    "send-broadcast",
    "distribute-sent",
    "distribute-deposited",
]
Work = Callable[[], int]


@pytest.fixture
def recording(live_app: Flask, session: Session, contracts: Contracts) -> Recording:  # noqa: F811
    """Ten shares, three of them held by a fan; the artist has a wallet."""
    found = deploy(live_app, session, contracts)
    link_wallet(session, found.master.artist.user_id, wallet(DEMO), CHAIN, "Artist")
    session.commit()
    mint(live_app, found, DEMO + 1, 3)
    return found


def recorded(
    session: Session, app: Flask, recording: Recording, amount: str = "100", currency: str = "USD"
) -> RevenueEvent:
    data = report(amount, currency)
    return service.record_revenue(finance(session).id, recording.master.id, data, app.config["SETTINGS"])


def now(session: Session, event: RevenueEvent) -> RevenueEvent:
    session.rollback()
    return session.get_one(RevenueEvent, event.id, populate_existing=True)


def deposits(session: Session) -> int:
    session.rollback()
    named = ChainTransaction.purpose.startswith("deposit:")
    return session.scalar(sa.select(sa.func.count()).select_from(ChainTransaction).where(named)) or 0


def test_a_deposit_pays_shares_and_parties(
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    onchain: Client,  # noqa: F811
    work: Work,  # noqa: F811
) -> None:
    event = recorded(session, live_app, recording)
    work()
    kept = now(session, event)
    assert (kept.status, kept.deposit_tx_hash is not None) == (Status.DEPOSITED, True)
    coin = contracts.stablecoin
    assert ask(onchain, recording.dividends, "Dividends", "pool", coin) == (90_000_000, 5_000_000, 0)
    assert ask(onchain, recording.dividends, "Dividends", "claimable", wallet(DEMO + 1), coin) == (15_000_000,)
    assert ask(onchain, recording.dividends, "Dividends", "owed", wallet(DEMO), coin) == (75_000_000,)
    assert book(session, recording.master)["transit"] == 90_000_000


def test_native_revenue_is_deposited_as_native_coin(
    live_app: Flask,
    session: Session,
    recording: Recording,
    onchain: Client,  # noqa: F811
    work: Work,  # noqa: F811
) -> None:
    recorded(session, live_app, recording, "0.00000001", "ETH")
    work()
    assert ask(onchain, recording.dividends, "Dividends", "pool", NATIVE) == (9 * 10**9, 5 * 10**8, 0)


@pytest.mark.parametrize("point", POINTS)
def test_stopped_anywhere_it_deposits_once(
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    onchain: Client,  # noqa: F811
    work: Work,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    event = recorded(session, live_app, recording)
    with monkeypatch.context() as armed, as_worker(live_app):
        armed.setattr(faults, "ARMED", f"{point}:raise")
        with pytest.raises(faults.Fault):
            JOBS["distribute_revenue"](revenue_event_id=str(event.id))
    work()
    with as_worker(live_app):
        JOBS["distribute_revenue"](revenue_event_id=str(event.id))
    assert now(session, event).status is Status.DEPOSITED
    assert deposits(session) == 1
    assert ask(onchain, recording.dividends, "Dividends", "pool", contracts.stablecoin)[0] == 90_000_000
    assert book(session, recording.master)["transit"] == 90_000_000


def test_leave_that_failed_once_is_given_anew(
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    work: Work,  # noqa: F811
) -> None:
    treasury = signers.of_role(live_app.config["SETTINGS"], Role.TREASURY)
    with as_worker(live_app):
        leave = f"approve:{contracts.stablecoin}:{recording.dividends}"
        sender.send(leave, Call(contracts.stablecoin, "0x", gas=60_000), treasury)
        with pytest.raises(Reverted):
            following.wait(leave)
    event = recorded(session, live_app, recording)
    work()
    assert now(session, event).status is Status.DEPOSITED


def test_what_the_contract_refuses_fails_and_is_tried_again(
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    onchain: Client,  # noqa: F811
    work: Work,  # noqa: F811
) -> None:
    settings = live_app.config["SETTINGS"]
    operator, treasury = (signers.of_role(settings, role) for role in (Role.OPERATOR, Role.TREASURY))
    allow = [encode_call("Factory", "setDepositor", (treasury.address, yes)) for yes in (False, True)]
    run(live_app, Call(contracts.factory, allow[0]), operator)
    event = recorded(session, live_app, recording)
    work()
    failed = now(session, event)
    assert (failed.status, service.note(failed, "failure")) == (Status.FAILED, "not allowed to deposit")
    assert book(session, recording.master) == {"cash": 100_000_000, "revenue": -100_000_000}
    run(live_app, Call(contracts.factory, allow[1]), operator)
    service.retry_revenue(finance(session).id, event.id)
    work()
    assert now(session, event).status is Status.DEPOSITED
    assert ask(onchain, recording.dividends, "Dividends", "deposits", event.id.bytes.rjust(32, b"\0")) == (90_000_000,)
    assert now(session, event).amount == Decimal(100)
