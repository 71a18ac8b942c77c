"""Shares of owners: filters, sort, keyset pages and the counts of each filter, for the API and for the page."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import money
from portal.artists.models import Artist
from portal.chain.ids import ZERO
from portal.errors import BadRequest, FieldError, Invalid
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.nfts.enums import NftListingStatus, OrderKind, OrderStatus
from portal.nfts.models import MasterNft, NftOrder
from portal.nfts.rules import LAST_TIER, TIERS
from portal.revenue.enums import DividendEventType
from portal.revenue.models import DividendEvent
from portal.web import cursors

SORTS = ("newest", "price", "-price")
STATUSES = ("listed", "not_listed")
"""For sale at a price, or of a sale that is over and open to offers."""
TIER_NAMES = (*(name for _, name in TIERS), LAST_TIER)
MOST_PRICE = money.MAX_UNITS
YEAR = dt.timedelta(days=365)
BPS = 10_000


@dataclass(frozen=True)
class Filters:
    """What is asked for; prices in smallest units of `currency`, which sorting or filtering by price needs.

    `min_yield_bps`: dividends of the last twelve months per share in basis points of the price, in one currency.
    `verified`: whether the artist is, None for both. `since`: only what was listed after that.
    """

    genres: tuple[str, ...] = ()
    artist: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    currency: str | None = None
    sort: str = "newest"
    status: str = "listed"
    tiers: tuple[str, ...] = ()
    verified: bool | None = None
    min_yield_bps: int | None = None
    master: uuid.UUID | None = None
    since: dt.datetime | None = None

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadRequest("sort is newest, price or -price.")
        if self.status not in STATUSES:
            raise BadRequest(f"status is {' or '.join(STATUSES)}.")
        if not set(self.tiers) <= set(TIER_NAMES):
            raise BadRequest(f"tier is one of {', '.join(TIER_NAMES)}.")
        by_price = self.sort != "newest" or self.min_price is not None or self.max_price is not None
        if self.status != "listed" and (by_price or self.min_yield_bps is not None):
            raise Invalid(FieldError("status", "What is not for sale has no price."))
        if by_price and not self.currency:
            raise Invalid(FieldError("currency", "Prices are compared in one currency: say which."))


@dataclass(frozen=True)
class Listed:
    """One share with its master and artist; price and currency None where it is not for sale.

    `listed_at` is when it was minted where it is not for sale. `yield_bps` None: no dividend in that currency.
    """

    nft_id: uuid.UUID
    token_id: int
    status: NftListingStatus
    price: int | None
    currency: str | None
    listed_at: dt.datetime
    master_id: uuid.UUID
    title: str
    genre: str | None
    cover_image_url: str | None
    short_id: str
    artist_id: uuid.UUID
    artist_name: str
    artist_slug: str
    is_verified: bool
    owner: str
    yield_bps: int | None


def _earned() -> sa.Subquery:
    """Dividends of the last twelve months per share, by master and currency."""
    d = DividendEvent
    return (
        sa.select(d.master_id, d.currency, sa.func.sum(d.per_token_amount).label("amount"))
        .where(d.event_type == DividendEventType.DISTRIBUTION, d.block_timestamp > sa.func.now() - YEAR)
        .group_by(d.master_id, d.currency)
        .subquery()
    )


def _yield(earned: sa.Subquery) -> sa.ColumnElement[int]:
    """Floored, in basis points of the price; NULL without dividends in the price's currency."""
    whole = sa.func.div(earned.c.amount * BPS, sa.func.nullif(MasterNft.listing_price_wei, 0))
    return sa.case((whole.is_not(None), sa.cast(sa.func.least(whole, 2**31 - 1), sa.Integer)))


def _joined(statement: sa.Select[Any], earned: sa.Subquery) -> sa.Select[Any]:
    n = MasterNft
    same = sa.and_(earned.c.master_id == n.master_id, earned.c.currency == n.listing_currency)
    return (
        statement.join(Master, Master.id == n.master_id)
        .join(Artist, Artist.id == Master.artist_id)
        .outerjoin(earned, same)
    )


def _standing(status: str) -> list[sa.ColumnElement[bool]]:
    """For sale and not lapsed, or open to offers: its first sale is over and the artist allows resale."""
    n, o, i = MasterNft, NftOrder, MasterIpo
    if status != "listed":
        traded = sa.exists().where(
            i.master_id == n.master_id, i.status == IpoStatus.CLOSED, i.allow_secondary_resale.is_(True)
        )
        return [n.listing_status == NftListingStatus.NOT_LISTED, n.current_owner_wallet != ZERO, traded]
    lapsed = sa.exists().where(
        o.master_nft_id == n.id, o.kind == OrderKind.LISTING, o.status == OrderStatus.OPEN, o.deadline < sa.func.now()
    )
    return [n.listing_status == NftListingStatus.LISTED, n.listed_at.is_not(None), ~lapsed]


def _of_tiers(tiers: tuple[str, ...]) -> sa.ColumnElement[bool]:
    number, first = MasterNft.token_id, 1
    ranges: dict[str, sa.ColumnElement[bool]] = {}
    for last, name in TIERS:
        ranges[name] = number.between(first, last)
        first = last + 1
    ranges[LAST_TIER] = number >= first
    return sa.or_(*(ranges[name] for name in tiers))


def _tier() -> sa.ColumnElement[str]:
    return sa.case(*((MasterNft.token_id <= last, name) for last, name in TIERS), else_=LAST_TIER)


