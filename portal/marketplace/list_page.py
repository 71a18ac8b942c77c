"""What the marketplace page shows: first sales that are open, and shares that their owners sell."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from portal import money
from portal.marketplace import listing, queries
from portal.marketplace.wording import decimals, master_card, readable
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus
from portal.web import cursors

SHOWN = 24
SORTS = [("newest", "Newest"), ("price", "Lowest price"), ("-price", "Highest price")]


def page(session: Session, asked: MultiDict[str, str]) -> dict[str, Any]:
    """Every value of the template for this query string; a price that cannot be read says so and is not applied."""
    currencies = listing.currencies(session)
    currency = asked.get("currency") if asked.get("currency") in currencies else currencies[0]
    prices, error = _prices(asked, currency or "")
    filters = listing.Filters(
        genres=tuple(g[:100] for g in asked.getlist("genre") if g),
        artist=asked.get("artist") or None,
        min_price=prices[0],
        max_price=prices[1],
        currency=currency if any(p is not None for p in prices) or asked.get("sort") in {"price", "-price"} else None,
        sort=asked.get("sort") if asked.get("sort") in listing.SORTS else "newest",  # type: ignore[arg-type]
    )
    rows, cursor = listing.page(session, filters, SHOWN, cursors.after())
    offers, total = queries.offers(session, IpoStatus.LIVE), listing.total(session, filters)
    tab = asked.get("tab") if asked.get("tab") in {"offers", "shares"} else ("shares" if total else "offers")
    return {
        "tab": tab,
        "tabs": [
            ("offers", f"First sales {offers:,}", "/marketplace?tab=offers"),
            ("shares", f"From owners {total:,}", "/marketplace?tab=shares"),
        ],
        "offers": [master_card(m) for m in master_queries.with_live_ipo(session, 100)] if tab == "offers" else [],
        "opening": [master_card(m) for m in queries.opening(session, SHOWN)] if tab == "offers" else [],
        "facets": [_genres(session, filters)],
        "price": {"currency": currency, "currencies": currencies, "min": asked.get("minPrice", ""),
                  "max": asked.get("maxPrice", "")},
        "price_error": error,
        "total": total,
        "new_count": 0,
        "newest_href": "/marketplace",
        "chips": _chips(asked, filters),
        "clear_href": "/marketplace?tab=shares",
        "sort": filters.sort,
        "sorts": SORTS,
        "view": "list" if asked.get("view") == "list" else "sleeves",
        "views": [("sleeves", "Sleeves", _with(asked, view="")), ("list", "List", _with(asked, view="list"))],
        "shares": [_share(row) for row in rows],
        "shown": len(rows),
        "next_href": _with(asked, after=cursor) if cursor else None,
        "hidden": {"tab": "shares"},
    }  # fmt: skip


def _prices(asked: MultiDict[str, str], currency: str) -> tuple[tuple[int | None, int | None], str | None]:
    """Typed prices in smallest units, and the sentence about one that cannot be read."""
    try:
        low, high = (
            money.parse_units(asked[name], decimals(currency)) if asked.get(name) else None
            for name in ("minPrice", "maxPrice")
        )
    except ValueError as error:
        return (None, None), str(error)
    return (low, high), None


def _genres(session: Session, filters: listing.Filters) -> dict[str, Any]:
    options = [
        {"value": genre, "label": genre, "count": count, "checked": genre in filters.genres}
        for genre, count in listing.genres(session)
    ]
    return {"name": "genre", "legend": "Genre", "options": options}


def _chips(asked: MultiDict[str, str], filters: listing.Filters) -> list[dict[str, str]]:
    chips = [{"text": g, "href": _without(asked, "genre", g)} for g in filters.genres]
    if filters.artist:
        chips.append({"text": filters.artist, "href": _without(asked, "artist", filters.artist)})
    for name, word in (("minPrice", "from"), ("maxPrice", "up to")):
        if asked.get(name):
            chips.append({"text": f"{word} {asked[name]}", "href": _without(asked, name, asked[name])})
    return chips


def _pairs(asked: MultiDict[str, str]) -> list[tuple[str, str]]:
    return [(k, v) for k, v in asked.items(multi=True) if k != "after" and v]


def _with(asked: MultiDict[str, str], **changed: str) -> str:
    kept = [(k, v) for k, v in _pairs(asked) if k not in changed] + [(k, v) for k, v in changed.items() if v]
    return "/marketplace?" + urlencode(kept)


def _without(asked: MultiDict[str, str], name: str, value: str) -> str:
    return "/marketplace?" + urlencode([pair for pair in _pairs(asked) if pair != (name, value)])


def _share(row: listing.Listed) -> dict[str, Any]:
    return {
        "id": str(row.nft_id),
        "href": readable(row.title, row.short_id),
        "title": row.title,
        "artist_name": row.artist_name,
        "cover_url": row.cover_image_url or f"/covers/{row.master_id}.svg",
        "price_minor": row.price,
        "decimals": decimals(row.currency or "USDC"),
        "currency": row.currency,
        "yield_bps": row.yield_bps,
        "number": row.token_id,
        "by": None,
    }
