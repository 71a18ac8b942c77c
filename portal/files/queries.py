"""Reads of files."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.files.cids import MOST_BYTES
from portal.files.models import MediaFile, Recording, RecordingBlock, Upload


@dataclass(frozen=True)
class Kept:
    """A file behind a CID; `size` in bytes, `recording_id` where it is one."""

    media_type: str
    size: int
    recording_id: uuid.UUID | None = None


def find(session: Session, cid: str) -> Kept | None:
    """What a CID names; several people may have sent the same."""
    picture = sa.select(MediaFile.media_type, MediaFile.size, sa.null().label("id")).where(MediaFile.cid == cid)
    recording = sa.select(Recording.media_type, Recording.size, Recording.id).where(Recording.cid == cid)
    row: Any = session.execute(sa.union_all(picture, recording).limit(1)).one_or_none()
    return None if row is None else Kept(row.media_type, row.size, row.id)


def content(session: Session, cid: str) -> bytes | None:
    """All bytes behind a CID."""
    picture = session.scalar(sa.select(MediaFile.content).where(MediaFile.cid == cid).limit(1))
    if picture is not None:
        return picture
    recording = session.scalar(sa.select(Recording.id).where(Recording.cid == cid).limit(1))
    return None if recording is None else part(session, recording)


def part(session: Session, recording_id: uuid.UUID, start: int = 0, stop: int | None = None) -> bytes:
    """Bytes `start` to `stop` (not included) of a recording; only the blocks that hold them are read."""
    block = RecordingBlock
    wanted = sa.select(block.content).where(block.recording_id == recording_id, block.position >= start // MOST_BYTES)
    if stop is not None:
        wanted = wanted.where(block.position * MOST_BYTES < stop)
    found = b"".join(session.scalars(wanted.order_by(block.position)))
    first = start - start % MOST_BYTES
    return found[start - first : None if stop is None else stop - first]


def recording(session: Session, master_id: uuid.UUID) -> Recording | None:
    """What a master's page plays."""
    return session.scalars(sa.select(Recording).where(Recording.master_id == master_id)).one_or_none()


def upload(session: Session, master_id: uuid.UUID) -> Upload | None:
    """What was sent for a master and is not its recording yet, or cannot become one."""
    return session.scalars(sa.select(Upload).where(Upload.master_id == master_id)).one_or_none()


def of_person(session: Session, owner_id: uuid.UUID) -> list[tuple[str, str, bytes]]:
    """(place, CID, content) of every picture that a person uploaded."""
    columns = (MediaFile.place, MediaFile.cid, MediaFile.content)
    rows = session.execute(sa.select(*columns).where(MediaFile.owner_id == owner_id).order_by(MediaFile.created_at))
    return [(row.place.value, row.cid, row.content) for row in rows]


def recordings_of(session: Session, owner_id: uuid.UUID) -> list[tuple[str, uuid.UUID]]:
    """(CID, id) of every recording that a person sent."""
    columns = sa.select(Recording.cid, Recording.id).where(Recording.owner_id == owner_id)
    return [(row.cid, row.id) for row in session.execute(columns.order_by(Recording.created_at))]
