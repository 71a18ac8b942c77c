"""Reads that compose several features for the public pages; set-based, one statement a list."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import User, UserWallet
from portal.artists.models import Artist, ArtistFollow
from portal.db import Units
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterCollaborator, MasterIpo
from portal.nfts.enums import NftListingStatus, OrderKind
from portal.nfts.models import MasterNft, NftOrder, NftTransfer
from portal.revenue.enums import DividendEventType
from portal.revenue.models import DividendEvent
from portal.vstudio.enums import VstudioSessionStatus
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession

ZERO = "0x" + "0" * 40
WEEK = dt.timedelta(days=7)


def closing_soon(session: Session, limit: int) -> list[Master]:
    """Masters on sale whose offer ends within a week, the soonest first."""
    until = sa.func.now() + WEEK
    return list(
        session.scalars(
            sa.select(Master)
            .join(Master.ipo)
            .options(joinedload(Master.artist), joinedload(Master.ipo))
            .where(
                MasterIpo.status == IpoStatus.LIVE,
                Master.status.in_(master_queries.SHOWN),
                MasterIpo.scheduled_end_at.between(sa.func.now(), until),
                MasterIpo.minted_supply < MasterIpo.total_supply,
            )
            .order_by(MasterIpo.scheduled_end_at, Master.id)
            .limit(limit)
        )
    )


def offers(session: Session, status: IpoStatus) -> int:
    """How many public masters have an offer in this state."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(MasterIpo)
            .join(Master)
            .where(MasterIpo.status == status, Master.status.in_(master_queries.SHOWN))
        )
        or 0
    )


def opening(session: Session, limit: int) -> list[Master]:
    """Masters whose offers are scheduled, the one that opens next first."""
    return list(
        session.scalars(
            sa.select(Master)
            .join(Master.ipo)
            .options(joinedload(Master.artist), joinedload(Master.ipo))
            .where(MasterIpo.status == IpoStatus.SCHEDULED, MasterIpo.scheduled_start_at > sa.func.now())
            .order_by(MasterIpo.scheduled_start_at, Master.id)
            .limit(limit)
        )
    )


def followed(session: Session, user_id: uuid.UUID | None) -> set[uuid.UUID]:
    """The artists that this person follows."""
    if user_id is None:
        return set()
    return set(session.scalars(sa.select(ArtistFollow.artist_id).where(ArtistFollow.follower_id == user_id)))


def holders(session: Session) -> int:
    """Wallets that own at least one share now."""
    return (
        session.scalar(
            sa.select(sa.func.count(sa.distinct(MasterNft.current_owner_wallet))).where(
                MasterNft.current_owner_wallet != ZERO
            )
        )
        or 0
    )


@dataclass(frozen=True)
class ShareRow:
    """A share with its owner; price in smallest units where it is listed."""

    id: uuid.UUID
    number: int
    owner: str
    mine: bool
    price_minor: int | None
    currency: str | None


def shares(session: Session, master_id: uuid.UUID, user_id: uuid.UUID | None, after: int, limit: int) -> list[ShareRow]:
    """A master's shares by number, from the one after `after`."""
    mine = sa.exists().where(
        UserWallet.user_id == user_id,
        UserWallet.wallet_address == MasterNft.current_owner_wallet,
        UserWallet.chain_id == MasterNft.chain_id,
    )
    listed = MasterNft.listing_status == NftListingStatus.LISTED
    rows = session.execute(
        sa.select(
            MasterNft.id,
            MasterNft.token_id,
            MasterNft.current_owner_wallet,
            mine if user_id else sa.false(),
            sa.case((listed, MasterNft.listing_price_wei)),
            sa.case((listed, MasterNft.listing_currency)),
        )
        .where(MasterNft.master_id == master_id, MasterNft.token_id > after, MasterNft.current_owner_wallet != ZERO)
        .order_by(MasterNft.token_id)
        .limit(limit)
    )
    return [ShareRow(*row) for row in rows]


