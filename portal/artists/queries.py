"""Reads about artists."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.artists.models import Artist, ArtistFollow


def by_slug(session: Session, slug: str) -> Artist | None:
    return session.scalars(sa.select(Artist).where(Artist.slug == slug, Artist.is_active)).one_or_none()


def of_user(session: Session, user_id: uuid.UUID | None) -> Artist | None:
    """The artist that this person is, if any."""
    if user_id is None:
        return None
    return session.scalars(sa.select(Artist).where(Artist.user_id == user_id)).one_or_none()


def follows(session: Session, artist_id: uuid.UUID, user_id: uuid.UUID | None) -> bool:
    if user_id is None:
        return False
    return bool(
        session.scalar(
            sa.select(sa.literal(True)).where(ArtistFollow.artist_id == artist_id, ArtistFollow.follower_id == user_id)
        )
    )


def free_slug(session: Session, wanted: str) -> str:
    """`wanted`, or `wanted-2`, `wanted-3`, … : the first that no artist has."""
    pattern = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "-%"
    taken = set(
        session.scalars(
            sa.select(Artist.slug).where(sa.or_(Artist.slug == wanted, Artist.slug.like(pattern, escape="\\")))
        )
    )
    if wanted not in taken:
        return wanted
    return next(slug for n in range(2, len(taken) + 3) if (slug := f"{wanted}-{n}") not in taken)


def rising(session: Session, limit: int) -> list[Artist]:
    """Artists with the most followers first."""
    return list(
        session.scalars(
            sa.select(Artist)
            .where(Artist.is_active)
            .order_by(Artist.follower_count.desc(), Artist.artist_name)
            .limit(limit)
        )
    )
