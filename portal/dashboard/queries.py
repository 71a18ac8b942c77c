"""Reads about all masters of one artist; set-based, one statement a list."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Units
from portal.masters.models import Master, MasterIpo
from portal.nfts.enums import TransferType
from portal.nfts.models import MasterNft, NftTransfer
from portal.outbox import OutboxJob
from portal.revenue.enums import DividendEventType, RevenueEventStatus
from portal.revenue.models import DividendEvent, RevenueEvent, WalletDividendBalance

ZERO = "0x" + "0" * 40


@dataclass(frozen=True)
class Move:
    """Shares of one master that came to a wallet by one transaction."""

    title: str
    kind: TransferType
    sender: str
    wallet: str
    count: int
    at: dt.datetime


@dataclass(frozen=True)
class Paid:
    """One distribution; `amount` to the holders, in smallest units."""

    title: str
    amount: int
    currency: str
    at: dt.datetime


def _mine(artist_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    return sa.select(Master.id).where(Master.artist_id == artist_id)


def holders(session: Session, artist_id: uuid.UUID, since: dt.datetime) -> tuple[int, int]:
    """(wallets that own a share now, how many of them got their first one since then)."""
    now = (
        sa.select(MasterNft.current_owner_wallet.label("wallet"))
        .where(MasterNft.master_id.in_(_mine(artist_id)), MasterNft.current_owner_wallet != ZERO)
        .distinct()
        .subquery()
    )
    first = (
        sa.select(NftTransfer.to_wallet.label("wallet"), sa.func.min(NftTransfer.block_timestamp).label("at"))
        .where(NftTransfer.master_id.in_(_mine(artist_id)))
        .group_by(NftTransfer.to_wallet)
        .subquery()
    )
    row = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(first.c.at >= since))
        .select_from(now)
        .outerjoin(first, first.c.wallet == now.c.wallet)
    ).one()
    return row[0], row[1]


def unclaimed(session: Session, artist_id: uuid.UUID) -> list[tuple[str, int, int]]:
    """(currency, amount, wallets) that holders have not fetched yet, the most wallets first."""
    b = WalletDividendBalance
    wallets = sa.func.count(sa.distinct(b.wallet_address))
    rows = session.execute(
        sa.select(b.currency, sa.cast(sa.func.sum(b.claimable_amount), Units()), wallets)
        .where(b.master_id.in_(_mine(artist_id)), b.claimable_amount > 0)
        .group_by(b.currency)
        .order_by(wallets.desc(), b.currency)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def waiting_revenue(session: Session, artist_id: uuid.UUID) -> int:
    """Recorded events that finance has not verified yet."""
    statement = sa.select(sa.func.count()).where(
        RevenueEvent.master_id.in_(_mine(artist_id)), RevenueEvent.status == RevenueEventStatus.PENDING
    )
    return session.scalar(statement) or 0


def latest_moves(session: Session, artist_id: uuid.UUID, limit: int) -> list[Move]:
    """Mints, sales, gifts and hand-backs, the newest first."""
    t = NftTransfer
    at = sa.func.max(t.block_timestamp)
    rows = session.execute(
        sa.select(Master.title, t.transfer_type, t.from_wallet, t.to_wallet, sa.func.count(), at)
        .join(Master, Master.id == t.master_id)
        .where(Master.artist_id == artist_id)
        .group_by(Master.title, t.tx_hash, t.transfer_type, t.from_wallet, t.to_wallet)
        .order_by(at.desc(), t.tx_hash)
        .limit(limit)
    )
    return [Move(*row) for row in rows]


def latest_payments(session: Session, artist_id: uuid.UUID, limit: int) -> list[Paid]:
    """What was paid to holders of sold shares, the newest first."""
    d = DividendEvent
    pool = sa.func.coalesce(d.per_token_amount, 0) * MasterIpo.total_supply - sa.func.coalesce(d.unminted_amount, 0)
    rows = session.execute(
        sa.select(Master.title, sa.cast(pool, Units()), d.currency, d.block_timestamp)
        .join(Master, Master.id == d.master_id)
        .join(MasterIpo, MasterIpo.master_id == d.master_id)
        .where(Master.artist_id == artist_id, d.event_type == DividendEventType.DISTRIBUTION)
        .order_by(d.block_timestamp.desc(), d.id)
        .limit(limit)
    )
    return [Paid(*row) for row in rows]


def asked_for(session: Session, names: list[str]) -> dict[str, bool]:
    """Of these jobs those that were asked for, and whether they failed."""
    rows = session.execute(
        sa.select(OutboxJob.dedupe, OutboxJob.failed_at.is_not(None)).where(OutboxJob.dedupe.in_(names))
    )
    return {row[0]: row[1] for row in rows}
