"""What the marketplace page shows: first sales that are open, and shares that their owners sell or take offers for."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from portal import money
from portal.marketplace import listing, queries
from portal.marketplace.listing import Filters
from portal.marketplace.wording import decimals, master_card, nft_href
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus
from portal.nfts.rules import LAST_TIER, TIERS
from portal.web import cursors

SHOWN = 24
AUTOMATIC = 5 * SHOWN
"""Rows that come by themselves; further ones are asked for by a press."""
HERE = "/marketplace"
SORTS = [("newest", "Newest"), ("price", "Lowest price"), ("-price", "Highest price")]
STATUSES = {"listed": "For sale", "not_listed": "Open to offers"}
YIELDS = (500, 1000, 2000)
KEPT = ("tab", "artist", "master", "view")
"""What a filter's form keeps and does not ask for."""

Asked = MultiDict[str, str]


@dataclass(frozen=True)
class Question:
    """What the address asks: the filters, and the sentence about a price that could not be read."""

    filters: Filters
    currency: str
    currencies: list[str]
    error: str | None


def page(session: Session, asked: Asked) -> dict[str, Any]:
    """Every value of the template for this query string; what cannot be read is not applied."""
    offers = queries.offers(session, IpoStatus.LIVE)
    filtered = any(name != "view" for name in asked)
    total = listing.total(session, Filters())
    tab = asked.get("tab") if asked.get("tab") in {"offers", "shares"} else None
    tab = tab or ("shares" if total or filtered else "offers")
    return {
        "tab": tab,
        "tabs": [
            ("offers", f"First sales {offers:,}", f"{HERE}?tab=offers"),
            ("shares", f"From owners {total:,}", f"{HERE}?tab=shares"),
        ],
        "offers": [master_card(m) for m in master_queries.with_live_ipo(session, 100)] if tab == "offers" else [],
        "opening": [master_card(m) for m in queries.opening(session, SHOWN)] if tab == "offers" else [],
        **(_shares_tab(session, asked) if tab == "shares" else {}),
    }


def _shares_tab(session: Session, asked: Asked) -> dict[str, Any]:
    question = read(session, asked)
    filters = question.filters
    facets = listing.facets(session, filters)
    total = listing.total(session, filters)
    return {
        **rows(session, asked, question, total),
        **news(session, asked, question),
        "facets": _facets(session, filters, facets),
        "standing": filters.status,
        "status_facet": _status(facets, filters),
        "price": {"currency": question.currency, "currencies": question.currencies,
                  "min": asked.get("minPrice", ""), "max": asked.get("maxPrice", "")},
        "price_error": question.error,
        "chips": _chips(session, asked, filters),
        "clear_href": f"{HERE}?tab=shares",
        "sort": filters.sort,
        "sorts": SORTS if filters.status == "listed" else SORTS[:1],
        "views": [("sleeves", "Sleeves", _with(asked, view="")), ("list", "List", _with(asked, view="list"))],
        "hidden": {name: asked[name] for name in KEPT if asked.get(name)} | {"tab": "shares"},
    }  # fmt: skip


def rows(session: Session, asked: Asked, question: Question | None = None, total: int | None = None) -> dict[str, Any]:
    """One page of the list, for `marketplace/_rows.html`."""
    question = question or read(session, asked)
    found, cursor = listing.page(session, question.filters, SHOWN, cursors.after())
    text = asked.get("seen", "")
    seen = (int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0) + len(found)
    return {
        "total": listing.total(session, question.filters) if total is None else total,
        "view": "list" if asked.get("view") == "list" else "sleeves",
        "shares": [_share(row) for row in found],
        "seen": seen,
        "automatic": seen < AUTOMATIC,
        "next_href": _with(asked, after=cursor, seen=str(seen)) if cursor else None,
    }


def news(session: Session, asked: Asked, question: Question | None = None) -> dict[str, Any]:
    """How many more are listed than when the page was made, for `marketplace/_news.html`; never moves the list."""
    question = question or read(session, asked)
    since = _time(asked.get("since", ""))
    fresh = replace(question.filters, since=since) if since else None
    newest = since or listing.newest(session, question.filters)
    told = newest.isoformat() if newest else "1970-01-01T00:00:00+00:00"
    return {
        "new_count": listing.total(session, fresh) if fresh else 0,
        "newest_href": _with(asked, since="", seen=""),
        "news_href": _with(asked, since=told, seen="") if question.filters.status == "listed" else None,
    }


# --- what is asked ----------------------------------------------------------------------------------------


def read(session: Session, asked: Asked) -> Question:
    """The filters of an address; values that nobody offers are left out."""
    currencies = listing.currencies(session)
    currency = asked["currency"] if asked.get("currency") in currencies else currencies[0]
    prices, error = _prices(asked, currency)
    status = asked["status"] if asked.get("status") in STATUSES else "listed"
    known = Filters(
        genres=tuple(g[:100] for g in asked.getlist("genre") if g),
        artist=asked.get("artist") or None,
        master=_uuid(asked.get("master", "")),
        tiers=tuple(t for t in asked.getlist("tier") if t in listing.TIER_NAMES),
        verified=True if asked.get("verified") == "true" else None,
        status=status,
    )
    if status == "listed":
        known = _priced(known, asked, prices, currency)
    return Question(known, currency, currencies, error)


