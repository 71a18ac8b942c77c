"""Reads about what a person's own proved wallets hold; one set-based statement a list."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from portal.accounts.models import UserWallet
from portal.artists.models import Artist
from portal.db import Units
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import shown_status
from portal.nfts.book import priced
from portal.nfts.enums import NftListingStatus, TransferType
from portal.nfts.models import MasterNft, NftTransfer
from portal.revenue.models import WalletDividendBalance


@dataclass(frozen=True)
class Nft:
    """One share with its master and artist."""

    nft_id: uuid.UUID
    token_id: int
    listing_status: NftListingStatus
    master_id: uuid.UUID
    title: str
    genre: str | None
    cover_image_url: str | None
    artist_id: uuid.UUID
    artist_name: str
    artist_slug: str
    is_verified: bool


@dataclass(frozen=True)
class Balance:
    """What one master paid in one currency, in smallest units, over all of the person's wallets."""

    master_id: uuid.UUID
    currency: str
    earned: int
    claimed: int
    claimable: int


@dataclass(frozen=True)
class Held:
    """How many shares of a master a person has; `currency` is the one its offer is priced in."""

    master_id: uuid.UUID
    title: str
    cover_image_url: str | None
    artist_name: str
    palette: str
    currency: str | None
    shares: int


@dataclass(frozen=True)
class Price:
    """An amount of one master in one currency, in smallest units."""

    master_id: uuid.UUID
    currency: str
    amount: int


@dataclass(frozen=True)
class Move:
    """One transaction's transfers of one master into or out of the person's wallets."""

    kind: TransferType
    title: str
    arrived: bool
    count: int
    price: int | None
    currency: str | None
    at: dt.datetime
    tx_hash: str


def wallets(session: Session, user_id: uuid.UUID) -> list[str]:
    """Proved wallets, the primary one first; an address that is linked on several chains stands once."""
    rows = session.scalars(
        sa.select(UserWallet.wallet_address)
        .where(UserWallet.user_id == user_id, UserWallet.verified)
        .order_by(UserWallet.is_primary.desc(), UserWallet.created_at)
    )
    return list(dict.fromkeys(rows))


def nfts(session: Session, user_id: uuid.UUID) -> list[Nft]:
    """Every share in the person's wallets, by master and number."""
    n = MasterNft
    rows = session.execute(
        sa.select(
            n.id,
            n.token_id,
            n.listing_status,
            Master.id,
            Master.title,
            Master.genre,
            Master.cover_image_url,
            Artist.id,
            Artist.artist_name,
            Artist.slug,
            Artist.is_verified,
        )
        .join(Master, Master.id == n.master_id)
        .join(Artist, Artist.id == Master.artist_id)
        .join(UserWallet, _owner(n))
        .where(UserWallet.user_id == user_id, UserWallet.verified)
        .order_by(Master.title, Master.id, n.token_id)
    )
    return [Nft(*row) for row in rows]


