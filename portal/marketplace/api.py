"""GET /marketplace: listed shares with their master, prices and listing status."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from flask import request
from pydantic import Field

from portal.db import db
from portal.errors import FieldError, Invalid
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


LISTS = {1: Page[shapes.ListingV1], 2: Page[shapes.ListingV2]}


@api.get("/marketplace", versions=(1, 2), access=anyone, answers=LISTS, query=Query)
def get_marketplace(version: int) -> Page[shapes.ListingV1] | Page[shapes.ListingV2]:
    """Filters: genre, artist (slug), minPrice and maxPrice in smallest units of `currency`, sort."""
    filters = listing.Filters(
        genres=tuple(g[:100] for g in request.args.getlist("genre") if g),
        artist=request.args.get("artist") or None,
        min_price=_amount("minPrice"),
        max_price=_amount("maxPrice"),
        currency=request.args.get("currency") or None,
        sort=request.args.get("sort", "newest"),
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
