"""Reads about what masters earned and paid. Amounts in smallest units of the currency beside them; never mixed.

The public hears of revenue at its deposit: `revenue_by_month` counts what was deposited, `payments` what the chain
distributed.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute as Column
from sqlalchemy.orm import Session

from portal.db import Units
from portal.masters.models import Master, MasterIpo
from portal.revenue.enums import DividendEventType, RevenueEventStatus, RevenueSourceType
from portal.revenue.models import DividendClaim, DividendEvent, RevenueEvent
from portal.revenue.queries import BOOKED

PAID = (RevenueEventStatus.DEPOSITED, RevenueEventStatus.DISTRIBUTED)
DISTRIBUTION = DividendEvent.event_type == DividendEventType.DISTRIBUTION
GROUPS = {RevenueSourceType.DISTRIBUTOR: "streaming", RevenueSourceType.PRO: "radio"}
OTHER = "other"


@dataclass(frozen=True)
class MonthIncome:
    """What one kind of source paid in a month; `group` is streaming, radio or other."""

    month: dt.date
    group: str
    currency: str
    amount: int


@dataclass(frozen=True)
class Earned:
    """What one master earned in one currency, in smallest units."""

    master_id: uuid.UUID
    currency: str
    amount: int


@dataclass(frozen=True)
class Payment:
    """One distribution: what it came from (see GROUPS) and for which time, what was earned, what went to the shares."""

    group: str
    period_start: dt.datetime | None
    period_end: dt.datetime | None
    currency: str
    earned: int | None
    holders: int
    per_share: int
    paid_at: dt.datetime
    tx_hash: str


def distribution_of(session: Session, event_id: uuid.UUID) -> DividendEvent | None:
    """What the chain says about the distribution of a revenue event."""
    statement = sa.select(DividendEvent).where(DISTRIBUTION, DividendEvent.revenue_event_id == event_id)
    return session.scalars(statement.order_by(DividendEvent.block_number).limit(1)).one_or_none()


def revenue_by_month(session: Session, master_id: uuid.UUID, months: int | None = 12) -> list[MonthIncome]:
    """Paid-out revenue by month of its period, kind of source and currency, the oldest first; None is all time."""
    return _by_month(session, RevenueEvent.master_id == master_id, months)


def artist_by_month(session: Session, artist_id: uuid.UUID, months: int) -> list[MonthIncome]:
    """The same for all masters of an artist."""
    return _by_month(session, _of_artist(artist_id), months)


def artist_earned(session: Session, artist_id: uuid.UUID, since: dt.datetime, until: dt.datetime) -> list[Earned]:
    """What an artist's masters earned by deposits in [since, until), by master and currency."""
    currency = _booked("currency")
    rows = session.execute(
        sa.select(RevenueEvent.master_id, currency, sa.cast(sa.func.sum(_units("units")), Units()))
        .where(_of_artist(artist_id), RevenueEvent.status.in_(PAID))
        .where(RevenueEvent.deposited_at >= since, RevenueEvent.deposited_at < until)
        .group_by(RevenueEvent.master_id, currency)
    )
    return [Earned(*row) for row in rows]


def _of_artist(artist_id: uuid.UUID) -> sa.ColumnElement[bool]:
    return RevenueEvent.master_id.in_(sa.select(Master.id).where(Master.artist_id == artist_id))


def _by_month(session: Session, which: sa.ColumnElement[bool], months: int | None) -> list[MonthIncome]:
    month = sa.func.date_trunc("month", sa.func.coalesce(RevenueEvent.period_start, RevenueEvent.created_at))
    group = sa.case(GROUPS, value=RevenueEvent.source_type, else_=OTHER)
    currency = _booked("currency")
    statement = (
        sa.select(month, group, currency, sa.cast(sa.func.sum(_units("units")), Units()))
        .where(which, RevenueEvent.status.in_(PAID))
        .group_by(month, group, currency)
        .order_by(month, group, currency)
    )
    if months is not None:
        first = sa.func.date_trunc("month", sa.func.now()) - sa.func.make_interval(0, months - 1)
        statement = statement.where(month >= first)
    return [MonthIncome(at.date(), kind, code, amount) for at, kind, code, amount in session.execute(statement)]


