"""Rooms "artist:<id>" on the live line: public news of an artist."""

from __future__ import annotations

import uuid

from portal.artists.models import Artist
from portal.db import db
from portal.web.access import anyone
from portal.web.sockets import room


def may_join(artist_id: uuid.UUID) -> bool:
    artist = db.session().get(Artist, artist_id)
    return artist is not None and artist.is_active


room("artist", anyone, may_join)
