"""Commands on artists: become one, verify one, follow one."""

from __future__ import annotations

import unicodedata
import uuid

import sqlalchemy as sa
from slugify import slugify
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import db
from portal.accounts.enums import UserRole
from portal.accounts.service import grant_role
from portal.artists import queries
from portal.artists.models import Artist, ArtistFollow
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import transaction
from portal.errors import Conflict, NotFound
from portal.files import store
from portal.files.places import Place
from portal.files.store import UNCHANGED, Change, Slot
from portal.idempotency import KeyedRequest, claim, keep

db.explain("uq_artists_user_id", lambda: Conflict("You are an artist here already."))
db.explain("uq_artists_slug", lambda: Conflict("An artist of that name was added just now. Please send it again."))


def become_artist(user_id: uuid.UUID, name: str, *, genre: str | None, short_bio: str | None, palette: str) -> Artist:
    """Give a person an artist's profile and role. Raises Conflict when they have one."""
    with transaction() as session:
        return add_artist(session, user_id, name, genre=genre, short_bio=short_bio, palette=palette)


def add_artist(
    session: Session, user_id: uuid.UUID, name: str, *, genre: str | None, short_bio: str | None, palette: str
) -> Artist:
    """`become_artist` inside the caller's transaction."""
    name = unicodedata.normalize("NFC", name)
    slug = queries.free_slug(session, slugify(name, max_length=140) or "artist")
    artist = Artist(
        id=uuid.uuid4(),
        user_id=user_id,
        artist_name=name,
        slug=slug,
        genre=genre,
        short_bio=short_bio,
        bio=short_bio,
        palette=palette,
    )
    session.add(artist)
    session.flush()
    grant_role(session, user_id, UserRole.ARTIST)
    record(
        session,
        "become_artist",
        AuditActionCategory.AUTHORIZATION,
        target=("artist", artist.id, slug),
        after={"artistName": name, "slug": slug},
    )
    return artist


def verify_artist(session: Session, artist_id: uuid.UUID) -> Artist:
    """Staff vouches for an artist, inside the caller's transaction: their offers open without waiting for approval.

    Saying it twice changes nothing. Raises NotFound.
    """
    artist = session.get(Artist, artist_id, with_for_update=True)
    if artist is None:
        raise NotFound
    if not artist.is_verified:
        artist.is_verified, artist.verified_at = True, db.utcnow()
        record(
            session,
            "verify_artist",
            AuditActionCategory.ADMIN,
            target=("artist", artist.id, artist.slug),
            after={"isVerified": True},
        )
    return artist


def follow(slug: str, user_id: uuid.UUID, keyed: KeyedRequest | None = None) -> int:
    """Follow once; a second time changes nothing. Returns the follower count."""
    with transaction() as session:
        claim(session, keyed)
        artist = _existing(session, slug)
        added = session.execute(
            insert(ArtistFollow)
            .values(id=uuid.uuid4(), artist_id=artist.id, follower_id=user_id)
            .on_conflict_do_nothing(index_elements=["artist_id", "follower_id"])
            .returning(ArtistFollow.id)
        ).scalar()
        count = _count(session, artist, 1 if added else 0, "follow_artist")
        keep(session, count)
        return count


def unfollow(slug: str, user_id: uuid.UUID, keyed: KeyedRequest | None = None) -> int:
    """Returns the follower count."""
    with transaction() as session:
        claim(session, keyed)
        artist = _existing(session, slug)
        removed = session.execute(
            sa.delete(ArtistFollow)
            .where(ArtistFollow.artist_id == artist.id, ArtistFollow.follower_id == user_id)
            .returning(ArtistFollow.id)
        ).scalar()
        count = _count(session, artist, -1 if removed else 0, "unfollow_artist")
        keep(session, count)
        return count


def set_pictures(user_id: uuid.UUID, portrait: Change, banner: Change) -> Artist:
    """Change the pictures of one's own page. Raises NotFound for who is no artist, Invalid past the quota."""
    with transaction() as session:
        artist = queries.of_user(session, user_id)
        if artist is None:
            raise NotFound
        before = _shown(artist)
        if portrait is not UNCHANGED:
            artist.profile_image_url = store.fill(session, Slot(user_id, Place.PORTRAIT), portrait).url
        if banner is not UNCHANGED:
            artist.banner_image_url = store.fill(session, Slot(user_id, Place.BANNER), banner).url
        record(
            session,
            "set_artist_pictures",
            AuditActionCategory.AUTHORIZATION,
            target=("artist", artist.id, artist.slug),
            before=before,
            after=_shown(artist),
        )
        return artist


def _shown(artist: Artist) -> dict[str, object]:
    return {"profileImageUrl": artist.profile_image_url, "bannerImageUrl": artist.banner_image_url}


def _existing(session: Session, slug: str) -> Artist:
    artist = queries.by_slug(session, slug)
    if artist is None:
        raise NotFound
    return artist


def _count(session: Session, artist: Artist, change: int, action: str) -> int:
    """Move the counter by what really changed, and say so in the audit log."""
    if change == 0:
        return artist.follower_count
    count: int = session.execute(
        sa.update(Artist)
        .where(Artist.id == artist.id)
        .values(follower_count=Artist.follower_count + change)
        .returning(Artist.follower_count)
    ).scalar_one()
    record(session, action, AuditActionCategory.SYSTEM, target=("artist", artist.id, artist.slug))
    return count
