"""Reads of files."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.files.models import MediaFile


def content(session: Session, cid: str) -> bytes | None:
    """The bytes behind a CID; several people may have sent the same."""
    return session.scalar(sa.select(MediaFile.content).where(MediaFile.cid == cid).limit(1))


def of_person(session: Session, owner_id: uuid.UUID) -> list[tuple[str, str, bytes]]:
    """(place, CID, content) of everything that a person uploaded."""
    columns = (MediaFile.place, MediaFile.cid, MediaFile.content)
    rows = session.execute(sa.select(*columns).where(MediaFile.owner_id == owner_id).order_by(MediaFile.created_at))
    return [(row.place.value, row.cid, row.content) for row in rows]
