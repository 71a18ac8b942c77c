"""Reads of the market: what is for sale, offered, sold, and what waits to be fetched.

All by what the indexer has seen. An order whose deadline is past is told apart (`lapsed`): it stands on the chain
until somebody closes it, but no longer sells.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import UserWallet
from portal.accounts.queries import same_person
from portal.db import Units, utcnow
from portal.masters.models import Master
from portal.nfts.enums import OrderKind, OrderStatus, TransferType
from portal.nfts.models import MarketCredit, MasterNft, NftOrder, NftTransfer

Place = tuple[int, int]
ROLES = ("artist", "first", "second", "third")
"""Whose royalties wait: the artist's, and those of the first three minters."""


def lapsed(order: NftOrder) -> bool:
    """Whether an order no longer sells because its time is over."""
    return order.deadline is not None and order.deadline < utcnow()


def listing_of(session: Session, nft_id: uuid.UUID) -> NftOrder | None:
    """The open listing of a share, lapsed or not."""
    o = NftOrder
    return session.scalars(
        sa.select(o).where(o.master_nft_id == nft_id, o.kind == OrderKind.LISTING, o.status == OrderStatus.OPEN)
    ).one_or_none()


def last_listing(session: Session, nft_id: uuid.UUID) -> NftOrder | None:
    """The newest listing of a share, whatever became of it."""
    o = NftOrder
    newest = o.placed_block.desc(), o.placed_log_index.desc()
    listings = sa.select(o).where(o.master_nft_id == nft_id, o.kind == OrderKind.LISTING)
    return session.scalars(listings.order_by(*newest).limit(1)).one_or_none()


def offers_on(session: Session, nft_id: uuid.UUID, limit: int, after: Place | None = None) -> list[NftOrder]:
    """Open offers for a share that have not lapsed, the newest first, from the one before (block, index) `after`."""
    o = NftOrder
    place = sa.tuple_(o.placed_block, o.placed_log_index)
    statement = sa.select(o).where(o.master_nft_id == nft_id, *_standing())
    if after is not None:
        statement = statement.where(place < sa.tuple_(*after))
    return list(session.scalars(statement.order_by(o.placed_block.desc(), o.placed_log_index.desc()).limit(limit)))


def order(session: Session, order_id: uuid.UUID) -> NftOrder | None:
    """An order in any state, with its share, master and artist."""
    o, share = NftOrder, joinedload(NftOrder.master_nft).joinedload(MasterNft.master)
    whole = share.joinedload(Master.artist)
    return session.scalars(sa.select(o).where(o.id == order_id).options(whole)).one_or_none()


def made_by(session: Session, user_id: uuid.UUID) -> list[NftOrder]:
    """Open listings and offers of a person's wallets, the newest first; lapsed offers too: their money waits."""
    o = NftOrder
    mine = sa.select(UserWallet.wallet_address).where(UserWallet.user_id == user_id, UserWallet.verified)
    return list(
        session.scalars(
            sa.select(o)
            .where(o.maker_wallet.in_(mine), o.status == OrderStatus.OPEN)
            .options(joinedload(o.master_nft), joinedload(o.master).joinedload(Master.artist))
            .order_by(o.placed_block.desc(), o.placed_log_index.desc())
        )
    )


def offered_to(session: Session, user_id: uuid.UUID) -> list[NftOrder]:
    """Offers that a person can accept now, by share and then the newest first."""
    o, n = NftOrder, MasterNft
    mine = sa.select(UserWallet.wallet_address).where(UserWallet.user_id == user_id, UserWallet.verified)
    return list(
        session.scalars(
            sa.select(o)
            .join(n, n.id == o.master_nft_id)
            .where(n.current_owner_wallet.in_(mine), o.maker_wallet != n.current_owner_wallet, *_standing())
            .options(joinedload(o.master_nft), joinedload(o.master).joinedload(Master.artist))
            .order_by(o.master_id, o.token_id, o.placed_block.desc(), o.placed_log_index.desc())
        )
    )


def _standing() -> tuple[sa.ColumnElement[bool], ...]:
    o = NftOrder
    in_time = sa.or_(o.deadline.is_(None), o.deadline >= sa.func.now())
    return o.kind == OrderKind.OFFER, o.status == OrderStatus.OPEN, in_time


