"""What the studio's pages show, gathered for `dashboard/*.html`."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.db import utcnow
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master
from portal.masters.shapes import cover_url
from portal.vstudio import queries as room_queries


def badge(artist: Artist) -> dict[str, Any]:
    """Whose studio it is, for the rail."""
    return {
        "artist_name": artist.artist_name,
        "avatar_url": artist.profile_image_url or f"/avatars/{artist.id}.svg",
    }


def home(session: Session, artist: Artist, name: str) -> dict[str, Any]:
    """Tiles, masters, what to do next and the next room."""
    masters = master_queries.of_artist(session, artist.id, public_only=False)
    return {
        "artist": badge(artist),
        "greeting": f"{_part_of_day()}, {name}",
        "tiles": _tiles(artist, masters),
        "income": None,
        "masters": [_row(m) for m in masters],
        "masters_total": len(masters),
        "todos": _todos(masters),
        "room": _room(session, artist),
        "feed": [],
    }


def _part_of_day() -> str:
    hour = utcnow().hour
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"


def _tiles(artist: Artist, masters: list[Master]) -> list[dict[str, Any]]:
    sold = sum(m.ipo.minted_supply for m in masters if m.ipo)
    live = sum(1 for m in masters if m.ipo and m.ipo.status is IpoStatus.LIVE)
    figures = [
        ("Masters", f"{len(masters):,}", "drafts included"),
        ("On sale", f"{live:,}", "offers open now"),
        ("Shares sold", f"{sold:,}", "first sales, at the chain's head"),
        ("Followers", f"{artist.follower_count:,}", "people who hear of your offers"),
    ]
    return [{"label": a, "money": None, "value": b, "change": None, "note": c} for a, b, c in figures]


def _row(master: Master) -> dict[str, Any]:
    ipo = master.ipo
    has_offer = ipo is not None and ipo.status is not IpoStatus.DRAFT
    return {
        "id": str(master.id),
        "href": f"/studio/masters/{master.id}",
        "title": master.title,
        "note": master.genre,
        "cover_url": cover_url(master),
        "status": ipo.status.value if ipo and has_offer else master.status.value,
        "kind": "ipo" if has_offer else "master",
        "minted": ipo.minted_supply if ipo and has_offer else None,
        "supply": ipo.total_supply if ipo and has_offer else None,
        "last30": None,
        "draft_href": f"/studio/masters/{master.id}" if master.status is MasterStatus.DRAFT else None,
    }


def _todos(masters: list[Master]) -> list[dict[str, Any]]:
    if not masters:
        return [{"title": "Create your first master", "note": "It takes a title and an offer.",
                 "href": "/studio/masters/new"}]  # fmt: skip
    return [
        {
            "title": f"Confirm the rights of {m.title}",
            "note": "needed before it can be sold",
            "href": f"/studio/masters/{m.id}",
        }
        for m in masters
        if m.status is MasterStatus.DRAFT and m.rights_confirmed_at is None
    ]


def _room(session: Session, artist: Artist) -> dict[str, Any] | None:
    rooms = [r for r in room_queries.of_artist(session, artist.id) if r.status.value in {"live", "scheduled", "draft"}]
    if not rooms:
        return None
    room = rooms[0]
    return {
        "when": "Live now" if room.status.value == "live" else "Next room",
        "title": room.title,
        "note": None,
        "palette": str(artist.palette),
        "href": f"/vstudio/{room.id}",
        "button": "Open the room",
    }
