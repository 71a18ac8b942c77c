"""Commands on revenue events until they are verified, or refused. Paying them out is in `distribution`.

What an event's `metadata` holds: `receipt`; `conversion` {currency, units, below, rate, rateSource, rateDay,
posting} once it is booked; `plan` and `attempt` once it is being paid out; `failure` or `dispute` in words;
`steps`, how often its status moved.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db, faults, money, outbox
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.db import must_hit, transaction, utcnow
from portal.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from portal.idempotency import KeyedRequest, claim, keep
from portal.revenue import ledger, news, queries, rules
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import RevenueEvent
from portal.revenue.rules import Rate, RevenueData

VERIFY = "finance:verify"
UNVERIFIED = {Status.PENDING, Status.DISPUTED, Status.FAILED}

db.explain(
    "uq_revenue_events_reference",
    lambda: Conflict("This reference of this source was recorded before. A correction is a new, negative entry."),
)


def record_revenue(
    user_id: uuid.UUID, master_id: uuid.UUID, data: RevenueData, settings: Settings, keyed: KeyedRequest | None = None
) -> RevenueEvent:
    """Event, audit row and, recorded by finance, the job that pays it out: one transaction (specification 1.2).

    The owner's event is pending until finance verifies it. Finance's is verified at once, with its external
    reference as the receipt, unless its currency needs a rate that only `verify_revenue` can name. Raises NotFound
    for somebody else's master, Conflict for a reference that was recorded before.
    """
    with transaction() as session:
        claim(session, keyed)
        event = add_revenue(session, user_id, master_id, data, settings)
        keep(session, event)
        return event


def add_revenue(
    session: Session, user_id: uuid.UUID, master_id: uuid.UUID, data: RevenueData, settings: Settings
) -> RevenueEvent:
    """`record_revenue` inside the caller's transaction."""
    finance = queries.may(session, user_id, VERIFY)
    master = queries.master_for(session, master_id, user_id, staff=finance)
    if master is None:
        raise NotFound
    event = RevenueEvent(
        id=uuid.uuid4(), master=master, status=Status.PENDING, metadata_={}, created_at=utcnow(), **vars(data)
    )
    session.add(event)
    session.flush()
    faults.point("record-revenue-audit")
    audit(session, "record_revenue", event, after=_told(event))
    rate = _standing_rate(data.currency, settings)
    if finance and rate is not None:
        _verify(session, event, user_id, data.external_reference, rate)
    news.recorded(session, event)
    return event


def verify_revenue(
    user_id: uuid.UUID,
    event_id: uuid.UUID,
    receipt: str,
    settings: Settings,
    rate: Rate | None = None,
    keyed: KeyedRequest | None = None,
) -> RevenueEvent:
    """Finance has seen the money and names its receipt: the ledger books it and the job pays it out.

    `rate` is needed for a currency that has no standing one. Raises Conflict for an event that is verified already,
    Invalid without a rate.
    """
    with transaction() as session:
        claim(session, keyed)
        event = _for_finance(session, user_id, event_id)
        rate = rate or _standing_rate(event.currency, settings)
        if rate is None and not _booked(event):
            raise Invalid(FieldError("rate", f"Name the rate from {event.currency} to USDC, its source and its day."))
        _verify(session, event, user_id, receipt, rate)
        audit(session, "verify_revenue", event, after={"status": event.status.value, "receipt": receipt})
        news.recorded(session, event)
        keep(session, event)
        return event


def retry_revenue(user_id: uuid.UUID, event_id: uuid.UUID, keyed: KeyedRequest | None = None) -> RevenueEvent:
    """Pay out again what failed on the way to the chain. Raises Conflict for any other event."""
    with transaction() as session:
        claim(session, keyed)
        event = _for_finance(session, user_id, event_id)
        if event.status is not Status.FAILED or not _booked(event):
            raise Conflict("Only a payment that failed is tried again.")
        _verify(session, event, user_id, note(event, "receipt"), None)
        audit(session, "retry_revenue", event, after={"status": event.status.value})
        news.recorded(session, event)
        keep(session, event)
        return event


def dispute_revenue(
    user_id: uuid.UUID, event_id: uuid.UUID, reason: str, keyed: KeyedRequest | None = None
) -> RevenueEvent:
    """Hold an event back until it is verified or rejected. Raises Conflict once its payment is on the way."""
    with transaction() as session:
        claim(session, keyed)
        event = _for_finance(session, user_id, event_id)
        if note(event, "plan"):
            raise Conflict("This event is being paid out.")
        move(session, event, {Status.PENDING, Status.VERIFIED}, Status.DISPUTED, {"dispute": reason})
        audit(session, "dispute_revenue", event, after={"status": event.status.value, "reason": reason})
        news.recorded(session, event)
        keep(session, event)
        return event


