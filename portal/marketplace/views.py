"""Public pages: home, search, artists, masters, the marketplace."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.artists import queries as artist_queries
from portal.artists import service as artist_service
from portal.config import Settings
from portal.covers import PALETTES
from portal.db import db
from portal.errors import NotFound
from portal.marketplace import artist_page, home, list_page, master_page, queries, search_page
from portal.marketplace.about import about
from portal.marketplace.art import art
from portal.marketplace.buying import buying
from portal.marketplace.buying import followed as buying_followed
from portal.marketplace.handing_back import followed as refund_followed
from portal.marketplace.handing_back import handing_back
from portal.marketplace.terms import terms
from portal.marketplace.trading import trading
from portal.marketplace.wording import artist_card, master_href
from portal.masters import queries as master_queries
from portal.masters.models import Master, MasterIpo
from portal.web.access import anyone, signed_in
from portal.web.pages import Pages, answer, is_partial, safe_next, see

pages = Pages("marketplace", __name__)
more_pages = (art, about, buying, handing_back, terms, trading)

MINTER_BPS = [MasterIpo.__table__.c[f"{slot}_minter_bonus_bps"].default.arg for slot in ("first", "second", "third")]
ROYALTY_BPS = MasterIpo.__table__.c.secondary_royalty_bps.default.arg
SHORT_ID = re.compile(r"(?:.*-)?([0-9a-z]{8})")


@pages.get("/", access=anyone)
def index() -> Response:
    return answer("marketplace/home.html", **home.page(db.session(), current_user.user_id))


@pages.get("/marketplace", access=anyone)
def marketplace() -> Response:
    part = request.headers.get("HX-Target", "").partition("#")[2] if is_partial() else ""
    if part == "more":
        return answer("marketplace/_rows.html", **list_page.rows(db.session(), request.args))
    if part == "news":
        return answer("marketplace/_news.html", **list_page.news(db.session(), request.args))
    return answer("marketplace/list.html", **list_page.page(db.session(), request.args))


@pages.get("/search", access=anyone)
def search() -> Response:
    words = request.args.get("q", "").strip()[:100].replace("\x00", "")
    return answer("marketplace/search.html", **search_page.page(db.session(), words, request.args.get("tab", "")))


@pages.get("/masters/<uuid:master_id>", access=anyone, endpoint="master_by_id")
def master_by_id(master_id: uuid.UUID) -> Response:
    """The API's address in a browser leads to the readable one."""
    return see(master_href(_found(master_queries.visible(db.session(), master_id, current_user.user_id))))


@pages.get("/masters/<name>", access=anyone)
def master(name: str) -> Any:
    """The id at the end of the address decides; other words before it lead to the right ones."""
    match = SHORT_ID.fullmatch(name)
    found = _found(match and master_queries.by_short_id(db.session(), match[1], current_user.user_id))
    if request.path != master_href(found):
        return see(master_href(found))
    purchase = _on_its_way(found)
    if is_partial() and request.headers.get("HX-Target", "").endswith("#purchase"):
        return answer("marketplace/_purchase.html", purchase=purchase)
    viewer = master_page.Viewer(current_user.user_id, _settings())
    asked = master_page.Asked(after=_number("after"))
    return answer("marketplace/master.html", **master_page.page(db.session(), found, viewer, asked, purchase))


def _on_its_way(found: Master) -> dict[str, Any] | None:
    """The purchase or hand-back whose steps the address asks for."""
    for name, followed in (("purchase", buying_followed), ("refund", refund_followed)):
        if wanted := request.args.get(name):
            return followed(db.session(), found, current_user.user_id, wanted)
    return None


@pages.get("/artists", access=anyone)
def artists() -> Response:
    followed = queries.followed(db.session(), current_user.user_id)
    rows = artist_queries.rising(db.session(), 100)
    cards = [artist_card(a, followed=followed, can_follow=a.user_id != current_user.user_id) for a in rows]
    return answer("marketplace/artists.html", artists=cards)


@pages.get("/artists/<slug>", access=anyone)
def artist(slug: str) -> Response:
    found = artist_queries.by_slug(db.session(), slug)
    if found is None:
        raise NotFound
    return answer("marketplace/artist.html", **artist_page.page(db.session(), found, current_user.user_id))


@pages.post("/artists/<slug>/follow", access=signed_in)
def follow(slug: str) -> Response:
    """On or off, as the button said; then back to where it was pressed."""
    act = artist_service.unfollow if request.form.get("follow") == "off" else artist_service.follow
    act(slug, current_user.user_id)
    return see(_back(f"/artists/{slug}"))


@pages.get("/artists/<slug>/follow", access=anyone)
def follow_page(slug: str) -> Response:
    return see(f"/artists/{slug}")


def _back(default: str) -> str:
    """The page of ours that the form was on, from the Referer's path."""

    parts = urlsplit(request.referrer or "")
    same_host = parts.netloc == request.host
    return safe_next(parts.path + (f"?{parts.query}" if parts.query else ""), default) if same_host else default


def _found(master: Master | None) -> Master:
    if master is None:
        raise NotFound
    return master


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


# --- plain words ------------------------------------------------------------------------------------------


@pages.get("/help", access=anyone, endpoint="help")
def how_it_works() -> Response:
    return answer(
        "pages/help.html", holders_bps=_settings().default_holders_bps, minter_bps=MINTER_BPS, royalty_bps=ROYALTY_BPS
    )


@pages.get("/legal/fees", access=anyone)
def fees() -> Response:
    return answer("pages/fees.html", primary_bps=_settings().primary_fee_bps, trading_bps=_settings().trading_fee_bps)


@pages.get("/legal/risk", access=anyone)
def risk() -> Response:
    return answer("pages/risk.html")


@pages.get("/styleguide", access=anyone)
def styleguide() -> Response:
    """The house's tokens and parts on one page; only where newcomers' tools are."""
    if not _settings().newcomer_tools:
        raise NotFound
    return answer("styleguide.html", palettes=PALETTES)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
