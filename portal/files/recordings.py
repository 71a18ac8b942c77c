"""Keeping recordings and what was sent to become one, inside the caller's transaction."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from typing import IO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import FieldError, Invalid
from portal.files.cids import cid_of_blocks, cut
from portal.files.models import Recording, RecordingBlock, Upload, UploadPart
from portal.files.places import RECORDING_TYPE

FIELD = "recording"
PART_BYTES = 1_000_000


@dataclass(frozen=True)
class Sent:
    """A sound file from a form: its name there, and what it holds."""

    name: str
    content: IO[bytes]
    size: int


def keep_upload(session: Session, owner_id: uuid.UUID, master_id: uuid.UUID, sent: Sent, quota: int) -> Upload:
    """Keep what was sent until it is prepared; an earlier one for this master goes.

    Raises Invalid when the person's recordings outgrow `quota` bytes.
    """
    if _held(session, owner_id) > quota:
        raise Invalid(FieldError(FIELD, f"Your recordings fill the {quota // 1_000_000} MB that are yours."))
    forget_upload(session, master_id)
    upload = Upload(owner_id=owner_id, master_id=master_id, file_name=sent.name[:255], size=sent.size)
    session.add(upload)
    session.flush()
    sent.content.seek(0)
    for position, part in enumerate(iter(lambda: sent.content.read(PART_BYTES), b"")):
        session.execute(sa.insert(UploadPart).values(upload_id=upload.id, position=position, content=part))
    return upload


def forget_upload(session: Session, master_id: uuid.UUID) -> bool:
    """What waits for this master is not wanted any more; False where nothing did."""
    return _hit(session, sa.delete(Upload).where(Upload.master_id == master_id))


def opened(session: Session, upload_id: uuid.UUID) -> IO[bytes] | None:
    """What was sent, to read; None where it is gone, replaced or refused."""
    parts = session.scalars(
        sa.select(UploadPart.content).where(UploadPart.upload_id == upload_id).order_by(UploadPart.position)
    ).all()
    return io.BytesIO(b"".join(parts)) if parts else None


def note_percent(session: Session, upload_id: uuid.UUID, percent: int) -> None:
    """How much of it is prepared."""
    session.execute(sa.update(Upload).where(Upload.id == upload_id).values(percent=percent))


def refuse(session: Session, upload_id: uuid.UUID, reason: str) -> None:
    """It cannot become a recording: the reason stays, what was sent goes."""
    session.execute(sa.update(Upload).where(Upload.id == upload_id).values(failure=reason))
    session.execute(sa.delete(UploadPart).where(UploadPart.upload_id == upload_id))


def fill(
    session: Session, owner_id: uuid.UUID, master_id: uuid.UUID, content: bytes, milliseconds: int, peaks: list[int]
) -> str:
    """The master's recording from now on, in place of an earlier one; returns its CID."""
    empty(session, master_id)
    blocks = cut(content)
    row = Recording(
        owner_id=owner_id,
        master_id=master_id,
        cid=cid_of_blocks(blocks),
        media_type=RECORDING_TYPE,
        size=len(content),
        milliseconds=milliseconds,
        peaks=peaks,
    )
    session.add(row)
    session.flush()
    for position, block in enumerate(blocks):
        session.execute(sa.insert(RecordingBlock).values(recording_id=row.id, position=position, content=block))
    return row.cid


def empty(session: Session, master_id: uuid.UUID) -> bool:
    """Take the recording away; False where there is none. The database refuses once a contract leads to it."""
    return _hit(session, sa.delete(Recording).where(Recording.master_id == master_id))


def _held(session: Session, owner_id: uuid.UUID) -> int:
    return session.scalar(sa.select(sa.func.sum(Recording.size)).where(Recording.owner_id == owner_id)) or 0


def _hit(session: Session, statement: sa.Delete) -> bool:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return bool(getattr(done, "rowcount", 0))
