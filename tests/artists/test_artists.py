"""Becoming an artist, the public fields, following."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.artists import service
from portal.artists.models import Artist, ArtistFollow
from portal.artists.service import verify_artist
from portal.audit.models import AuditLog
from portal.errors import Conflict
from tests import factories
from tests.conftest import Client

PUBLIC = {"artistName", "slug", "bio", "profileImageUrl", "socialLinks", "isVerified"}


@pytest.mark.parametrize("version", [1, 2])
def test_public_fields_and_no_other(client: Client, session: Session, version: int) -> None:
    artist = factories.artist(session, "Sólrún & the Quiet")
    answer = client.get(f"/api/v{version}/artists/{artist.slug}")
    assert artist.slug == "solrun-the-quiet"
    assert set(answer.json) == PUBLIC
    assert ("Sunset" in answer.headers) == (version == 1)


def test_the_same_name_gets_its_own_slug(session: Session) -> None:
    slugs = [factories.artist(session, "The Band").slug for _ in range(3)]
    assert slugs == ["the-band", "the-band-2", "the-band-3"]


def test_once_an_artist(session: Session) -> None:
    artist = factories.artist(session)
    with pytest.raises(Conflict, match="already"):
        service.become_artist(artist.user_id, "Again", genre=None, short_bio=None, palette="brine")
    assert session.scalar(sa.select(sa.func.count()).select_from(Artist)) == 1


def test_following_twice_counts_once(client: Client, session: Session, sign_in: Callable[..., Any]) -> None:
    artist = factories.artist(session)
    sign_in(client, factories.person(session))
    for _ in range(2):
        assert client.post(f"/api/v2/artists/{artist.slug}/follow").json["followerCount"] == 1
    assert session.scalar(sa.select(sa.func.count()).select_from(ArtistFollow)) == 1
    for _ in range(2):
        assert client.delete(f"/api/v2/artists/{artist.slug}/follow").json["followerCount"] == 0


def test_visitors_do_not_follow(client: Client, session: Session) -> None:
    artist = factories.artist(session)
    answer = client.post(f"/api/v2/artists/{artist.slug}/follow")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_staff_verifies_an_artist_once(session: Session) -> None:
    made = factories.artist(session, verified=False)
    for _ in range(2):
        assert verify_artist(session, made.id).is_verified
    assert made.verified_at is not None
    actions = session.scalars(sa.select(AuditLog.action).where(AuditLog.target_id == made.id)).all()
    assert actions.count("verify_artist") == 1