# --- sales ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sale:
    """A resale: price in smallest units of `currency`, None where it was made elsewhere and no one told."""

    nft_id: uuid.UUID
    token_id: int
    seller: str
    buyer: str
    price: int | None
    currency: str | None
    marketplace: str | None
    royalty: int | None
    at: dt.datetime
    tx_hash: str
    own: bool
    """Between wallets of one person: no price, no volume."""


def sales(
    session: Session, *, nft_id: uuid.UUID | None = None, master_id: uuid.UUID | None = None, limit: int = 50
) -> list[Sale]:
    """The newest sales of a share or of a master."""
    t = NftTransfer
    statement = sa.select(
        t.master_nft_id, t.token_id, t.from_wallet, t.to_wallet, t.sale_price_wei, t.sale_currency, t.marketplace,
        t.royalty_paid_wei, t.block_timestamp, t.tx_hash, same_person(t.from_wallet, t.to_wallet),
    ).where(t.transfer_type == TransferType.SALE)  # fmt: skip
    if nft_id is not None:
        statement = statement.where(t.master_nft_id == nft_id)
    if master_id is not None:
        statement = statement.where(t.master_id == master_id)
    rows = session.execute(statement.order_by(t.block_number.desc(), t.log_index.desc()).limit(limit))
    return [Sale(*row) for row in rows]


@dataclass(frozen=True)
class Volume:
    """Resales of a master in one currency, in smallest units; own trades left out."""

    currency: str
    sales: int
    total: int
    lowest: int
    highest: int


def volumes(session: Session, master_id: uuid.UUID) -> list[Volume]:
    """By currency, the largest number of sales first."""
    t, total = NftTransfer, sa.func.count()
    price: Any = t.sale_price_wei
    rows = session.execute(
        sa.select(
            t.sale_currency, total, sa.cast(sa.func.sum(price), Units()), sa.func.min(price), sa.func.max(price)
        )
        .where(*priced(), t.master_id == master_id)
        .group_by(t.sale_currency)
        .order_by(total.desc(), t.sale_currency)
    )
    return [Volume(*row) for row in rows]


