"""Uploaded pictures, in the database: one transaction holds the file, what shows it and the record of who did it.

Files are small (one block of 256 KiB, re-encoded by us), so they cost a backup little, every web process sees them
without a shared folder, and neither a full disk nor a death between two lines leaves half of one. A row is a picture
in its place: a place holds one, so nothing is ever kept that nobody shows.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import S50, S100, Created, Identified, Model, text_enum
from portal.files.cids import MOST_BYTES
from portal.files.places import Place

OWN = sa.text("master_id IS NULL AND vstudio_session_id IS NULL")
WEBP = "substr(content, 1, 4) = '\\x52494646'::bytea AND substr(content, 9, 4) = '\\x57454250'::bytea"


class MediaFile(Identified, Created, Model):
    """A picture and the place it fills; width and height in pixels, `size` in bytes.

    Two triggers hold what a CHECK cannot: `cid` is the content's, a row never changes, and a cover stays once a
    contract on the chain leads to it.
    """

    __tablename__ = "media_files"
    __table_args__ = (
        sa.Index("uq_media_files_own", "owner_id", "place", unique=True, postgresql_where=OWN),
        sa.UniqueConstraint("master_id"),
        sa.UniqueConstraint("vstudio_session_id"),
        sa.CheckConstraint("(place = 'cover') = (master_id IS NOT NULL)", name="cover"),
        sa.CheckConstraint("(place = 'room') = (vstudio_session_id IS NOT NULL)", name="room"),
        sa.CheckConstraint(f"size = octet_length(content) AND size BETWEEN 1 AND {MOST_BYTES}", name="size"),
        sa.CheckConstraint("width BETWEEN 1 AND 10000 AND height BETWEEN 1 AND 10000", name="pixels"),
        sa.CheckConstraint(f"media_type = 'image/webp' AND {WEBP}", name="media_type"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    place: Mapped[Place] = mapped_column(text_enum(Place, 20))
    master_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("masters.id"))
    vstudio_session_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("vstudio_sessions.id"))
    cid: Mapped[S100] = mapped_column(index=True)
    media_type: Mapped[S50]
    size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
