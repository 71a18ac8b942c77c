"""Artists, producers and follows. The counters are derived: they equal a recount whenever they are read."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.artists.enums import Palette
from portal.db import (
    S100,
    S150,
    S200,
    Count,
    Created,
    Flag,
    Identified,
    Model,
    Stamped,
    Versioned,
    Yes,
    counts,
    text_enum,
)

SLUG = "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'"


class Artist(Identified, Stamped, Versioned, Model):
    """An artist's public profile, one per person (T7 artists)."""

    __tablename__ = "artists"
    __table_args__ = (
        sa.CheckConstraint(SLUG, name="slug"),
        *counts("total_masters", "total_sales", "follower_count"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    artist_name: Mapped[S150] = mapped_column(index=True)
    slug: Mapped[S150] = mapped_column(unique=True)
    bio: Mapped[str | None]
    short_bio: Mapped[str | None] = mapped_column(sa.String(280))
    genre: Mapped[S100 | None] = mapped_column(index=True)
    location: Mapped[S200 | None]
    profile_image_url: Mapped[str | None]
    banner_image_url: Mapped[str | None]
    social_links: Mapped[dict[str, Any] | None]
    music_platforms: Mapped[dict[str, Any] | None]
    is_verified: Mapped[Flag] = mapped_column(index=True)
    verified_at: Mapped[dt.datetime | None]
    is_active: Mapped[Yes]
    total_masters: Mapped[Count]
    total_sales: Mapped[Count]
    follower_count: Mapped[Count]
    palette: Mapped[Palette] = mapped_column(text_enum(Palette, 20), default=Palette.BRINE, server_default="brine")

    user: Mapped[User] = relationship()


class Producer(Identified, Stamped, Model):
    """A producer's public profile, one per person (T8 producers)."""

    __tablename__ = "producers"
    __table_args__ = (sa.CheckConstraint(SLUG, name="slug"), *counts("total_credits"))

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    producer_name: Mapped[S150] = mapped_column(index=True)
    slug: Mapped[S150] = mapped_column(unique=True)
    bio: Mapped[str | None]
    specialty: Mapped[S200 | None]
    profile_image_url: Mapped[str | None]
    social_links: Mapped[dict[str, Any] | None]
    is_verified: Mapped[Flag]
    verified_at: Mapped[dt.datetime | None]
    is_active: Mapped[Yes]
    total_credits: Mapped[Count]

    user: Mapped[User] = relationship()


class ArtistFollow(Identified, Created, Model):
    """A person follows an artist, once (T9 artist_follows)."""

    __tablename__ = "artist_follows"
    __table_args__ = (sa.UniqueConstraint("artist_id", "follower_id"),)

    artist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artists.id", ondelete="CASCADE"), index=True)
    follower_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)

    artist: Mapped[Artist] = relationship()
    follower: Mapped[User] = relationship()
