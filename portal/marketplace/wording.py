"""Small words and figures that several pages show the same way."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from slugify import slugify

from portal.artists.models import Artist
from portal.db import utcnow
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import cover_url
from portal.money import CURRENCIES

SOON = dt.timedelta(days=1)


def readable(title: str, short_id: str) -> str:
    """A master's readable address: the id at its end decides, the words may change."""
    return f"/masters/{slugify(title, max_length=80) or 'master'}-{short_id}"


def master_href(master: Master) -> str:
    return readable(master.title, master.short_id)


def nft_href(nft_id: uuid.UUID) -> str:
    return f"/nfts/{nft_id}"


def terms_href(master_id: uuid.UUID, version: str | None) -> str | None:
    """Where the terms of an offer stand; None for one that was launched without."""
    return f"/masters/{master_id}/terms/{version}" if version else None


def artist_href(artist: Artist) -> str:
    return f"/artists/{artist.slug}"


def avatar_url(artist: Artist) -> str:
    return artist.profile_image_url or f"/avatars/{artist.id}.svg"


def decimals(currency: str | None) -> int:
    known = CURRENCIES.get(currency or "")
    return known.decimals if known else 18


def price(ipo: MasterIpo) -> dict[str, Any]:
    """`price_minor`, `decimals`, `currency` as the macros take them."""
    currency = ipo.mint_price_currency or ""
    return {"price_minor": ipo.mint_price_wei, "decimals": decimals(currency), "currency": currency}


def left(until: dt.datetime | None) -> str | None:
    """'2 d 14 h', '6 h 20 min', '4 min': how long until a time; None when there is none or it is over."""
    if until is None or (seconds := int((until - utcnow()).total_seconds())) <= 0:
        return None
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def shares(count: int) -> str:
    """'1 share', '1,200 shares'."""
    return "1 share" if count == 1 else f"{count:,} shares"


def short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def media(master: Master) -> dict[str, Any]:
    """What every row about a master starts with."""
    return {
        "id": str(master.id),
        "href": master_href(master),
        "title": master.title,
        "artist_name": master.artist.artist_name,
        "cover_url": cover_url(master),
        "palette": str(master.artist.palette),
    }


def master_card(master: Master) -> dict[str, Any]:
    """A master in a list, for `card_master`; one that is not on sale yet says when it opens."""
    ipo = master.ipo
    if ipo is None:
        return media(master) | {"supply": 0, "minted": 0, "price_minor": None, "decimals": 2, "currency": ""}
    opens = ipo.scheduled_start_at if ipo.status is IpoStatus.SCHEDULED else None
    return media(master) | price(ipo) | {"minted": ipo.minted_supply, "supply": ipo.total_supply, "opens_at": opens}


def artist_card(artist: Artist, *, followed: set[uuid.UUID], can_follow: bool) -> dict[str, Any]:
    """An artist in a list, for `card_artist`."""
    return {
        "id": str(artist.id),
        "href": artist_href(artist),
        "artist_name": artist.artist_name,
        "avatar_url": avatar_url(artist),
        "note": ", ".join(part for part in (artist.genre, artist.location) if part) or None,
        "gained": None,
        "spark": None,
        "follow_action": f"{artist_href(artist)}/follow" if can_follow else None,
        "following": artist.id in followed,
    }
