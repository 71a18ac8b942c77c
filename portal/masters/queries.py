"""Reads about masters, their IPOs and contracts."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.artists.models import Artist
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import DividendContract, Master, MasterContract, MasterIpo

SHOWN = (MasterStatus.APPROVED, MasterStatus.LIVE)


def _whole() -> sa.Select[Master]:
    return sa.select(Master).options(joinedload(Master.artist), joinedload(Master.ipo))


def public(session: Session, master_id: uuid.UUID) -> Master | None:
    """A master that everybody may see: approved or live."""
    return session.scalars(_whole().where(Master.id == master_id, Master.status.in_(SHOWN))).one_or_none()


def visible(session: Session, master_id: uuid.UUID, user_id: uuid.UUID | None) -> Master | None:
    """A public master, or one's own in any state."""
    mine = Artist.user_id == user_id if user_id is not None else sa.false()
    return session.scalars(
        _whole().join(Master.artist).where(Master.id == master_id, sa.or_(Master.status.in_(SHOWN), mine))
    ).one_or_none()


def by_short_id(session: Session, short_id: str, user_id: uuid.UUID | None) -> Master | None:
    """As `visible`, by the id in the readable address."""
    master_id = session.scalar(sa.select(Master.id).where(Master.short_id == short_id))
    return visible(session, master_id, user_id) if master_id else None


def owned(session: Session, master_id: uuid.UUID, user_id: uuid.UUID) -> Master | None:
    """One's own master, in any state."""
    return session.scalars(
        _whole().join(Master.artist).where(Master.id == master_id, Artist.user_id == user_id)
    ).one_or_none()


def of_artist(session: Session, artist_id: uuid.UUID, *, public_only: bool) -> list[Master]:
    """An artist's masters, newest first."""
    statement = _whole().where(Master.artist_id == artist_id).order_by(Master.created_at.desc(), Master.id)
    if public_only:
        statement = statement.where(Master.status.in_(SHOWN))
    return list(session.scalars(statement))


def counted(session: Session, artist_id: uuid.UUID) -> int:
    """Masters that count against a plan's limit: all but archived ones."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Master)
            .where(Master.artist_id == artist_id, Master.status != MasterStatus.ARCHIVED)
        )
        or 0
    )


def ipos_since(session: Session, artist_id: uuid.UUID, since: dt.datetime) -> int:
    """IPOs that an artist created since a time, for the plan's limit a month."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(MasterIpo)
            .join(Master)
            .where(Master.artist_id == artist_id, MasterIpo.created_at >= since)
        )
        or 0
    )


def with_live_ipo(session: Session, limit: int) -> list[Master]:
    """Masters on sale, the one that ends soonest first."""
    return list(
        session.scalars(
            _whole()
            .join(Master.ipo)
            .where(MasterIpo.status == IpoStatus.LIVE, Master.status.in_(SHOWN))
            .order_by(MasterIpo.scheduled_end_at.asc().nulls_last(), Master.id)
            .limit(limit)
        )
    )


def recent(session: Session, limit: int) -> list[Master]:
    """Public masters, newest first."""
    return list(
        session.scalars(
            _whole().where(Master.status.in_(SHOWN)).order_by(Master.created_at.desc(), Master.id).limit(limit)
        )
    )


def contract_of(session: Session, master_id: uuid.UUID, chain_id: str) -> MasterContract | None:
    return session.scalars(
        sa.select(MasterContract).where(MasterContract.master_id == master_id, MasterContract.chain_id == chain_id)
    ).one_or_none()


def dividend_contract_of(session: Session, master_id: uuid.UUID, chain_id: str) -> DividendContract | None:
    return session.scalars(
        sa.select(DividendContract).where(
            DividendContract.master_id == master_id, DividendContract.chain_id == chain_id
        )
    ).one_or_none()


def minted_by(session: Session, master_id: uuid.UUID, wallets: list[str]) -> dict[str, int]:
    """Wallet -> shares of this master that it bought at the first sale (whoever owns them now)."""
    rows = session.execute(
        sa.text(
            "SELECT original_minter_wallet AS wallet, count(*) AS shares FROM master_nfts"
            " WHERE master_id = :master AND original_minter_wallet = ANY(:wallets) GROUP BY original_minter_wallet"
        ),
        {"master": master_id, "wallets": wallets},
    )
    return {row.wallet: row.shares for row in rows}


def finality(session: Session, chain_id: str, block: int | None) -> str:
    """How safe a block is by what was followed: final, confirmed, or seen."""
    row = session.execute(
        sa.text("SELECT safe_number, finalized_number FROM chain_cursors WHERE chain_id = :chain"), {"chain": chain_id}
    ).one_or_none()
    if row is None or block is None or row.safe_number is None or block > row.safe_number:
        return "seen"
    return "final" if row.finalized_number is not None and block <= row.finalized_number else "confirmed"


WITHDRAWN = """
SELECT data FROM chain_logs
WHERE chain_id = :chain AND block_number BETWEEN :first AND :last AND address = :shares AND name = 'ProceedsWithdrawn'
ORDER BY block_number, log_index LIMIT 1
"""
"""Logs lie by their blocks: the smaller the range, the less is read."""
PAID_IN = "SELECT block_number FROM chain_transactions WHERE tx_hash = :sent AND status <> 'failed'"
SOLD_BY = "SELECT max(minted_at_block) FROM master_nfts WHERE master_contract_id = :contract"
INDEXED = "SELECT head_number FROM chain_cursors WHERE chain_id = :chain"


def proceeds_paid(session: Session, contract: MasterContract, sent: str | None) -> tuple[int, int] | None:
    """(artist's part, fee) that a contract's `ProceedsWithdrawn` names, in smallest units; None before it is seen.

    `sent` is the portal's transaction, which is looked for in its own block. An artist's own wallet may have done it
    instead: at some time after the last share was sold.
    """
    first, last = _withdrawn_between(session, contract, sent)
    values = {"chain": contract.chain_id, "shares": contract.contract_address, "first": first, "last": last}
    data: str | None = session.scalar(sa.text(WITHDRAWN), values)
    if data is None:
        return None
    words = data.removeprefix("0x")
    return int(words[:64], 16), int(words[64:128], 16)


def _withdrawn_between(session: Session, contract: MasterContract, sent: str | None) -> tuple[int, int]:
    block = session.scalar(sa.text(PAID_IN), {"sent": sent}) if sent else None
    if block is not None:
        return int(block), int(block)
    sold = session.scalar(sa.text(SOLD_BY), {"contract": contract.id})
    head = session.scalar(sa.text(INDEXED), {"chain": contract.chain_id})
    return int(sold if sold is not None else contract.deployed_at_block or 0), int(head or 0)
