"""Shares for sale: filters, sort, keyset pages, for the API and for the page."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import money
from portal.artists.models import Artist
from portal.errors import BadRequest, FieldError, Invalid
from portal.masters.models import Master
from portal.nfts.enums import NftListingStatus
from portal.nfts.models import MasterNft
from portal.web import cursors

SORTS = ("newest", "price", "-price")
MOST_PRICE = money.MAX_UNITS


@dataclass(frozen=True)
class Filters:
    """What is asked for; prices in smallest units of `currency`, which sorting or filtering by price needs."""

    genres: tuple[str, ...] = ()
    artist: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    currency: str | None = None
    sort: str = "newest"

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadRequest("sort is newest, price or -price.")
        by_price = self.sort != "newest" or self.min_price is not None or self.max_price is not None
        if by_price and not self.currency:
            raise Invalid(FieldError("currency", "Prices are compared in one currency: say which."))


@dataclass(frozen=True)
class Listed:
    """One share for sale with its master and artist."""

    nft_id: uuid.UUID
    token_id: int
    price: int
    currency: str
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


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    n = MasterNft
    wanted = [n.listing_status == NftListingStatus.LISTED, n.listed_at.is_not(None)]
    if filters.genres:
        wanted.append(Master.genre.in_(filters.genres))
    if filters.artist:
        wanted.append(Artist.slug == filters.artist)
    if filters.currency:
        wanted.append(n.listing_currency == filters.currency)
    if filters.min_price is not None:
        wanted.append(n.listing_price_wei >= filters.min_price)
    if filters.max_price is not None:
        wanted.append(n.listing_price_wei <= filters.max_price)
    return wanted


def page(session: Session, filters: Filters, limit: int, after: list[Any] | None) -> tuple[list[Listed], str | None]:
    """One page and the cursor of the next, stable while new shares are listed."""
    n = MasterNft
    key: Any = n.listed_at if filters.sort == "newest" else n.listing_price_wei
    falling = filters.sort != "price"
    order = (key.desc(), n.id.desc()) if falling else (key.asc(), n.id.asc())
    statement = (
        sa.select(
            n.id, n.token_id, n.listing_price_wei, n.listing_currency, n.listed_at,
            Master.id, Master.title, Master.genre, Master.cover_image_url, Master.short_id,
            Artist.id, Artist.artist_name, Artist.slug, Artist.is_verified,
        )
        .join(Master, Master.id == n.master_id)
        .join(Artist, Artist.id == Master.artist_id)
        .where(*_conditions(filters))
        .order_by(*order)
        .limit(limit + 1)
    )  # fmt: skip
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
    statement = (
        sa.select(sa.func.count())
        .select_from(MasterNft)
        .join(Master, Master.id == MasterNft.master_id)
        .join(Artist, Artist.id == Master.artist_id)
        .where(*_conditions(filters))
    )
    return session.scalar(statement) or 0


def genres(session: Session) -> list[tuple[str, int]]:
    """(genre, shares for sale), the largest first."""
    rows = session.execute(
        sa.select(Master.genre, sa.func.count())
        .join(MasterNft, MasterNft.master_id == Master.id)
        .where(MasterNft.listing_status == NftListingStatus.LISTED, Master.genre.is_not(None))
        .group_by(Master.genre)
        .order_by(sa.func.count().desc(), Master.genre)
    )
    return [(str(genre), count) for genre, count in rows]


def currencies(session: Session) -> list[str]:
    """Currencies that shares are listed in."""
    found = session.scalars(
        sa.select(MasterNft.listing_currency).where(MasterNft.listing_status == NftListingStatus.LISTED).distinct()
    )
    return sorted(code for code in found if code) or ["USDC"]