def priced() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of the transfers that count as a price: told, and between two people."""
    t = NftTransfer
    known = t.transfer_type == TransferType.SALE, t.sale_price_wei.is_not(None), t.sale_currency.is_not(None)
    return *known, ~same_person(t.from_wallet, t.to_wallet)


@dataclass(frozen=True)
class PricePoint:
    """One sale for a chart."""

    at: dt.datetime
    price: int
    currency: str


def price_history(session: Session, master_id: uuid.UUID, currency: str, limit: int = 500) -> list[PricePoint]:
    """The latest resale prices of a master in one currency, the oldest first; own trades left out."""
    t = NftTransfer
    rows = session.execute(
        sa.select(t.block_timestamp, t.sale_price_wei, t.sale_currency)
        .where(*priced(), t.master_id == master_id, t.sale_currency == currency)
        .order_by(t.block_number.desc(), t.log_index.desc())
        .limit(limit)
    ).all()
    return [PricePoint(at, price, code) for at, price, code in reversed(rows) if price and code]


# --- what waits -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Credit:
    """Money that the market could not deliver to a wallet, in smallest units."""

    wallet: str
    currency: str
    amount: int


def credits(session: Session, wallets: Sequence[str], chain_id: str) -> list[Credit]:
    """What waits in the market for these wallets."""
    c = MarketCredit
    rows = session.execute(
        sa.select(c.wallet, c.currency, sa.cast(sa.func.sum(c.held - c.withdrawn), Units()))
        .where(c.wallet.in_(wallets), c.chain_id == chain_id, c.held > c.withdrawn)
        .group_by(c.wallet, c.currency)
        .order_by(c.wallet, c.currency)
    )
    return [Credit(*row) for row in rows]


@dataclass(frozen=True)
class Royalty:
    """What resales of one master left for one role, in smallest units; `earned` in all, `waiting` not fetched yet.

    `wallet` is the minter's; the artist's role may have moved on the chain, so it is None there.
    """

    master_id: uuid.UUID
    title: str
    artist_name: str
    role: str
    wallet: str | None
    currency: str
    earned: int
    waiting: int


ROYALTIES = """
WITH seats AS (
    SELECT c.master_id, 0 AS role, NULL AS wallet FROM master_contracts c
    JOIN masters m ON m.id = c.master_id JOIN artists a ON a.id = m.artist_id
    WHERE a.user_id = :user AND c.chain_id = :chain
    UNION ALL
    SELECT c.master_id, s.role, s.wallet
    FROM master_contracts c CROSS JOIN LATERAL (VALUES
        (1, c.first_minter_wallet), (2, c.second_minter_wallet), (3, c.third_minter_wallet)) AS s (role, wallet)
    WHERE c.chain_id = :chain AND s.wallet = ANY(:wallets)
), split AS (
    SELECT r.master_id, r.currency, s.role, s.wallet,
        sum(CASE WHEN r.kind = 'credited' THEN p.part ELSE 0 END) AS credited,
        sum(CASE WHEN r.kind = 'withdrawn' THEN p.part ELSE 0 END) AS withdrawn,
        sum(CASE WHEN r.kind = 'arrived' AND (r.block_number, r.log_index) > (l.block_number, l.log_index)
            THEN r.amount ELSE 0 END) AS unsplit
    FROM seats s JOIN royalty_credits r ON r.master_id = s.master_id AND r.chain_id = :chain
    CROSS JOIN LATERAL (SELECT (ARRAY[r.artist_part, r.first_part, r.second_part, r.third_part])[s.role + 1] AS part) p
    LEFT JOIN LATERAL (
        SELECT k.block_number, k.log_index FROM royalty_credits k
        WHERE k.master_id = r.master_id AND k.currency = r.currency AND k.kind = 'credited'
        ORDER BY k.block_number DESC, k.log_index DESC LIMIT 1
    ) x ON true
    CROSS JOIN LATERAL (SELECT coalesce(x.block_number, -1) AS block_number, coalesce(x.log_index, 0) AS log_index) l
    GROUP BY 1, 2, 3, 4
), rates AS (
    SELECT i.master_id, ARRAY[
        i.secondary_royalty_bps,
        CASE WHEN c.first_minter_wallet IS NULL THEN 0 ELSE coalesce(i.first_minter_bonus_bps, 0) END,
        CASE WHEN c.second_minter_wallet IS NULL THEN 0 ELSE coalesce(i.second_minter_bonus_bps, 0) END,
        CASE WHEN c.third_minter_wallet IS NULL THEN 0 ELSE coalesce(i.third_minter_bonus_bps, 0) END] AS bps
    FROM master_ipos i JOIN master_contracts c ON c.master_id = i.master_id AND c.chain_id = :chain
)
SELECT s.master_id, m.title, a.artist_name, s.role, s.wallet, s.currency, s.credited, s.withdrawn, s.unsplit, r.bps
FROM split s JOIN masters m ON m.id = s.master_id JOIN artists a ON a.id = m.artist_id
JOIN rates r ON r.master_id = s.master_id
WHERE (CAST(:master AS uuid) IS NULL OR s.master_id = :master)
ORDER BY m.title, s.master_id, s.role, s.currency
"""


def royalties(
    session: Session, user_id: uuid.UUID, wallets: Sequence[str], chain_id: str, master_id: uuid.UUID | None = None
) -> list[Royalty]:
    """What resales left for the roles of a person's wallets, as artist or as one of the first three minters.

    Money that came in after the last split is counted as `MasterShares` will split it.
    """
    values = {"user": user_id, "wallets": list(wallets), "chain": chain_id, "master": master_id}
    rows = session.execute(sa.text(ROYALTIES), values)
    return [_royalty(row) for row in rows]


def _royalty(row: Any) -> Royalty:
    arrived = unsplit_parts(int(row.unsplit), list(row.bps))[row.role]
    earned = int(row.credited) + arrived
    return Royalty(
        row.master_id, row.title, row.artist_name, ROLES[row.role], row.wallet, row.currency, earned,
        earned - int(row.withdrawn),
    )  # fmt: skip


def unsplit_parts(arrived: int, rates: list[int]) -> list[int]:
    """As `MasterShares._sync`: minters' parts of what arrived floored, the remainder to the artist."""
    whole = sum(rates)
    minters = [arrived * rate // whole if whole else 0 for rate in rates[1:]]
    return [arrived - sum(minters), *minters]

