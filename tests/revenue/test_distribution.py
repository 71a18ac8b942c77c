"""Plans, failures and settlements in the database; the chain's side is in test_deposits."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.service import link_wallet
from portal.artists.models import Producer
from portal.config import Settings
from portal.errors import Conflict, Unavailable
from portal.masters.models import DividendContract, Master, MasterCollaborator
from portal.outbox import OutboxJob
from portal.revenue import distribution, ledger, service
from portal.revenue.distribution import Plan
from portal.revenue.enums import DividendEventType
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import DividendEvent, LedgerEntry, RevenueEvent
from tests import factories
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.revenue.helpers import CHAIN, book, finance, payable_master, report

HASH = "0x" + "ab" * 32
WALLET = "0x" + "a1" * 20


def recorded(session: Session, master: Master, settings: Settings, amount: str = "1000") -> RevenueEvent:
    return service.record_revenue(finance(session).id, master.id, report(amount), settings)


def planned(event: RevenueEvent, settings: Settings) -> Plan:
    plan = distribution.plan_distribution(event.id, settings)
    assert plan is not None
    return plan


def on_chain(session: Session, plan: Plan, supply: int, carried: int = 0) -> int:
    """Write what the indexer would see of this deposit; returns the carry after it."""
    per, carry = divmod(plan.holders + carried, supply)
    event = session.get_one(RevenueEvent, plan.event_id)
    session.add(
        DividendEvent(
            master_id=event.master_id,
            dividend_contract_id=plan.contract_id,
            event_type=DividendEventType.DISTRIBUTION,
            chain_id=CHAIN,
            contract_address=plan.address,
            tx_hash=HASH,
            log_index=int.from_bytes(plan.event_id.bytes[:3]),
            block_number=7,
            block_timestamp=dt.datetime.now(dt.UTC),
            total_amount=plan.holders,
            currency=plan.currency,
            per_token_amount=per,
            carry_after=carry,
            revenue_event_id=plan.event_id,
        )
    )
    session.commit()
    return carry


def status_of(session: Session, event: RevenueEvent) -> Status:
    session.commit()
    return session.scalars(sa.select(RevenueEvent.status).where(RevenueEvent.id == event.id)).one()


def test_a_plan_is_made_once(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    event = recorded(session, master, settings)
    first = planned(event, settings)
    assert planned(event, settings) == first
    assert (first.holders, first.total) == (500_000_000, 500_000_000)
    assert book(session, master) == {
        "cash": 500_000_000,
        "transit": 500_000_000,
        "holders": -500_000_000,
        "artist": -400_000_000,
        "platform": -100_000_000,
    }


def test_parties_with_a_wallet_are_in_the_deposit(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    link_wallet(session, master.artist.user_id, WALLET, CHAIN, "Main")
    producer = Producer(user=factories.person(session), producer_name="Bram", slug="bram")
    session.add_all(
        [
            producer,
            MasterCollaborator(master_id=master.id, producer=producer, role="production", split_basis_points=1000),
            MasterCollaborator(master_id=master.id, collaborator_name="Lotte", role="strings", split_basis_points=500),
        ]
    )
    session.commit()
    plan = planned(recorded(session, master, settings), settings)
    assert [(part.wallet, part.amount) for part in plan.parts] == [(WALLET, 250_000_000)]
    assert sorted(part.amount for part in plan.credited) == [50_000_000, 100_000_000, 100_000_000]
    assert plan.total == 750_000_000
    assert book(session, master)["cash"] == 250_000_000


def test_what_was_credited_is_paid_once_there_is_a_wallet(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    first = planned(recorded(session, master, settings), settings)
    link_wallet(session, master.artist.user_id, WALLET, CHAIN, "Main")
    session.commit()
    event = recorded(session, master, settings, "10")
    second, third = planned(event, settings), planned(recorded(session, master, settings, "10"), settings)
    assert [plan.parts[0].amount if plan.parts else 0 for plan in (first, second, third)] == [0, 404_000_000, 4_000_000]
    assert (book(session, master)["parts"], "artist" in book(session, master)) == (-408_000_000, False)
    distribution.note_failure(second, "refused")
    assert book(session, master)["artist"] == -400_000_000


def test_settled_when_final_and_the_carry_mirrored(session: Session, settings: Settings) -> None:
    master = payable_master(session, total_supply=7)
    carry = 0
    for amount in ("1000", "333.33", "0.05"):
        event = recorded(session, master, settings, amount)
        plan = planned(event, settings)
        distribution.note_deposit(plan, HASH)
        assert status_of(session, event) is Status.DEPOSITED
        carry = on_chain(session, plan, 7, carry)
        distribution.settle_revenue(event.id)
        distribution.settle_revenue(event.id)
        assert status_of(session, event) is Status.DISTRIBUTED
    held = book(session, master)
    assert carry > 0
    assert (held["carry"], held["holders"]) == (carry, -carry)
    assert "transit" not in held
    assert session.scalar(sa.select(sa.func.sum(LedgerEntry.amount))) == 0


def test_a_settlement_before_the_note_settles_all_the_same(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    event = recorded(session, master, settings)
    with pytest.raises(Unavailable):
        distribution.settle_revenue(event.id)
    plan = planned(event, settings)
    on_chain(session, plan, 1000)
    distribution.settle_revenue(event.id)
    distribution.note_deposit(plan, "0x" + "cd" * 32)
    kept = session.get_one(RevenueEvent, event.id, populate_existing=True)
    assert (kept.status, kept.deposit_tx_hash) == (Status.DISTRIBUTED, HASH)


def test_a_failed_deposit_is_taken_back_and_tried_again(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    event = recorded(session, master, settings)
    plan = planned(event, settings)
    distribution.note_failure(plan, "master cancelled")
    distribution.note_failure(plan, "master cancelled")
    assert status_of(session, event) is Status.FAILED
    assert book(session, master) == {"cash": 1_000_000_000, "revenue": -1_000_000_000}
    service.retry_revenue(staff.id, event.id)
    again = planned(event, settings)
    assert (again.attempt, again.total) == (2, plan.total)
    with pytest.raises(Conflict):
        service.dispute_revenue(staff.id, event.id, "too late")


def test_a_correction_is_made_good_by_the_next_income(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    correction = recorded(session, master, settings, "-300")
    assert distribution.plan_distribution(correction.id, settings) is None
    assert status_of(session, correction) is Status.DISTRIBUTED
    small = recorded(session, master, settings, "100")
    assert distribution.plan_distribution(small.id, settings) is None
    assert book(session, master) == {"cash": -200_000_000, "forward": 200_000_000}
    large = planned(recorded(session, master, settings, "1000"), settings)
    assert large.holders == 400_000_000
    assert "forward" not in book(session, master)


def test_a_master_without_a_contract_is_looked_at_again(session: Session, settings: Settings) -> None:
    master = factories.master(session)
    event = recorded(session, master, settings)
    assert distribution.plan_distribution(event.id, settings) is None
    later = OutboxJob.not_before.is_not(None)
    assert session.scalar(sa.select(sa.func.count()).select_from(OutboxJob).where(later)) == 1
    assert status_of(session, event) is Status.VERIFIED
    session.add(
        DividendContract(
            master_id=master.id, distribution_model="per_master", chain_id=CHAIN, contract_address="0x" + "e2" * 20
        )
    )
    session.commit()
    assert planned(event, settings).address == "0x" + "e2" * 20


def test_no_more_is_sent_than_was_booked(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    event = recorded(session, master, settings)
    cash = ledger.of_master("cash", master.id, "USDC")
    ledger.post(
        session,
        [ledger.Line(cash, -600_000_000), ledger.Line(ledger.of_party("platform", master.id, "USDC"), 600_000_000)],
    )
    session.commit()
    with pytest.raises(Conflict, match="booked"):
        distribution.plan_distribution(event.id, settings)
    assert service.note(session.get_one(RevenueEvent, event.id, populate_existing=True), "plan") is None


def test_a_posting_sums_to_zero(session: Session) -> None:
    master = uuid.uuid4()
    lines = [
        ledger.Line(ledger.of_master("cash", master, "USDC"), 5),
        ledger.Line(ledger.of_master("cash", master, "ETH"), -5),
    ]
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.post(session, lines)
