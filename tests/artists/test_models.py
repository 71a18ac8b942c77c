"""What the database refuses of artists and follows."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal.artists.models import Artist
from tests import factories
from tests.raw import Raw


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"palette": "beige"}, "ck_artists_palette"),
        ({"slug": "Not a slug"}, "ck_artists_slug"),
        ({"slug": "-edge"}, "ck_artists_slug"),
        ({"follower_count": -1}, "ck_artists_follower_count_count"),
    ],
)
def test_a_wrong_artist(raw: Raw, changes: dict[str, object], constraint: str) -> None:
    raw.refuses("artists", constraint, **changes)


def test_a_person_follows_an_artist_once(raw: Raw) -> None:
    artist, fan = raw.add("artists"), raw.add("users")
    raw.add("artist_follows", artist_id=artist, follower_id=fan)
    raw.refuses("artist_follows", "uq_artist_follows_artist_id_follower_id", artist_id=artist, follower_id=fan)


def test_the_second_of_two_editors_is_told(session: Session) -> None:
    artist = factories.artist(session)
    held = session.get_one(Artist, artist.id)
    session.connection().exec_driver_sql("UPDATE artists SET version = version + 1")
    held.bio = "written on a stale page"
    with pytest.raises(StaleDataError):
        session.flush()
