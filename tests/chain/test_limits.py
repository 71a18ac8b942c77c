"""What the sender refuses, what it puts off, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import outbox
from portal.audit.enums import SecuritySeverity
from portal.audit.models import SecurityEvent
from portal.chain import following, limits, sender
from portal.chain import signer as signers
from portal.chain.client import Client
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import Role, Signer
from portal.config import Settings, SettingsError
from portal.db import transaction
from portal.outbox import OutboxJob
from portal.queue import JOBS, job
from tests.onchain import as_worker

THERE = "0x" + "ab" * 20
COIN = 10**18


@pytest.fixture(autouse=True)
def _as_worker(onchain: Client, live_app: Flask) -> Iterator[None]:
    with as_worker(live_app):
        yield


@pytest.fixture
def operator(onchain: Client, live_app: Flask) -> Signer:
    """With three coins on its account, of which it may spend one a day."""
    settings = live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], spend_cap_per_day=COIN)
    found = signers.of_role(settings, Role.OPERATOR)
    sender.send("fund", Call(found.address, "0x", 3 * COIN), signers.of_dev_account(0))
    following.wait("fund")
    return found


def heard(session: Session, run_jobs: Callable[[], int]) -> list[SecuritySeverity]:
    run_jobs()
    session.rollback()
    return list(session.scalars(sa.select(SecurityEvent.severity).order_by(SecurityEvent.created_at)))


def test_near_the_limit_and_at_it_the_security_team_hears_once(
    session: Session, onchain: Client, operator: Signer, run_jobs: Callable[[], int]
) -> None:
    for number in range(3):
        sender.send(f"some:{number}", Call(THERE, "0x", COIN * 27 // 100), operator)
    assert heard(session, run_jobs) == [SecuritySeverity.HIGH]
    for _ in range(2):
        with pytest.raises(limits.SpendingLimit, match="within a day"):
            sender.send("more", Call(THERE, "0x", COIN * 27 // 100), operator)
    assert heard(session, run_jobs) == [SecuritySeverity.HIGH, SecuritySeverity.CRITICAL]
    assert onchain.balance(THERE) == 3 * (COIN * 27 // 100)


def test_work_waits_without_giving_up_and_goes_on_when_the_limit_is_raised(
    live_app: Flask, session: Session, onchain: Client, operator: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    monkeypatch.setitem(JOBS, "pay_dearly", lambda: None)

    @job("pay_dearly")
    def pay() -> None:
        sender.send("dear", Call(THERE, "0x", 2 * COIN), operator)

    with transaction() as inner:
        outbox.add(inner, "pay_dearly", {}, dedupe="dear")
    row_id = session.scalars(sa.select(OutboxJob.id).where(OutboxJob.dedupe == "dear")).one()
    for _ in range(2):
        outbox.perform(str(row_id))
    row = session.get_one(OutboxJob, row_id, populate_existing=True)
    assert (row.failed_at, row.attempts) == (None, 0)
    assert (row.last_error or "").startswith("Waits: The portal has spent what it may")
    live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], spend_cap_per_day=3 * COIN)
    session.rollback()
    outbox.perform(str(row_id))
    following.wait("dear")
    assert onchain.balance(THERE) == 2 * COIN


def test_what_was_spent_yesterday_or_was_replaced_does_not_count(session: Session, operator: Signer) -> None:
    sender.send("old", Call(THERE, "0x", COIN // 2), operator)
    counted = limits.spent(session, "31337", operator.address)
    assert counted > COIN // 2
    session.execute(
        sa.update(ChainTransaction)
        .where(ChainTransaction.purpose == "old")
        .values(created_at=sa.func.now() - sa.text("interval '25 hours'"))
    )
    assert limits.spent(session, "31337", operator.address) == 0
    session.rollback()


def test_nobodys_role_has_no_limit(live_app: Flask, onchain: Client, operator: Signer) -> None:
    sender.send("fan", Call(THERE, "0x", 2 * COIN), signers.of_dev_account(1))
    following.wait("fan")
    assert onchain.balance(THERE) == 2 * COIN


def test_a_call_dearer_than_its_purpose_needs_is_refused(session: Session, operator: Signer) -> None:
    with pytest.raises(limits.TooMuchGas, match="take 700,000 gas; such a transaction may take 600,000 at most"):
        sender.send("close_contract:x", Call(THERE, "0x", 0, 700_000), operator)
    assert sender.of_purpose("close_contract:x") is None
    assert limits.gas_limit("deploy:x") > limits.gas_limit("deployment-of-something-else")


def test_the_limit_is_named_in_whole_coins() -> None:
    assert Settings.from_env({"AUDIFI_SPEND_CAP_PER_DAY": "0.5"}).spend_cap_per_day == COIN // 2
    for wrong in ("-1", "1e3", "1.0000000000000000001", "1,5"):
        with pytest.raises(SettingsError, match="whole coins"):
            Settings.from_env({"AUDIFI_SPEND_CAP_PER_DAY": wrong})
