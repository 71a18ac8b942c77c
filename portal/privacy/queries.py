"""What a person who asks about their data should know first, and who is due to be anonymised."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.enums import AccountStatus
from portal.accounts.models import User, UserWallet
from portal.artists.models import Artist
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.privacy.models import DataExport
from portal.revenue.models import WalletDividendBalance

GRACE = dt.timedelta(days=30)
"""Between asking for it and being anonymised (rules: privacy and retention)."""
ON_SALE = (IpoStatus.SCHEDULED, IpoStatus.LIVE)


@dataclass(frozen=True)
class Left:
    """What would be left behind: unclaimed dividends as (currency, smallest units), and offers on sale."""

    unclaimed: list[tuple[str, int]]
    offers: list[str]


def left_behind(session: Session, user_id: uuid.UUID) -> Left:
    b, w = WalletDividendBalance, UserWallet
    mine = sa.and_(w.wallet_address == b.wallet_address, w.chain_id == b.chain_id, w.user_id == user_id, w.verified)
    total = sa.func.sum(b.claimable_amount)
    sums = session.execute(sa.select(b.currency, total).join(w, mine).group_by(b.currency).having(total > 0))
    return Left([(currency, int(amount)) for currency, amount in sums], _offers(session, user_id))


def _offers(session: Session, user_id: uuid.UUID) -> list[str]:
    """Titles of the person's offers that are on sale or scheduled."""
    statement = sa.select(Master.title).join(MasterIpo).join(Artist, Artist.id == Master.artist_id)
    mine = Artist.user_id == user_id, MasterIpo.status.in_(ON_SALE)
    return list(session.scalars(statement.where(*mine).order_by(Master.title)))


def due(session: Session) -> list[uuid.UUID]:
    """Whose grace is over; whoever has an offer on sale, and who is suspended, waits."""
    selling = (
        sa.select(Artist.user_id)
        .join(Master, Master.artist_id == Artist.id)
        .join(MasterIpo)
        .where(MasterIpo.status.in_(ON_SALE))
    )
    over = User.status == AccountStatus.ACTIVE, User.deleted_at <= sa.func.now() - GRACE
    return list(session.scalars(sa.select(User.id).where(*over, User.id.not_in(selling)).order_by(User.id)))


def exports(session: Session, user_id: uuid.UUID) -> list[DataExport]:
    """Copies that are there or on their way, the newest first."""
    alive = sa.or_(DataExport.expires_at.is_(None), DataExport.expires_at > sa.func.now())
    mine = sa.select(DataExport).where(DataExport.user_id == user_id, alive)
    return list(session.scalars(mine.order_by(DataExport.created_at.desc())))


def export(session: Session, user_id: uuid.UUID, export_id: uuid.UUID) -> DataExport | None:
    """One of the person's own that has not run out."""
    return next((found for found in exports(session, user_id) if found.id == export_id), None)


def content(session: Session, export_id: uuid.UUID) -> bytes | None:
    return session.scalar(sa.select(DataExport.content).where(DataExport.id == export_id))
