"""What the studio's pages show, gathered for `dashboard/*.html`."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.artists.models import Artist
from portal.db import utcnow
from portal.masters import launch
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import cover_url
from portal.money import CURRENCIES
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


def master(session: Session, found: Master) -> dict[str, Any]:
    """One master in its owner's hands."""
    ipo = found.ipo
    here = f"/studio/masters/{found.id}"
    confirmed = found.rights_confirmed_at is not None
    return {
        "artist": badge(found.artist),
        "master": {
            "id": str(found.id),
            "href": f"/masters/{found.id}",
            "title": found.title,
            "artist_name": found.artist.artist_name,
            "cover_url": cover_url(found),
            "status": found.status.value,
            "genre": found.genre,
            "isrc": found.isrc,
            "rights_confirmed": confirmed,
        },
        "ipo": _ipo(ipo) if ipo else None,
        "actions": {
            "confirm_rights": None if confirmed else f"{here}/rights",
            "launch": _launch_action(here, found),
            "close": None,
            "cancel": None,
            "edit": None,
        },
        "launch_reason": _hindrance(session, found),
        "version": ipo.version if ipo else found.version,
        "steps": _steps(session, ipo) if ipo else None,
        "steps_title": "Launch",
        "contract": _contract(found),
        "revenue_action": None,
        "values": {},
        "errors": [],
        "sources": [],
        "revenue_currencies": [],
        "revenue_events": [],
        "proceeds": None,
    }


def _hindrance(session: Session, found: Master) -> str | None:
    """Why launching is not possible now, in words; None when it is, or when there is nothing to launch."""
    if found.rights_confirmed_at is None:
        return "Confirm first that the recording is yours to share."
    if not account_queries.wallets_of(session, found.artist.user_id):
        return "Link a wallet first: what the shares cost is paid to it."
    if found.status is MasterStatus.PENDING:
        return "The portal's staff looks at it before it is sold."
    return None


def _launch_action(here: str, found: Master) -> str | None:
    """Where the launch button leads; None where there is nothing to launch."""
    draft = found.ipo is not None and found.ipo.status is IpoStatus.DRAFT
    return f"{here}/launch" if draft and found.status is not MasterStatus.PENDING else None


def _steps(session: Session, ipo: MasterIpo) -> list[dict[str, Any]] | None:
    """Asked for, on the chain, open: what is done, what runs, what failed and why."""
    state = launch.launch_state(session, ipo)
    if state is None:
        return None
    running = "failed" if state.failure else "done" if state.recorded else "now"
    opened = "done" if ipo.actual_start_at else "next"
    return [
        {"text": "Launch asked for", "state": "done", "at": state.asked_at, "note": None},
        {"text": "Contracts on the chain", "state": running, "at": None, "note": state.failure},
        {"text": "Offer open", "state": opened, "at": ipo.actual_start_at, "note": None},
    ]


def _contract(found: Master) -> dict[str, Any] | None:
    if not found.contracts:
        return None
    made = found.contracts[0]
    return {"address": made.contract_address, "href": None, "block": made.deployed_at_block, "state": "deployed"}


def _ipo(ipo: MasterIpo) -> dict[str, Any]:
    currency = CURRENCIES.get(ipo.mint_price_currency or "", CURRENCIES["USDC"])
    return {
        "status": ipo.status.value,
        "price_minor": ipo.mint_price_wei,
        "decimals": currency.decimals,
        "currency": currency.code,
        "minted": ipo.minted_supply,
        "supply": ipo.total_supply,
        "holders_bps": ipo.revenue_share_nft_holders_bps,
        "royalty_bps": ipo.secondary_royalty_bps,
        "person_cap": ipo.person_cap,
        "starts_at": ipo.scheduled_start_at,
        "ends_at": ipo.scheduled_end_at,
        "seq": 0,
    }
