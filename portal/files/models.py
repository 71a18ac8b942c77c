"""Uploaded files, in the database: one transaction holds the file, what shows it and the record of who did it.

Files are small (a picture is one block of 256 KiB, a recording some minutes of MP3, both written by us), so they cost
a backup little, every process sees them without a shared folder, and neither a full disk nor a death between two lines
leaves half of one. A row is a file in its place: a place holds one, so nothing is ever kept that nobody shows. What was
sent as a recording waits in `media_uploads` until a worker has made it into one.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import S50, S100, S255, Created, Identified, Model, text_enum
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


class Upload(Identified, Created, Model):
    """A sound file as it was sent for a master, until it has become its recording or was refused (`failure`).

    `size` in bytes, `percent` is how much of it is prepared. A master has one at a time: a later one replaces it.
    """

    __tablename__ = "media_uploads"
    __table_args__ = (
        sa.UniqueConstraint("master_id"),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"))
    file_name: Mapped[S255]
    size: Mapped[int]
    percent: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default=sa.text("0"))
    failure: Mapped[str | None]


class UploadPart(Model):
    """A megabyte of an upload."""

    __tablename__ = "media_upload_parts"

    upload_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("media_uploads.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class Recording(Identified, Created, Model):
    """What a master's page plays: MP3 in blocks. `peaks` are the waveform's heights from 0 to 100.

    A trigger holds that a row never changes, and that it stays once a contract on the chain leads to its master.
    """

    __tablename__ = "media_recordings"
    __table_args__ = (
        sa.UniqueConstraint("master_id"),
        sa.CheckConstraint("media_type = 'audio/mpeg' AND size > 0 AND milliseconds > 0", name="measures"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"))
    cid: Mapped[S100] = mapped_column(index=True)
    media_type: Mapped[S50]
    size: Mapped[int]
    milliseconds: Mapped[int]
    peaks: Mapped[list[int]] = mapped_column(ARRAY(sa.SmallInteger))


class RecordingBlock(Model):
    """A block of a recording: all but the last are full, which their CID depends on."""

    __tablename__ = "media_recording_blocks"
    __table_args__ = (sa.CheckConstraint(f"octet_length(content) BETWEEN 1 AND {MOST_BYTES}", name="size"),)

    recording_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("media_recordings.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