def listed_beside(session: Session, master_id: uuid.UUID, nft_id: uuid.UUID, limit: int) -> list[ShareRow]:
    """Other shares of a master that are for sale, the cheapest first within a currency."""
    n = MasterNft
    rows = session.execute(
        sa.select(
            n.id, n.token_id, n.current_owner_wallet, sa.false(), n.listing_price_wei, n.listing_currency
        )
        .where(n.master_id == master_id, n.id != nft_id, n.listing_status == NftListingStatus.LISTED)
        .order_by(n.listing_currency, n.listing_price_wei, n.token_id)
        .limit(limit)
    )
    return [ShareRow(*row) for row in rows]


def listed_count(session: Session, master_id: uuid.UUID) -> int:
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(MasterNft)
            .where(MasterNft.master_id == master_id, MasterNft.listing_status == NftListingStatus.LISTED)
        )
        or 0
    )


def lowest_listing(session: Session, master_id: uuid.UUID, currency: str | None) -> tuple[int, str] | None:
    """(price, currency) of a master's cheapest listed share, `currency` before others."""
    n = MasterNft
    row = session.execute(
        sa.select(n.listing_price_wei, n.listing_currency)
        .where(n.master_id == master_id, n.listing_status == NftListingStatus.LISTED)
        .order_by(n.listing_currency != currency, n.listing_price_wei)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row and row[0] is not None and row[1] else None


def minter_slots(session: Session, master_id: uuid.UUID) -> list[str | None]:
    """Wallets of the first three minters, None where a slot is open."""
    row = session.execute(
        sa.text(
            "SELECT first_minter_wallet, second_minter_wallet, third_minter_wallet FROM master_contracts"
            " WHERE master_id = :master ORDER BY created_at LIMIT 1"
        ),
        {"master": master_id},
    ).one_or_none()
    return list(row) if row else [None, None, None]


@dataclass(frozen=True)
class Move:
    """One transaction's transfers of a master: `count` shares of the same kind from one wallet to another."""

    kind: str
    from_wallet: str
    to_wallet: str
    count: int
    at: dt.datetime
    price: int | None
    currency: str | None


def latest_moves(session: Session, master_id: uuid.UUID, limit: int) -> list[Move]:
    """The newest mints and moves, one row a transaction."""
    t = NftTransfer
    rows = session.execute(
        sa.select(
            t.transfer_type, t.from_wallet, t.to_wallet, sa.func.count(), sa.func.max(t.block_timestamp),
            sa.cast(sa.func.sum(t.sale_price_wei), Units()), sa.func.min(t.sale_currency),
        )
        .where(t.master_id == master_id)
        .group_by(t.tx_hash, t.transfer_type, t.from_wallet, t.to_wallet)
        .order_by(sa.func.max(t.block_number).desc())
        .limit(limit)
    )  # fmt: skip
    return [Move(row[0].value, *row[1:]) for row in rows]


@dataclass(frozen=True)
class Placed:
    """A listing that somebody made; price in smallest units."""

    wallet: str
    number: int
    price: int
    currency: str
    at: dt.datetime


def latest_listings(session: Session, master_id: uuid.UUID, limit: int) -> list[Placed]:
    """The newest listings of a master's shares, also those that are over."""
    o = NftOrder
    rows = session.execute(
        sa.select(o.maker_wallet, o.token_id, o.price, o.currency, o.placed_at)
        .where(o.master_id == master_id, o.kind == OrderKind.LISTING)
        .order_by(o.placed_block.desc(), o.placed_log_index.desc())
        .limit(limit)
    )
    return [Placed(*row) for row in rows]


def splits(session: Session, master: Master, artist_bps: int) -> list[tuple[str, str, int]]:
    """(name, role, bps of the artist's part): collaborators, then the artist with what is left."""
    rows = session.scalars(
        sa.select(MasterCollaborator)
        .options(joinedload(MasterCollaborator.producer))
        .where(MasterCollaborator.master_id == master.id)
        .order_by(MasterCollaborator.display_order)
    ).all()
    if not rows or artist_bps == 0:
        return []
    parts = [
        (r.collaborator_name or (r.producer.producer_name if r.producer else ""), r.role, r.split_basis_points)
        for r in rows
    ]
    rest = artist_bps - sum(bps for _, _, bps in parts)
    whole = [(master.artist.artist_name, "artist", rest), *parts]
    return [(name, role, bps * 10_000 // artist_bps) for name, role, bps in whole if bps]


def search(session: Session, words: str, limit: int) -> tuple[list[Artist], list[Master], list[VstudioSession]]:
    """Artists, public masters and public rooms whose name contains the words."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = f"%{escaped}%"
    artists = session.scalars(
        sa.select(Artist)
        .where(Artist.is_active, Artist.artist_name.ilike(like, escape="\\"))
        .order_by(Artist.follower_count.desc(), Artist.artist_name)
        .limit(limit)
    )
    masters = session.scalars(
        sa.select(Master)
        .options(joinedload(Master.artist), joinedload(Master.ipo))
        .where(Master.status.in_(master_queries.SHOWN), Master.title.ilike(like, escape="\\"))
        .order_by(Master.title, Master.id)
        .limit(limit)
    )
    rooms = session.scalars(
        sa.select(VstudioSession)
        .options(joinedload(VstudioSession.artist))
        .where(
            VstudioSession.is_public,
            VstudioSession.status.not_in([VstudioSessionStatus.DRAFT, VstudioSessionStatus.CANCELLED]),
            VstudioSession.title.ilike(like, escape="\\"),
        )
        .order_by(VstudioSession.created_at.desc(), VstudioSession.id)
        .limit(limit)
    )
    return list(artists), list(masters), list(rooms)


def names_of(session: Session, wallets: set[str], viewer: uuid.UUID | None) -> dict[str, str]:
    """Wallet -> what to call its owner: 'You' for the viewer's own, else the address cut short."""
    own: set[str] = set()
    if viewer is not None:
        own = set(
            session.scalars(
                sa.select(UserWallet.wallet_address)
                .join(User)
                .where(UserWallet.user_id == viewer, UserWallet.wallet_address.in_(wallets))
            )
        )
    return {w: "You" if w in own else f"{w[:6]}…{w[-4:]}" for w in wallets}


@dataclass(frozen=True)
class Payment:
    """One distribution to holders; amounts in smallest units of `currency`."""

    master_id: uuid.UUID
    short_id: str
    title: str
    per_share: int | None
    amount: int
    currency: str
    at: dt.datetime


def _held() -> sa.ColumnElement[int]:
    """What of a distribution went to people who held shares: the pool less the part of unsold shares."""
    d = DividendEvent
    pool = sa.func.coalesce(d.per_token_amount, 0) * MasterIpo.total_supply
    return sa.cast(pool - sa.func.coalesce(d.unminted_amount, 0), Units())


def paid_out(session: Session, since: dt.datetime, limit: int) -> list[Payment]:
    """Distributions to holders since a time, the newest first."""
    d = DividendEvent
    rows = session.execute(
        sa.select(Master.id, Master.short_id, Master.title, d.per_token_amount, _held(), d.currency, d.block_timestamp)
        .join(Master, Master.id == d.master_id)
        .join(MasterIpo, MasterIpo.master_id == d.master_id)
        .where(d.event_type == DividendEventType.DISTRIBUTION, d.block_timestamp >= since)
        .order_by(d.block_number.desc(), d.log_index.desc())
        .limit(limit)
    )
    return [Payment(*row) for row in rows]


def paid_in_all(session: Session, since: dt.datetime | None = None) -> list[tuple[str, int, int]]:
    """(currency, amount, masters) paid to holders, the largest count of masters first; currencies never mix."""
    d = DividendEvent
    masters = sa.func.count(sa.distinct(d.master_id))
    statement = (
        sa.select(d.currency, sa.func.sum(_held()), masters)
        .join(MasterIpo, MasterIpo.master_id == d.master_id)
        .where(d.event_type == DividendEventType.DISTRIBUTION)
        .group_by(d.currency)
        .order_by(masters.desc(), d.currency)
    )
    if since is not None:
        statement = statement.where(d.block_timestamp >= since)
    return [(currency, int(amount), count) for currency, amount, count in session.execute(statement)]


def open_decision(session: Session, session_id: uuid.UUID) -> VstudioDecisionPoint | None:
    """The decision that takes votes now, by the clock."""
    d = VstudioDecisionPoint
    return session.scalars(
        sa.select(d)
        .where(
            d.vstudio_session_id == session_id,
            d.is_active,
            d.results_computed_at.is_(None),
            sa.or_(d.end_time.is_(None), d.end_time > sa.func.now()),
        )
        .order_by(d.display_order)
        .limit(1)
    ).one_or_none()
