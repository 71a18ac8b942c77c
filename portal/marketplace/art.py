"""Covers and avatars: drawn from the id, so they need no table and stay the same for ever."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from portal import covers
from portal.artists.models import Artist
from portal.db import db
from portal.marketplace.wording import media
from portal.masters.models import Master
from portal.masters.queries import with_live_ipo
from portal.web.access import anyone
from portal.web.pages import guarded

art = Blueprint("art", __name__)
DAY = 86_400


@art.app_template_global()
def door_sleeve() -> dict[str, Any] | None:
    """The offer that ends soonest, for the wall beside the sign-in form; None where nothing is on sale."""
    masters = with_live_ipo(db.session(), 1)
    if not masters or masters[0].ipo is None:
        return None
    return media(masters[0]) | {"sold": masters[0].ipo.minted_supply, "supply": masters[0].ipo.total_supply}


@lru_cache(maxsize=2048)
def _cover(seed: str, palette: str) -> str:
    return covers.cover_svg(seed, palette, peaks=covers.peaks_for(seed, 96))


@lru_cache(maxsize=2048)
def _avatar(seed: str, palette: str) -> str:
    return covers.avatar_svg(seed, palette)


def cover(master_id: uuid.UUID) -> Response:
    """The cover pressed from a master's id in its artist's palette; an unknown id gets the house's."""
    palette = db.session.scalar(sa.select(Artist.palette).join(Master).where(Master.id == master_id))
    return _svg(_cover(str(master_id), str(palette or "brine")))


def avatar(owner_id: uuid.UUID) -> Response:
    """The avatar of a person or an artist."""
    palette = db.session.scalar(
        sa.select(Artist.palette).where(sa.or_(Artist.id == owner_id, Artist.user_id == owner_id))
    )
    return _svg(_avatar(str(owner_id), str(palette or covers.PALETTES[owner_id.int % len(covers.PALETTES)])))


def _svg(text: str) -> Response:
    response = Response(text, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = f"public, max-age={DAY}"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other marketplaces show the token's image
    response.add_etag()
    response.make_conditional(request)
    return response


art.add_url_rule("/covers/<uuid:master_id>.svg", "cover", guarded(cover, anyone))
art.add_url_rule("/avatars/<uuid:owner_id>.svg", "avatar", guarded(avatar, anyone))