def _priced(known: Filters, asked: Asked, prices: tuple[int | None, int | None], currency: str) -> Filters:
    sort = asked["sort"] if asked.get("sort") in listing.SORTS else "newest"
    floor = asked.get("yield", "")
    by_price = sort != "newest" or any(price is not None for price in prices)
    return replace(
        known,
        min_price=prices[0],
        max_price=prices[1],
        currency=currency if by_price else None,
        sort=sort,
        min_yield_bps=int(floor) if floor in map(str, YIELDS) else None,
    )


def _prices(asked: Asked, currency: str) -> tuple[tuple[int | None, int | None], str | None]:
    """Typed prices in smallest units, and the sentence about one that cannot be read."""
    try:
        low, high = (
            money.parse_units(asked[name], decimals(currency)) if asked.get(name) else None
            for name in ("minPrice", "maxPrice")
        )
    except ValueError as error:
        return (None, None), str(error)
    return (low, high), None


def _uuid(text: str) -> uuid.UUID | None:
    """A master's id; one that cannot be read matches nothing."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return uuid.UUID(int=0)


def _time(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


# --- the filters' form ------------------------------------------------------------------------------------


def _facets(session: Session, filters: Filters, facets: listing.Facets) -> list[dict[str, Any]]:
    found = [
        _facet("genre", "Genre", [(g, g, n) for g, n in facets.genre], filters.genres),
        _facet("tier", "Share number", _tiers(facets), filters.tiers),
        _facet("verified", "Artist", [("true", "Verified", n) for name, n in facets.verified if name == "true"],
               ("true",) if filters.verified else ()),
    ]  # fmt: skip
    if filters.status == "listed":
        chosen = (str(filters.min_yield_bps),) if filters.min_yield_bps else ()
        found.insert(1, _facet("yield", "Paid in 12 months", _yields(session, filters), chosen) | {"type": "radio"})
    return [facet for facet in found if facet["options"]]


def _status(facets: listing.Facets, filters: Filters) -> dict[str, Any]:
    options = [(name, STATUSES[name], count) for name, count in facets.status]
    return _facet("status", "Status", options, (filters.status,)) | {"type": "radio"}


def _facet(name: str, legend: str, options: list[tuple[str, str, int]], chosen: tuple[str, ...]) -> dict[str, Any]:
    shown = [{"value": value, "label": label, "count": n, "checked": value in chosen} for value, label, n in options]
    return {"name": name, "legend": legend, "options": shown, "type": "checkbox"}


def _yields(session: Session, filters: Filters) -> list[tuple[str, str, int]]:
    counted = [(bps, listing.total(session, replace(filters, min_yield_bps=bps))) for bps in YIELDS]
    return [(str(bps), f"Over {bps // 100} %", count) for bps, count in counted if count]


def _tiers(facets: listing.Facets) -> list[tuple[str, str, int]]:
    counts, first, told = dict(facets.tier), 1, []
    for last, name in TIERS:
        told.append((name, f"{first}–{last} {name}", counts.get(name, 0)))
        first = last + 1
    told.append((LAST_TIER, f"{first} and up {LAST_TIER}", counts.get(LAST_TIER, 0)))
    return [row for row in told if row[2]]


def _chips(session: Session, asked: Asked, filters: Filters) -> list[dict[str, str]]:
    """What is in force, each with the address without it."""
    told = [("genre", g, g) for g in filters.genres] + [("tier", t, t) for t in filters.tiers]
    if filters.master:
        found = master_queries.public(session, filters.master)
        told.append(("master", asked["master"], found.title if found else "One master"))
    if filters.artist:
        told.append(("artist", filters.artist, filters.artist))
    if filters.verified:
        told.append(("verified", "true", "Verified artists"))
    if filters.min_yield_bps:
        told.append(("yield", asked["yield"], f"Paid over {filters.min_yield_bps // 100} %"))
    if filters.status != "listed":
        told.append(("status", filters.status, STATUSES[filters.status]))
    prices = [(name, asked.get(name), word) for name, word in (("minPrice", "from"), ("maxPrice", "up to"))]
    told += [(name, text, f"{word} {text}") for name, text, word in prices if text and filters.status == "listed"]
    return [{"text": text, "href": _without(asked, name, value)} for name, value, text in told]


def _pairs(asked: Asked) -> list[tuple[str, str]]:
    return [(k, v) for k, v in asked.items(multi=True) if k != "after" and v]


def _with(asked: Asked, **changed: str) -> str:
    kept = [(k, v) for k, v in _pairs(asked) if k not in changed] + [(k, v) for k, v in changed.items() if v]
    return f"{HERE}?" + urlencode(kept)


def _without(asked: Asked, name: str, value: str) -> str:
    left = [pair for pair in _pairs(asked) if pair != (name, value) and pair[0] not in ("seen", "since")]
    return f"{HERE}?" + urlencode(left)


def _share(row: listing.Listed) -> dict[str, Any]:
    return {
        "id": str(row.nft_id),
        "href": nft_href(row.nft_id),
        "title": row.title,
        "artist_name": row.artist_name,
        "cover_url": row.cover_image_url or f"/covers/{row.master_id}.svg",
        "price_minor": row.price,
        "decimals": decimals(row.currency),
        "currency": row.currency or "",
        "yield_bps": row.yield_bps,
        "number": row.token_id,
        "by": None,
    }
