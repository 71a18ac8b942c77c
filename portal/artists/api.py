"""GET /artists/{slug} and following."""

from __future__ import annotations

from collections.abc import Callable

from flask_login import current_user

from portal.artists import queries, service, shapes
from portal.db import db
from portal.errors import NotFound
from portal.versions import Api
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed

api = Api("artists_api", __name__)


@api.get("/artists/<slug>", versions=(1, 2), access=anyone)
def get_artist(slug: str, version: int) -> shapes.PublicArtist:
    artist = queries.by_slug(db.session(), slug)
    if artist is None:
        raise NotFound
    return shapes.artist(artist)


@api.post("/artists/<slug>/follow", versions=(2,), access=signed_in)
def follow(slug: str, version: int) -> shapes.Following:
    return _answer(True)(service.follow(slug, current_user.user_id, keyed(_answer(True))))[1]


@api.delete("/artists/<slug>/follow", versions=(2,), access=signed_in)
def unfollow(slug: str, version: int) -> shapes.Following:
    return _answer(False)(service.unfollow(slug, current_user.user_id, keyed(_answer(False))))[1]


def _answer(following: bool) -> Callable[[int], tuple[int, shapes.Following]]:
    return lambda count: (200, {"following": following, "followerCount": count})