def payments(session: Session, master_id: uuid.UUID, limit: int) -> list[Payment]:
    """What a share was paid, the newest first."""
    plan = sa.func.jsonb_extract_path_text(RevenueEvent.metadata_, "plan", "holders")
    holders = sa.func.coalesce(sa.cast(plan, sa.Numeric), DividendEvent.per_token_amount * MasterIpo.total_supply, 0)
    rows = session.execute(
        sa.select(
            sa.case(GROUPS, value=RevenueEvent.source_type, else_=OTHER),
            RevenueEvent.period_start,
            RevenueEvent.period_end,
            DividendEvent.currency,
            sa.cast(_units("units"), Units()),
            sa.cast(holders, Units()),
            sa.func.coalesce(DividendEvent.per_token_amount, 0),
            DividendEvent.block_timestamp,
            DividendEvent.tx_hash,
        )
        .join(MasterIpo, MasterIpo.master_id == DividendEvent.master_id)
        .outerjoin(RevenueEvent, RevenueEvent.id == DividendEvent.revenue_event_id)
        .where(DISTRIBUTION, DividendEvent.master_id == master_id)
        .order_by(DividendEvent.block_number.desc(), DividendEvent.log_index.desc())
        .limit(limit)
    )
    return [Payment(*row) for row in rows]


def payment_count(session: Session, master_id: uuid.UUID) -> int:
    statement = sa.select(sa.func.count()).where(DISTRIBUTION, DividendEvent.master_id == master_id)
    return session.scalar(statement) or 0


def paid_last_12_months_per_share(session: Session, master_id: uuid.UUID, currency: str) -> int | None:
    """What one share was paid in the last 12 months; None when nothing was ("—", not 0)."""
    return session.scalar(
        sa.select(sa.cast(sa.func.sum(DividendEvent.per_token_amount), Units())).where(
            DISTRIBUTION,
            DividendEvent.master_id == master_id,
            DividendEvent.currency == currency,
            DividendEvent.block_timestamp >= sa.func.now() - sa.func.make_interval(1),
        )
    )


def total_paid(session: Session) -> dict[str, int]:
    """Everything that all masters paid to people who held their shares, by currency."""
    pool = DividendEvent.per_token_amount * MasterIpo.total_supply
    held = sa.func.sum(pool - sa.func.coalesce(DividendEvent.unminted_amount, 0))
    rows = session.execute(
        sa.select(DividendEvent.currency, sa.cast(held, Units()))
        .join(MasterIpo, MasterIpo.master_id == DividendEvent.master_id)
        .where(DISTRIBUTION, DividendEvent.per_token_amount.is_not(None))
        .group_by(DividendEvent.currency)
    )
    return {row[0]: row[1] for row in rows}


# --- for the master's owner -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RevenueTotal:
    """Recorded revenue of one currency, refused and disputed events left out."""

    currency: str
    amount: Decimal
    events: int


@dataclass(frozen=True)
class DividendTotal:
    """What the chain shared out and what was fetched of it, in smallest units."""

    currency: str
    deposited: int
    claimed: int


def dividend_events_of(session: Session, master_id: uuid.UUID, limit: int) -> list[DividendEvent]:
    """Deposits, distributions and claims of a master as the chain has them, the newest first."""
    return list(
        session.scalars(
            sa.select(DividendEvent)
            .where(DividendEvent.master_id == master_id)
            .order_by(DividendEvent.block_number.desc(), DividendEvent.log_index.desc())
            .limit(limit)
        )
    )


def revenue_totals(session: Session, master_id: uuid.UUID) -> list[RevenueTotal]:
    held_back = (RevenueEventStatus.FAILED, RevenueEventStatus.DISPUTED)
    rows = session.execute(
        sa.select(RevenueEvent.currency, sa.func.sum(RevenueEvent.amount), sa.func.count())
        .where(RevenueEvent.master_id == master_id, RevenueEvent.status.not_in(held_back))
        .group_by(RevenueEvent.currency)
        .order_by(RevenueEvent.currency)
    )
    return [RevenueTotal(*row) for row in rows]


def dividend_totals(session: Session, master_id: uuid.UUID) -> list[DividendTotal]:
    deposited = _sums(DividendEvent.currency, DividendEvent.total_amount).where(
        DividendEvent.master_id == master_id, DividendEvent.event_type == DividendEventType.DEPOSIT
    )
    claimed = _sums(DividendClaim.currency, DividendClaim.amount_claimed).where(DividendClaim.master_id == master_id)
    fetched = {row[0]: row[1] for row in session.execute(claimed)}
    return [DividendTotal(code, amount, fetched.get(code, 0)) for code, amount in session.execute(deposited)]


def _sums(currency: Column[str], amount: Column[int]) -> sa.Select[str, int]:
    return sa.select(currency, sa.cast(sa.func.sum(amount), Units())).group_by(currency).order_by(currency)


def _booked(name: str) -> sa.ColumnElement[str]:
    return sa.func.jsonb_extract_path_text(BOOKED, name)


def _units(name: str) -> sa.ColumnElement[Decimal]:
    return sa.cast(_booked(name), sa.Numeric)