def traded(session: Session, master_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Of these masters, those whose shares may be resold here now: the first sale is over and the artist allows it."""
    offers = session.scalars(sa.select(MasterIpo).where(MasterIpo.master_id.in_(master_ids)))
    return {o.master_id for o in offers if o.allow_secondary_resale and shown_status(o) in ("closed", "sold_out")}


def balances(session: Session, user_id: uuid.UUID) -> list[Balance]:
    """Dividends by master and currency."""
    b = WalletDividendBalance
    mine = sa.and_(UserWallet.wallet_address == b.wallet_address, UserWallet.chain_id == b.chain_id)
    rows = session.execute(
        sa.select(b.master_id, b.currency, _sum(b.total_earned), _sum(b.total_claimed), _sum(b.claimable_amount))
        .join(UserWallet, mine)
        .where(UserWallet.user_id == user_id, UserWallet.verified)
        .group_by(b.master_id, b.currency)
        .order_by(b.master_id, b.currency)
    )
    return [Balance(*row) for row in rows]


def held(session: Session, user_id: uuid.UUID) -> list[Held]:
    """Masters whose shares the person has, or that paid the person something, the most shares first."""
    n, b = MasterNft, WalletDividendBalance
    mine = sa.select(UserWallet.wallet_address).where(UserWallet.user_id == user_id, UserWallet.verified)
    owned = (
        sa.select(n.master_id, sa.func.count().label("shares"))
        .where(n.current_owner_wallet.in_(mine))
        .group_by(n.master_id)
        .subquery()
    )
    paid = sa.select(b.master_id).where(b.wallet_address.in_(mine), b.total_earned > 0)
    shares = sa.func.coalesce(owned.c.shares, 0)
    rows = session.execute(
        sa.select(
            Master.id,
            Master.title,
            Master.cover_image_url,
            Artist.artist_name,
            Artist.palette,
            MasterIpo.mint_price_currency,
            shares,
        )
        .join(Artist, Artist.id == Master.artist_id)
        .outerjoin(MasterIpo, MasterIpo.master_id == Master.id)
        .outerjoin(owned, owned.c.master_id == Master.id)
        .where(sa.or_(owned.c.shares > 0, Master.id.in_(paid)))
        .order_by(shares.desc(), Master.title, Master.id)
    )
    return [Held(*row) for row in rows]


def paid_for(session: Session, user_id: uuid.UUID) -> list[Price]:
    """What the shares held now cost their owner: the mint or the sale that brought each in; gifts cost nothing."""
    mine = sa.select(UserWallet.wallet_address).where(UserWallet.user_id == user_id, UserWallet.verified)
    t, n = NftTransfer, MasterNft
    minted = t.transfer_type == TransferType.MINT
    brought = (
        sa.select(
            n.master_id,
            sa.case((minted, MasterIpo.mint_price_currency), else_=t.sale_currency).label("currency"),
            sa.case((minted, n.mint_price_wei), else_=t.sale_price_wei).label("price"),
        )
        .join(t, t.master_nft_id == n.id)
        .join(MasterIpo, MasterIpo.master_id == n.master_id)
        .where(n.current_owner_wallet.in_(mine), t.to_wallet.in_(mine), t.from_wallet.not_in(mine))
        .ext(distinct_on(n.id))
        .order_by(n.id, t.block_number.desc(), t.log_index.desc())
        .subquery()
    )
    rows = session.execute(
        sa.select(brought.c.master_id, brought.c.currency, _sum(brought.c.price))
        .where(brought.c.currency.is_not(None), brought.c.price.is_not(None))
        .group_by(brought.c.master_id, brought.c.currency)
    )
    return [Price(*row) for row in rows]


def last_prices(session: Session, master_ids: list[uuid.UUID]) -> list[Price]:
    """What one share of each master last sold for on the market; a person's sale to themselves is no price."""
    t = NftTransfer
    rows = session.execute(
        sa.select(t.master_id, t.sale_currency, t.sale_price_wei)
        .where(t.master_id.in_(master_ids), *priced())
        .ext(distinct_on(t.master_id))
        .order_by(t.master_id, t.block_number.desc(), t.log_index.desc())
    )
    return [Price(master_id, currency, amount) for master_id, currency, amount in rows if currency and amount]


def moves(session: Session, user_id: uuid.UUID, limit: int) -> list[Move]:
    """The newest purchases, sales and transfers of the person's shares, one row a transaction and master."""
    mine = sa.select(UserWallet.wallet_address).where(UserWallet.user_id == user_id, UserWallet.verified)
    t = NftTransfer
    arrived = t.to_wallet.in_(mine)
    latest = sa.func.max(t.block_number)
    rows = session.execute(
        sa.select(
            t.transfer_type,
            Master.title,
            arrived.label("arrived"),
            sa.func.count(),
            _sum(t.sale_price_wei),
            sa.func.min(t.sale_currency),
            sa.func.max(t.block_timestamp),
            t.tx_hash,
        )
        .join(Master, Master.id == t.master_id)
        .where(sa.or_(arrived, t.from_wallet.in_(mine)))
        .group_by(t.tx_hash, t.transfer_type, Master.id, Master.title, sa.literal_column("arrived"))
        .order_by(latest.desc(), t.tx_hash)
        .limit(limit)
    )
    return [Move(*row) for row in rows]


def finalized(session: Session, chain_id: int) -> int:
    """The last block that can no longer be undone, -1 before anything was indexed."""
    statement = sa.text("SELECT finalized_number FROM chain_cursors WHERE chain_id = :chain")
    found = session.scalar(statement, {"chain": str(chain_id)})
    return -1 if found is None else int(found)


def _sum(column: sa.ColumnElement[Any] | orm.InstrumentedAttribute[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), Units())


def _owner(n: type[MasterNft]) -> sa.ColumnElement[bool]:
    return sa.and_(UserWallet.wallet_address == n.current_owner_wallet, UserWallet.chain_id == n.chain_id)
