"""What the home page shows, gathered for `marketplace/home.html`."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal import progress
from portal.artists import queries as artist_queries
from portal.config import Settings
from portal.db import utcnow
from portal.marketplace import queries
from portal.marketplace.wording import SOON, artist_card, decimals, left, master_card, media, price, readable
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import track
from portal.vstudio import queries as room_queries

WALL = 8
SALE = 4
ROWS = 5


def page(session: Session, user_id: uuid.UUID | None) -> dict[str, Any]:
    """Every value of the template; each list may be empty."""
    live = master_queries.with_live_ipo(session, SALE)
    soon = queries.opening(session, SALE - len(live))
    return {
        "seeding": _seeding(),
        "week": None,
        "proof": _proof(session),
        "wall": _wall(session, [*live, *soon]),
        "on_sale": [master_card(m) for m in [*live, *soon]],
        "on_sale_total": queries.offers(session, IpoStatus.LIVE) if live else 0,
        "soon": len(soon),
        "live_room": _room(session),
        "closing": [_closing(m, m.ipo) for m in queries.closing_soon(session, ROWS) if m.ipo],
        "paid_out": [_paid(row) for row in queries.paid_out(session, utcnow() - queries.WEEK, ROWS)],
        "paid_total": _total(session),
        "artists": _artists(session, user_id),
    }


def _seeding() -> dict[str, int] | None:
    """How far the demo data is that an embedded portal adds behind its first page."""
    settings: Settings = current_app.config["SETTINGS"]
    found = progress.read(settings.data_dir) if settings.embedded else None
    return {"step": found.step, "of": found.of} if found else None


def _wall(session: Session, railed: list[Master]) -> list[dict[str, Any]]:
    """New masters, those of the rail below and cancelled ones behind the others; an artist's covers stand apart."""
    below = {m.id for m in railed}
    found = sorted(master_queries.recent(session, WALL), key=lambda m: (_cancelled(m), m.id in below))
    turns = Counter[uuid.UUID]()
    ranked = []
    for master in found:
        turns[master.artist_id] += 1
        ranked.append((turns[master.artist_id], master))
    return [media(m) | {"track": track(m)} for _, m in sorted(ranked, key=lambda one: one[0])]


def _cancelled(master: Master) -> bool:
    return master.ipo is not None and master.ipo.status is IpoStatus.CANCELLED


def _closing(master: Master, ipo: MasterIpo) -> dict[str, Any]:
    ends = ipo.scheduled_end_at or utcnow()
    return (
        media(master)
        | price(ipo)
        | {
            "left": ipo.total_supply - ipo.minted_supply,
            "supply": ipo.total_supply,
            "ends_at": ends,
            "ends_in": left(ends),
            "soon": ends - utcnow() < SOON,
        }
    )


def _artists(session: Session, user_id: uuid.UUID | None) -> list[dict[str, Any]]:
    followed = queries.followed(session, user_id)
    rows = artist_queries.rising(session, SALE)
    return [artist_card(a, followed=followed, can_follow=a.user_id != user_id) for a in rows]


def _paid(row: queries.Payment) -> dict[str, Any]:
    digits = decimals(row.currency)
    return {
        "href": readable(row.title, row.short_id),
        "title": row.title,
        "per_share_minor": row.per_share or 0,
        "per_share_decimals": digits,
        "amount_minor": row.amount,
        "decimals": digits,
        "currency": row.currency,
    }


def _total(session: Session) -> dict[str, Any] | None:
    """Last seven days in one currency; with several there is no sum to show."""
    sums = queries.paid_in_all(session, utcnow() - queries.WEEK)
    if len(sums) != 1:
        return None
    currency, amount, _ = sums[0]
    return {"minor": amount, "decimals": decimals(currency), "currency": currency}


def _proof(session: Session) -> dict[str, Any] | None:
    """What was paid to holders so far, in the currency that most masters pay in."""
    sums = queries.paid_in_all(session)
    if not sums:
        return None
    currency, amount, masters = sums[0]
    return {
        "minor": amount,
        "decimals": decimals(currency),
        "currency": currency,
        "masters": masters,
        "holders": queries.holders(session),
        "as_of": utcnow(),
    }


def _room(session: Session) -> dict[str, Any] | None:
    rooms = room_queries.live_now(session, 1)
    if not rooms:
        return None
    room = rooms[0]
    decision = queries.open_decision(session, room.id)
    closes = decision.end_time if decision else None
    return {
        "id": str(room.id),
        "href": f"/vstudio/{room.id}",
        "question": decision.label if decision else room.title,
        "session_title": room.title,
        "artist_name": room.artist.artist_name,
        "total_votes": room.total_votes,
        "people": None,
        "closes_at": closes,
        "closes_in": left(closes),
        "seq": room.total_votes,
    }
