"""What an artist's page shows, gathered for `marketplace/artist.html`."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.artists.shapes import web_links
from portal.marketplace.wording import artist_href, avatar_url, master_card
from portal.masters import queries as master_queries
from portal.masters.models import Master
from portal.masters.shapes import cover_url, shown_status
from portal.tokens import wording as coin_wording
from portal.vstudio import queries as room_queries
from portal.vstudio.models import VstudioSession


def page(session: Session, artist: Artist, user_id: uuid.UUID | None) -> dict[str, Any]:
    mine = artist.user_id == user_id
    masters = master_queries.of_artist(session, artist.id, public_only=True)
    return {
        "artist": {
            "slug": artist.slug,
            "artist_name": artist.artist_name,
            "href": artist_href(artist),
            "avatar_url": avatar_url(artist),
            "banner_url": artist.banner_image_url,
            "palette": str(artist.palette),
            "genre": artist.genre,
            "location": artist.location,
            "bio": artist.bio,
            "is_verified": artist.is_verified,
            "followers": artist.follower_count,
            "follow_action": None if mine else f"{artist_href(artist)}/follow",
            "following": artist_queries.follows(session, artist.id, user_id),
        },
        "masters": [_card(m) for m in masters],
        "rooms": [room_card(r) for r in room_queries.of_artist(session, artist.id, public_only=True)],
        "links": [{"text": name.capitalize(), "href": href} for name, href in web_links(artist).items()],
        "coin": coin_wording.shown(session, artist.id, current_app.config["SETTINGS"]),
        "owner_href": "/studio" if mine else None,
    }


def _card(master: Master) -> dict[str, Any]:
    return master_card(master) | {"status": shown_status(master.ipo) if master.ipo else "draft"}


def room_card(room: VstudioSession) -> dict[str, Any]:
    """A room in a list, for `card_room`."""
    return {
        "id": str(room.id),
        "href": f"/vstudio/{room.id}",
        "title": room.title,
        "artist_name": room.artist.artist_name,
        "cover_url": room.cover_image_url or cover_url(room.master),
        "status": room.status.value,
        "starts_at": room.scheduled_start_at,
        "people": None,
        "votes": room.total_votes,
        "note": None,
    }
