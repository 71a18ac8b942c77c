"""Recording and verifying revenue: one transaction, one booking, one job, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import faults
from portal.audit.models import AuditLog
from portal.config import Settings
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.outbox import OutboxJob
from portal.revenue import distribution, service
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import LedgerEntry, RevenueEvent
from portal.revenue.rules import Rate
from tests import factories
from tests.revenue.helpers import book, finance, payable_master, report

EUR = Rate(Decimal("1.0836"), "ECB reference rate", dt.date(2026, 10, 30))


def jobs(session: Session) -> list[str]:
    session.commit()
    return list(session.scalars(sa.select(OutboxJob.dedupe).where(OutboxJob.job == "distribute_revenue")))


def actions(session: Session) -> list[str]:
    session.commit()
    return list(session.scalars(sa.select(AuditLog.action).where(AuditLog.target_type == "revenue_event")))


def test_finance_records_verified_revenue_with_its_job(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    event = service.record_revenue(staff.id, master.id, report("1318.42"), settings)
    assert (event.status, event.verified_by) == (Status.VERIFIED, staff.id)
    assert jobs(session) == [f"distribute_revenue:{event.id}"]
    assert actions(session) == ["record_revenue"]
    assert book(session, master) == {"cash": 1_318_420_000, "revenue": -1_318_420_000}


def test_the_owners_revenue_waits_for_finance(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    event = service.record_revenue(master.artist.user_id, master.id, report(), settings)
    assert (event.status, jobs(session), book(session, master)) == (Status.PENDING, [], {})
    verified = service.verify_revenue(finance(session).id, event.id, "bank 7731", settings)
    assert verified.status is Status.VERIFIED
    assert jobs(session) == [f"distribute_revenue:{event.id}"]
    assert service.note(verified, "receipt") == "bank 7731"


@pytest.mark.parametrize("point", ["record-revenue-audit", "verify-revenue-outbox"])
def test_a_fault_on_the_way_leaves_nothing(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    master, staff = payable_master(session), finance(session)
    monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
    with pytest.raises(faults.Fault):
        service.record_revenue(staff.id, master.id, report(), settings)
    counted = [session.scalar(sa.select(sa.func.count()).select_from(t)) for t in (RevenueEvent, LedgerEntry)]
    assert (counted, jobs(session), actions(session)) == ([0, 0], [], [])


def test_somebody_elses_master_is_not_there(session: Session, settings: Settings) -> None:
    master, other = payable_master(session), factories.artist(session)
    with pytest.raises(NotFound):
        service.record_revenue(other.user_id, master.id, report(), settings)


def test_only_finance_verifies(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    event = service.record_revenue(master.artist.user_id, master.id, report(), settings)
    with pytest.raises(Forbidden):
        service.verify_revenue(master.artist.user_id, event.id, "mine", settings)


def test_a_reference_is_recorded_once(session: Session, settings: Settings) -> None:
    master = payable_master(session)
    data = report(external_reference="DSP-2026-10", source_name="Spotify")
    service.record_revenue(master.artist.user_id, master.id, data, settings)
    with pytest.raises(Conflict, match="recorded before"):
        service.record_revenue(master.artist.user_id, master.id, data, settings)


def test_verified_twice_is_booked_once(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    event = service.record_revenue(staff.id, master.id, report(), settings)
    with pytest.raises(Conflict):
        service.verify_revenue(staff.id, event.id, "again", settings)
    assert book(session, master)["cash"] == 1_000_000_000


def test_euros_need_a_rate(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    event = service.record_revenue(staff.id, master.id, report("100", "EUR"), settings)
    assert event.status is Status.PENDING
    with pytest.raises(Invalid):
        service.verify_revenue(staff.id, event.id, "bank 1", settings)
    kept = service.verify_revenue(staff.id, event.id, "bank 1", settings, EUR)
    assert book(session, master)["cash"] == 108_360_000
    said = service.note(kept, "conversion")
    assert (said["rate"], said["rateSource"], said["rateDay"]) == ("1.0836", "ECB reference rate", "2026-10-30")


def test_what_lies_below_a_unit_waits_for_the_next_event(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    for _ in range(4):
        service.record_revenue(staff.id, master.id, report("0.00000030"), settings)
    assert book(session, master) == {"cash": 1, "revenue": -1}


def test_disputed_money_is_booked_once_and_rejected_money_not_at_all(session: Session, settings: Settings) -> None:
    master, staff = payable_master(session), finance(session)
    event = service.record_revenue(staff.id, master.id, report(), settings)
    service.dispute_revenue(staff.id, event.id, "charged back")
    assert distribution.plan_distribution(event.id, settings) is None
    again = service.verify_revenue(staff.id, event.id, "bank 2", settings)
    assert (again.status, book(session, master)["cash"]) == (Status.VERIFIED, 1_000_000_000)
    assert jobs(session) == [f"distribute_revenue:{event.id}", f"distribute_revenue:{event.id}:2"]
    service.dispute_revenue(staff.id, event.id, "charged back for good")
    gone = service.reject_revenue(staff.id, event.id, "no money")
    assert (gone.status, book(session, master)) == (Status.FAILED, {})
    with pytest.raises(Conflict):
        service.retry_revenue(staff.id, event.id)
