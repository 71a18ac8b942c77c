"""GET /artists/{slug} and following."""

from __future__ import annotations

from flask_login import current_user

from portal.artists import queries, service, shapes
from portal.db import db
from portal.errors import NotFound
from portal.versions import Api
from portal.web.access import anyone, signed_in

api = Api("artists_api", __name__)


@api.get("/artists/<slug>", versions=(1, 2), access=anyone)
def get_artist(slug: str, version: int) -> shapes.PublicArtist:
    artist = queries.by_slug(db.session(), slug)
    if artist is None:
        raise NotFound
    return shapes.artist(artist)


@api.post("/artists/<slug>/follow", versions=(2,), access=signed_in)
def follow(slug: str, version: int) -> shapes.Following:
    return {"following": True, "followerCount": service.follow(slug, current_user.user_id)}


@api.delete("/artists/<slug>/follow", versions=(2,), access=signed_in)
def unfollow(slug: str, version: int) -> shapes.Following:
    return {"following": False, "followerCount": service.unfollow(slug, current_user.user_id)}
