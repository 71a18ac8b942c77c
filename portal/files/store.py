"""Putting a picture into its place, inside the caller's transaction; what was there goes in the same one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.errors import FieldError, Invalid
from portal.files.models import MediaFile
from portal.files.places import MEDIA_TYPE, Picture, Place


class Leave(Enum):
    """Nothing was said about this place: it stays as it is."""

    AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Sent:
    """A new picture, or none any more; `quota` is how many bytes the person's pictures may have in all."""

    picture: Picture | None
    quota: int


class Named(NamedTuple):
    """How the row that shows a picture names it; both None for none."""

    url: str | None
    cid: str | None


Change = Sent | Leave
"""What a form says about a place."""
ADDRESS = "/ipfs/"
UNCHANGED = Leave.AS_IT_IS


@dataclass(frozen=True)
class Slot:
    """The place of one picture: of a person, or of a master or a room of theirs."""

    owner_id: uuid.UUID
    place: Place
    master_id: uuid.UUID | None = None
    vstudio_session_id: uuid.UUID | None = None

    def columns(self) -> dict[str, Any]:
        return {
            "owner_id": self.owner_id,
            "place": self.place,
            "master_id": self.master_id,
            "vstudio_session_id": self.vstudio_session_id,
        }


def fill(session: Session, slot: Slot, sent: Sent) -> Named:
    """Show what was sent in its place, or nothing. Raises Invalid when the person's pictures outgrow the quota."""
    picture = sent.picture
    _one_at_a_time(session, slot.owner_id)
    held = [getattr(MediaFile, name).is_not_distinct_from(value) for name, value in slot.columns().items()]
    session.execute(sa.delete(MediaFile).where(*held).execution_options(synchronize_session=False))
    if picture is None:
        return Named(None, None)
    _within_quota(session, slot, len(picture.content), sent.quota)
    row = MediaFile(
        **slot.columns(),
        cid=picture.cid,
        media_type=MEDIA_TYPE,
        size=len(picture.content),
        width=picture.width,
        height=picture.height,
        content=picture.content,
    )
    session.add(row)
    session.flush()
    return Named(address(row.cid), row.cid)


def address(cid: str) -> str:
    """Where the portal shows a file."""
    return f"{ADDRESS}{cid}"


def _one_at_a_time(session: Session, owner_id: uuid.UUID) -> None:
    """One upload of a person after the other, or two at once would both still fit, and both fill the same place."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"media_files:{owner_id}", 0))
    session.execute(sa.select(lock))


def _within_quota(session: Session, slot: Slot, more: int, most: int) -> None:
    kept = session.scalar(sa.select(sa.func.sum(MediaFile.size)).where(MediaFile.owner_id == slot.owner_id)) or 0
    if kept + more > most:
        raise Invalid(FieldError(slot.place.value, f"Your pictures fill the {most // 1_000_000} MB that are yours."))


def publish(session: Session, cid: str | None) -> None:
    """From now on a contract leads to this file: the IPFS node, where there is one, keeps it too."""
    if cid is not None:
        outbox.add(session, "add_to_ipfs", {"cid": cid}, dedupe=f"add_to_ipfs:{cid}")