def _conditions(filters: Filters, earned: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    n, wanted = MasterNft, _standing(filters.status)
    if filters.genres:
        wanted.append(Master.genre.in_(filters.genres))
    if filters.artist:
        wanted.append(Artist.slug == filters.artist)
    if filters.tiers:
        wanted.append(_of_tiers(filters.tiers))
    if filters.verified is not None:
        wanted.append(Artist.is_verified.is_(filters.verified))
    if filters.min_yield_bps is not None:
        wanted.append(_yield(earned) >= filters.min_yield_bps)
    if filters.master is not None:
        wanted.append(n.master_id == filters.master)
    if filters.since is not None:
        wanted.append(n.listed_at > filters.since)
    return [*wanted, *_prices(filters, n)]


def _prices(filters: Filters, n: type[MasterNft]) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if filters.currency and filters.status == "listed":
        wanted.append(n.listing_currency == filters.currency)
    if filters.min_price is not None:
        wanted.append(n.listing_price_wei >= filters.min_price)
    if filters.max_price is not None:
        wanted.append(n.listing_price_wei <= filters.max_price)
    return wanted


def page(session: Session, filters: Filters, limit: int, after: list[Any] | None) -> tuple[list[Listed], str | None]:
    """One page and the cursor of the next, stable while new shares are listed."""
    n, earned = MasterNft, _earned()
    since: Any = n.listed_at if filters.status == "listed" else sa.func.coalesce(n.minted_at, n.created_at)
    key: Any = since if filters.sort == "newest" else n.listing_price_wei
    falling = filters.sort != "price"
    order = (key.desc(), n.id.desc()) if falling else (key.asc(), n.id.asc())
    columns = sa.select(
        n.id, n.token_id, n.listing_status, n.listing_price_wei, n.listing_currency, since,
        Master.id, Master.title, Master.genre, Master.cover_image_url, Master.short_id,
        Artist.id, Artist.artist_name, Artist.slug, Artist.is_verified, n.current_owner_wallet, _yield(earned),
    )  # fmt: skip
    wanted = _conditions(filters, earned)
    statement = _joined(columns, earned).where(*wanted).order_by(*order).limit(limit + 1)
    if after is not None:
        last = sa.tuple_(*_position(filters.sort, after))
        statement = statement.where(sa.tuple_(key, n.id) < last if falling else sa.tuple_(key, n.id) > last)
    found: list[Any] = list(session.execute(statement))
    rows = [Listed(*row) for row in found]
    shown, more = rows[:limit], len(rows) > limit
    return shown, _cursor(filters.sort, shown[-1]) if more else None


def _cursor(sort: str, row: Listed) -> str:
    value = row.listed_at.isoformat() if sort == "newest" else str(row.price)
    return cursors.encode([sort, value, str(row.nft_id)])


def _position(sort: str, after: list[Any]) -> tuple[Any, uuid.UUID]:
    """The sort values of a cursor. Raises BadRequest for a cursor of another sort."""
    try:
        made_for, value, row_id = after
        if made_for != sort:
            raise ValueError(sort)
        key = (
            sa.literal(dt.datetime.fromisoformat(value))
            if sort == "newest"
            else sa.literal(int(value), MasterNft.listing_price_wei.type)
        )
        return key, uuid.UUID(row_id)
    except (TypeError, ValueError) as error:
        raise BadRequest("This page address belongs to another order; start from the first page.") from error


def total(session: Session, filters: Filters) -> int:
    return session.scalar(_counted(filters, sa.select(sa.func.count()))) or 0


def newest(session: Session, filters: Filters) -> dt.datetime | None:
    """When the latest of these was listed."""
    found: dt.datetime | None = session.scalar(_counted(filters, sa.select(sa.func.max(MasterNft.listed_at))))
    return found


@dataclass(frozen=True)
class Facets:
    """How many shares each choice of a filter would leave, all other filters kept: (choice, shares)."""

    status: list[tuple[str, int]]
    genre: list[tuple[str, int]]
    tier: list[tuple[str, int]]
    verified: list[tuple[str, int]]


def facets(session: Session, filters: Filters) -> Facets:
    """Counted in the database; choices that would leave nothing are not among them, but for the status."""
    here = {status: total(session, _of_status(filters, status)) for status in STATUSES}
    return Facets(
        list(here.items()),
        _choices(session, replace(filters, genres=()), Master.genre),
        _choices(session, replace(filters, tiers=()), _tier()),
        _choices(session, replace(filters, verified=None), sa.case((Artist.is_verified, "true"), else_="false")),
    )


def _of_status(filters: Filters, status: str) -> Filters:
    """The same question about shares of another status; what is not for sale has no price to ask for."""
    if status == "listed":
        return replace(filters, status=status)
    none: dict[str, Any] = {"min_price": None, "max_price": None, "currency": None, "min_yield_bps": None}
    return replace(filters, status=status, sort="newest", **none)


def _choices(session: Session, filters: Filters, choice: Any) -> list[tuple[str, int]]:
    count = sa.func.count()
    statement = _counted(filters, sa.select(choice, count)).where(choice.is_not(None))
    rows = session.execute(statement.group_by(sa.text("1")).order_by(count.desc(), sa.text("1")))
    return [(str(name), shares) for name, shares in rows]


def _counted(filters: Filters, statement: sa.Select[Any]) -> sa.Select[Any]:
    earned = _earned()
    return _joined(statement.select_from(MasterNft), earned).where(*_conditions(filters, earned))


def genres(session: Session) -> list[tuple[str, int]]:
    """(genre, shares for sale), the largest first."""
    return _choices(session, Filters(), Master.genre)


def currencies(session: Session) -> list[str]:
    """Currencies that shares are listed in."""
    found = session.scalars(
        sa.select(MasterNft.listing_currency).where(MasterNft.listing_status == NftListingStatus.LISTED).distinct()
    )
    return sorted(code for code in found if code) or ["USDC"]
