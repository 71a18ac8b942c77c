"""Reads about revenue events: whose they are, what waits, and who shares in them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.accounts import queries as account_queries
from portal.accounts.models import UserWallet
from portal.artists.models import Artist, Producer
from portal.masters.enums import MasterStatus
from portal.masters.models import Master, MasterCollaborator
from portal.revenue.enums import RevenueEventStatus
from portal.revenue.models import RevenueEvent

BOOKED = sa.func.jsonb_extract_path(RevenueEvent.metadata_, "conversion")


@dataclass(frozen=True)
class Partner:
    """A party of a split: its ledger name, its part in bps of the whole event, and where it is paid."""

    party: str
    bps: int
    wallet: str | None


def may(session: Session, user_id: uuid.UUID, permission: str) -> bool:
    """Whether the person holds this permission now, by a role or by a grant (an expired one carries nothing)."""
    return permission in account_queries.permissions_of(session, user_id)


def master_for(session: Session, master_id: uuid.UUID, user_id: uuid.UUID, *, staff: bool) -> Master | None:
    """One's own master; for `staff` anybody's. Archived masters take no revenue."""
    mine = sa.true() if staff else Artist.user_id == user_id
    return session.scalars(
        sa.select(Master)
        .join(Master.artist)
        .options(contains_eager(Master.artist))
        .where(Master.id == master_id, Master.status != MasterStatus.ARCHIVED, mine)
    ).one_or_none()


def event(session: Session, event_id: uuid.UUID, *, lock: bool = False) -> RevenueEvent | None:
    """One event with its master and artist; `lock` holds it until the command ends."""
    if lock:
        session.execute(sa.select(RevenueEvent.id).where(RevenueEvent.id == event_id).with_for_update())
    return session.scalars(
        _with_master().where(RevenueEvent.id == event_id).execution_options(populate_existing=True)
    ).one_or_none()


def events_of(
    session: Session, master_id: uuid.UUID, limit: int, after: tuple[dt.datetime, uuid.UUID] | None = None
) -> list[RevenueEvent]:
    """A master's events, newest first, from after (created_at, id)."""
    statement = sa.select(RevenueEvent).where(RevenueEvent.master_id == master_id)
    if after is not None:
        statement = statement.where(sa.tuple_(RevenueEvent.created_at, RevenueEvent.id) < sa.tuple_(*after))
    order = RevenueEvent.created_at.desc(), RevenueEvent.id.desc()
    return list(session.scalars(statement.order_by(*order).limit(limit)))


def by_status(
    session: Session,
    statuses: Sequence[RevenueEventStatus],
    limit: int,
    after: tuple[dt.datetime, uuid.UUID] | None = None,
) -> list[RevenueEvent]:
    """Events in these states with master and artist, the oldest first: what finance works through."""
    statement = _with_master().where(RevenueEvent.status.in_(statuses))
    if after is not None:
        statement = statement.where(sa.tuple_(RevenueEvent.created_at, RevenueEvent.id) > after)
    return list(session.scalars(statement.order_by(RevenueEvent.created_at, RevenueEvent.id).limit(limit)))


def waiting_below(session: Session, master_id: uuid.UUID, currency: str) -> Decimal:
    """What this master's bookings left below the smallest unit of `currency`, in whole coins; 0 <= it < one unit."""
    below = sa.cast(sa.func.jsonb_extract_path_text(BOOKED, "below"), sa.Numeric)
    total = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(below), sa.literal(Decimal(0)))).where(
            RevenueEvent.master_id == master_id,
            sa.func.jsonb_extract_path_text(BOOKED, "currency") == currency,
        )
    )
    return Decimal(total or 0)


def artist_partner(session: Session, artist: Artist, chain_id: str) -> Partner:
    """The artist as a party, without a part of their own yet."""
    wallet = session.scalar(_primary_wallet(artist.user_id, chain_id))
    return Partner(f"artist:{artist.id}", 0, wallet)


def collaborators(session: Session, master_id: uuid.UUID, chain_id: str) -> list[Partner]:
    """Who shares in the artist's part, in the order of the agreement; a name without an account has no wallet."""
    wallet = _primary_wallet(Producer.user_id, chain_id).correlate(Producer).scalar_subquery()
    rows = session.execute(
        sa.select(MasterCollaborator.id, MasterCollaborator.producer_id, MasterCollaborator.split_basis_points, wallet)
        .outerjoin(MasterCollaborator.producer)
        .where(MasterCollaborator.master_id == master_id, MasterCollaborator.split_basis_points > 0)
        .order_by(MasterCollaborator.display_order, MasterCollaborator.id)
    )
    return [
        Partner(f"producer:{producer}" if producer else f"collaborator:{row_id}", bps, address)
        for row_id, producer, bps, address in rows
    ]


def _primary_wallet(user_id: uuid.UUID | sa.ColumnElement[uuid.UUID] | object, chain_id: str) -> sa.Select[str]:
    """A person's proved wallet on this chain, the primary one before others."""
    return (
        sa.select(UserWallet.wallet_address)
        .where(UserWallet.user_id == user_id, UserWallet.chain_id == chain_id, UserWallet.verified)
        .order_by(UserWallet.is_primary.desc(), UserWallet.created_at)
        .limit(1)
    )


def _with_master() -> sa.Select[RevenueEvent]:
    return (
        sa.select(RevenueEvent)
        .join(RevenueEvent.master)
        .join(Master.artist)
        .options(contains_eager(RevenueEvent.master).contains_eager(Master.artist))
    )
