"""Three months of income of the master that is sold out: reported by the artist, verified by finance, deposited on the
chain in the month it was paid, and fetched by some of the holders."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from portal.chain import bootstrap
from portal.chain.signer import of_demo_fan
from portal.db import transaction, utcnow
from portal.masters.intents import Unsigned
from portal.revenue import claims, service
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import RevenueEvent
from portal.revenue.rules import RevenueData
from portal.seed import clock, wallets
from portal.seed.data import CLAIMS, FINANCE, REPORTED, SOLD_OUT, SOURCES, Source
from portal.seed.field import Field, acting, fan_email, owner_of, person, there
from portal.seed.waiting import Stalled, until

MONTHS = 3
PAID_AFTER = dt.timedelta(days=12)
NEWEST_PAID = dt.timedelta(days=4)


@dataclass(frozen=True)
class Month:
    """A calendar month and when its income was paid out; `number` counts from 1, the oldest."""

    number: int
    start: dt.datetime
    end: dt.datetime
    paid: dt.datetime


def months(now: dt.datetime) -> list[Month]:
    """The three full months before now. Each was paid 12 days after its end; the newest one within the last days."""
    ends = [now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)]
    for _ in range(MONTHS):
        ends.insert(0, (ends[0] - dt.timedelta(days=1)).replace(day=1))
    spans = list(itertools.pairwise(ends))
    paid = [end + PAID_AFTER for _, end in spans[:-1]] + [max(ends[-1], now - NEWEST_PAID)]
    return [Month(n, start, end, at) for n, ((start, end), at) in enumerate(zip(spans, paid, strict=True), 1)]


def income(field: Field) -> None:
    """Month by month, as the chain's clock goes on: reported, verified, deposited, settled, claimed."""
    now = utcnow()
    for month in months(now):
        clock.reach((now - month.paid).total_seconds())
        references = [_report(field, source, month) for source in SOURCES[: field.plan.sources]]
        for reference in references:
            _verify(field, reference)
        if not _arrived(references, Status.DISTRIBUTED):
            _wait_for(field, references, Status.DEPOSITED, Status.DISTRIBUTED)
            clock.settle()
            _wait_for(field, references, Status.DISTRIBUTED)
        for fan in CLAIMS.get(month.number, ()):
            _claim(field, fan, month.number)


def report(field: Field) -> None:
    """What waits for finance."""
    _report(field, REPORTED, months(utcnow())[-1])


def _report(field: Field, source: Source, month: Month) -> str:
    """The artist tells of a statement; returns its reference."""
    reference = _reference(source, month.number)
    if _event(reference) is None:
        owner = owner_of(SOLD_OUT)
        data = RevenueData(
            source_type=source.kind,
            amount=Decimal(source.cents[month.number - 1]) / 100,
            currency="USD",
            source_name=source.name,
            external_reference=reference,
            period_start=month.start,
            period_end=month.end,
        )
        with acting(owner):
            service.record_revenue(owner.id, there(SOLD_OUT).id, data, field.settings)
    return reference


def _verify(field: Field, reference: str) -> None:
    found = _event(reference)
    assert found is not None
    if found[1] is Status.PENDING:
        with acting(FINANCE):
            service.verify_revenue(person(FINANCE.email).id, found[0], f"Receipt of {reference}", field.settings)


def _wait_for(field: Field, references: list[str], *wanted: Status) -> None:
    until(f"{SOLD_OUT}'s income is {wanted[0]}", lambda _: _arrived(references, *wanted), field.patience)


def _arrived(references: list[str], *wanted: Status) -> bool:
    """Whether all have come that far. Raises Stalled for a deposit that the chain refused."""
    found = [event[1] for event in map(_event, references) if event is not None]
    if Status.FAILED in found:
        raise Stalled("A deposit failed; finance can try it again at /admin/revenue.")
    return all(status in wanted for status in found)


def _claim(field: Field, fan: int, month: int) -> None:
    """The fan's own wallet signs what the portal prepares; nothing where nothing waits."""
    name, signer, who = f"claim:{month}:{fan}", of_demo_fan(fan), person(fan_email(fan))
    if wallets.was_sent(name):
        return wallets.resume(name)
    with transaction() as session:
        waits = claims.claimable(session, who.id, signer.address, field.settings.chain_id)
    if not waits:
        return None
    wanted = claims.intent(waits, signer.address, bootstrap.contracts().factory, field.settings.chain_id)
    return wallets.sign(name, Unsigned(wanted.to, wanted.data, 0, wanted.chain_id), signer)


def _event(reference: str) -> tuple[uuid.UUID, Status] | None:
    master = there(SOLD_OUT).id
    mine = RevenueEvent.master_id == master, RevenueEvent.external_reference == reference
    with transaction() as session:
        row = session.execute(sa.select(RevenueEvent.id, RevenueEvent.status).where(*mine)).one_or_none()
    return None if row is None else (row[0], row[1])


def _reference(source: Source, month: int) -> str:
    return f"{source.name}, statement {month}"