def reject_revenue(
    user_id: uuid.UUID, event_id: uuid.UUID, reason: str, keyed: KeyedRequest | None = None
) -> RevenueEvent:
    """The money is not there: a pending or disputed event fails, and what was booked for it is posted back."""
    with transaction() as session:
        claim(session, keyed)
        event = _for_finance(session, user_id, event_id)
        conversion = note(event, "conversion")
        if conversion:
            ledger.reverse(session, uuid.UUID(conversion["posting"]))
        changes = {"failure": reason, "conversion": None}
        move(session, event, {Status.PENDING, Status.DISPUTED}, Status.FAILED, changes)
        audit(session, "reject_revenue", event, after={"status": event.status.value, "reason": reason})
        news.recorded(session, event)
        keep(session, event)
        return event


# --- for the modules beside this one ----------------------------------------------------------------------


def note(event: RevenueEvent, name: str) -> Any:
    """A value of the event's metadata, None where there is none."""
    return (event.metadata_ or {}).get(name)


def move(
    session: Session,
    event: RevenueEvent,
    allowed: Collection[Status],
    to: Status,
    notes: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Compare-and-set of the status with what changes beside it. Raises Conflict from any other state."""
    kept = {**(event.metadata_ or {}), **(notes or {})}
    kept["steps"] = int(kept.get("steps", 0)) + 1
    columns |= {"metadata_": {name: value for name, value in kept.items() if value is not None}}
    session.flush()
    changed = session.execute(
        sa.update(RevenueEvent)
        .where(RevenueEvent.id == event.id, RevenueEvent.status.in_(allowed))
        .values(status=to, **columns)
        .execution_options(synchronize_session=False)
    )
    must_hit(changed, Conflict(f"This event is {event.status.value} now."))
    session.refresh(event)


def ask_for_distribution(session: Session, event: RevenueEvent) -> None:
    """The outbox row that pays an event out; a later verification or retry has a row of its own."""
    runs = int(note(event, "runs") or 1)
    again = "" if runs == 1 else f":{runs}"
    payload = {"revenue_event_id": str(event.id)}
    outbox.add(session, "distribute_revenue", payload, dedupe=f"distribute_revenue:{event.id}{again}")


def audit(session: Session, action: str, event: RevenueEvent, after: dict[str, Any]) -> None:
    """An audit row about an event, with its master, amount and currency as its readable name."""
    name = f"{event.master.title}: {event.amount:f} {event.currency}"
    target = ("revenue_event", event.id, name[:255])
    record(session, action, AuditActionCategory.REVENUE, target=target, after=after)


# --- parts ------------------------------------------------------------------------------------------------


def _for_finance(session: Session, user_id: uuid.UUID, event_id: uuid.UUID) -> RevenueEvent:
    if not queries.may(session, user_id, VERIFY):
        raise Forbidden
    event = queries.event(session, event_id, lock=True)
    if event is None:
        raise NotFound
    return event


def _verify(session: Session, event: RevenueEvent, user_id: uuid.UUID, receipt: str | None, rate: Rate | None) -> None:
    """Book what is not booked yet, set the status, ask for the job."""
    notes: dict[str, Any] = {"receipt": receipt, "runs": int(note(event, "runs") or 0) + 1}
    notes |= {"failure": None, "dispute": None}
    columns: dict[str, Any] = {"verified_at": utcnow(), "verified_by": user_id}
    if not _booked(event) and rate is not None:
        notes["conversion"] = _book(session, event, rate)
        columns["amount_usd"] = event.amount if event.currency == "USD" else None
    move(session, event, UNVERIFIED, Status.VERIFIED, notes, **columns)
    faults.point("verify-revenue-outbox")
    ask_for_distribution(session, event)


def _book(session: Session, event: RevenueEvent, rate: Rate) -> dict[str, str]:
    """Treasury cash against this master's revenue, in the smallest unit of the currency it is deposited in."""
    currency = rules.DEPOSITED_AS[event.currency]
    cash = ledger.of_master("cash", event.master_id, currency)
    ledger.hold(session, cash)
    waiting = queries.waiting_below(session, event.master_id, currency)
    booked = rules.convert(event.amount, rate.value, money.currency(currency).decimals, waiting)
    lines = [
        ledger.Line(cash, booked.units),
        ledger.Line(ledger.of_master("revenue", event.master_id, currency), -booked.units),
    ]
    return {
        "currency": currency,
        "units": str(booked.units),
        "below": f"{booked.below:f}",
        "rate": f"{rate.value:f}",
        "rateSource": rate.source,
        "rateDay": rate.day.isoformat(),
        "posting": str(ledger.post(session, lines, revenue_event_id=event.id)),
    }


def _booked(event: RevenueEvent) -> bool:
    return note(event, "conversion") is not None


def _standing_rate(currency: str, settings: Settings) -> Rate | None:
    """The rate that needs nobody's word: a coin for itself, and dollars by the platform's setting."""
    today = utcnow().date()
    if rules.DEPOSITED_AS[currency] == currency:
        return Rate(Decimal(1), "same currency", today)
    if currency == "USD":
        return Rate(Decimal(settings.usdc_per_usd), "setting usdc_per_usd", today)
    return None


def _told(event: RevenueEvent) -> dict[str, Any]:
    return {
        "amount": f"{event.amount:f}",
        "currency": event.currency,
        "sourceType": event.source_type.value,
        "externalReference": event.external_reference,
        "status": event.status.value,
    }
