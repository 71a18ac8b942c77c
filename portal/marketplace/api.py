"""GET /marketplace: listed shares with their master, prices and listing status."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from flask import request
from pydantic import Field

from portal.db import db
from portal.errors import BadRequest, FieldError, Invalid
from portal.marketplace import listing, shapes
from portal.versions import Api
from portal.web import cursors
from portal.web.access import anyone
from portal.web.schema import Asked, Page, Paging

api = Api("marketplace_api", __name__)

UNITS = "[0-9]{0,77}"
Price = Annotated[str, Field(pattern=f"^{UNITS}$", description="amount in the currency's smallest unit; empty is none")]


class Query(Paging, total=False):
    genre: list[Asked]
    artist: Asked
    minPrice: Price
    maxPrice: Price
    currency: Asked
    sort: Literal["newest", "price", "-price"]
    status: Literal["listed", "not_listed"]
    tier: list[Literal["Pioneer", "Early", "Growing", "General"]]
    verified: Literal["true", "false"]
    minYieldBps: Annotated[str, Field(pattern="^[0-9]{0,6}$", description="hundredths of a percent; empty is none")]


LISTS = {1: Page[shapes.ListingV1], 2: Page[shapes.ListingV2]}


@api.get("/marketplace", versions=(1, 2), access=anyone, answers=LISTS, query=Query)
def get_marketplace(version: int) -> Page[shapes.ListingV1] | Page[shapes.ListingV2]:
    """Filters: status, genre, artist (slug), tier, verified (artist), minPrice and maxPrice in smallest units of
    `currency`, minYieldBps (dividends of the last twelve months per share, of the price), sort."""
    filters = listing.Filters(
        genres=tuple(g[:100] for g in request.args.getlist("genre") if g),
        artist=request.args.get("artist") or None,
        min_price=_amount("minPrice"),
        max_price=_amount("maxPrice"),
        currency=request.args.get("currency") or None,
        sort=request.args.get("sort", "newest"),
        status=request.args.get("status", "listed"),
        tiers=tuple(request.args.getlist("tier")),
        verified=_choice("verified"),
        min_yield_bps=_bps("minYieldBps"),
    )
    rows, cursor = listing.page(db.session(), filters, cursors.limit(), cursors.after())
    if version == 1:
        return {"data": [shapes.listing_v1(row) for row in rows], "page": {"next": cursor}}
    return {"data": [shapes.listing_v2(row) for row in rows], "page": {"next": cursor}}


def _amount(name: str) -> int | None:
    text = request.args.get(name)
    if not text:
        return None
    if not re.fullmatch(UNITS, text):
        raise Invalid(FieldError(name, "Send the amount in smallest units as digits."))
    return int(text)


def _choice(name: str) -> bool | None:
    text = request.args.get(name)
    if text not in (None, "true", "false"):
        raise BadRequest(f"{name} is true or false.")
    return None if text is None else text == "true"


def _bps(name: str) -> int | None:
    text = request.args.get(name)
    if not text:
        return None
    if not re.fullmatch("[0-9]{0,6}", text):
        raise Invalid(FieldError(name, "Send hundredths of a percent as digits."))
    return int(text)
