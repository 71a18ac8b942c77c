"""GET /marketplace: listed shares with their master, prices and listing status."""

from __future__ import annotations

from typing import Any

from flask import request

from portal import money
from portal.db import db
from portal.errors import FieldError, Invalid
from portal.marketplace import listing
from portal.versions import Api, stamp
from portal.web import cursors
from portal.web.access import anyone

api = Api("marketplace_api", __name__)


@api.get("/marketplace", versions=(1, 2), access=anyone)
def get_marketplace(version: int) -> dict[str, Any]:
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
    master = "track" if version == 1 else "master"
    return {"data": [_shape(row, master) for row in rows], "page": {"next": cursor}}


def _amount(name: str) -> int | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        return money.parse_units(text, 0)
    except ValueError as error:
        raise Invalid(FieldError(name, "Send the amount in smallest units as digits.")) from error


def _shape(row: listing.Listed, master: str) -> dict[str, Any]:
    """v1 calls the master a track, wherever it stands."""
    return {
        "nftId": str(row.nft_id),
        "tokenId": str(row.token_id),
        "listingStatus": "listed",
        "listingPrice": str(row.price),
        "listingCurrency": row.currency,
        "listedAt": stamp(row.listed_at),
        master: {
            "id": str(row.master_id),
            "title": row.title,
            "genre": row.genre,
            "coverImageUrl": row.cover_image_url or f"/covers/{row.master_id}.svg",
            "artist": {
                "id": str(row.artist_id),
                "name": row.artist_name,
                "artistName": row.artist_name,
                "slug": row.artist_slug,
                "isVerified": row.is_verified,
            },
        },
    }
