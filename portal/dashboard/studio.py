"""What the studio's pages show, gathered for `dashboard/*.html`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.dashboard import figures
from portal.db import utcnow
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import cover_url, shown_status
from portal.money import CURRENCIES
from portal.revenue import income
from portal.vstudio import queries as room_queries
from portal.vstudio import wording


def badge(artist: Artist) -> dict[str, Any]:
    """Whose studio it is, for the rail."""
    return {
        "artist_name": artist.artist_name,
        "avatar_url": artist.profile_image_url or f"/avatars/{artist.id}.svg",
    }


def currency_of(ipo: MasterIpo) -> tuple[int, str]:
    """(decimals, code) of the currency that the offer is priced in."""
    known = CURRENCIES.get(ipo.mint_price_currency or "", CURRENCIES["USDC"])
    return known.decimals, known.code


def home(session: Session, artist: Artist, name: str, months: str = "") -> dict[str, Any]:
    """Tiles, income, masters, what to do next, the next room and what happened last."""
    masters = master_queries.of_artist(session, artist.id, public_only=False)
    earned = income.artist_earned(session, artist.id, utcnow() - figures.MONTH, utcnow())
    return {
        "artist": badge(artist),
        "greeting": f"{_part_of_day()}, {name}",
        "tiles": figures.tiles(session, artist, earned) if masters else [],
        "income": figures.chart(session, artist, months),
        "masters": _rows(masters, earned),
        "masters_total": len(masters),
        "todos": figures.todos(session, masters),
        "room": _room(session, artist),
        "feed": figures.feed(session, artist),
    }


def listed(session: Session, artist: Artist) -> dict[str, Any]:
    """All masters and what they earned in 30 days, for `dashboard/masters.html`."""
    earned = income.artist_earned(session, artist.id, utcnow() - figures.MONTH, utcnow())
    masters = master_queries.of_artist(session, artist.id, public_only=False)
    return {"artist": badge(artist), "masters": _rows(masters, earned)}


def _rows(masters: list[Master], earned: Sequence[income.Earned]) -> list[dict[str, Any]]:
    last30 = figures.by_master(earned)
    return [_row(m) | {"last30": last30.get(m.id)} for m in masters]


def _part_of_day() -> str:
    hour = utcnow().hour
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"


def _row(master: Master) -> dict[str, Any]:
    ipo = master.ipo
    has_offer = ipo is not None and ipo.status is not IpoStatus.DRAFT
    return {
        "id": str(master.id),
        "href": f"/studio/masters/{master.id}",
        "title": master.title,
        "note": master.genre,
        "cover_url": cover_url(master),
        "status": shown_status(ipo) if ipo and has_offer else master.status.value,
        "kind": "ipo" if has_offer else "master",
        "minted": ipo.minted_supply if ipo and has_offer else None,
        "supply": ipo.total_supply if ipo and has_offer else None,
        "draft_href": f"/studio/masters/{master.id}" if master.status is MasterStatus.DRAFT else None,
    }


def _room(session: Session, artist: Artist) -> dict[str, Any] | None:
    rooms = [r for r in room_queries.of_artist(session, artist.id) if r.status.value in {"live", "scheduled", "draft"}]
    if not rooms:
        return None
    room = rooms[0]
    count = len(room.decision_points)
    return {
        "when": "Live now" if room.status.value == "live" else "Next room",
        "title": room.title,
        "note": f"{count} {'decision' if count == 1 else 'decisions'}, {wording.votes(room.total_votes)}",
        "palette": str(artist.palette),
        "href": f"/studio/rooms/{room.id}",
        "button": "Open the control room",
    }
