"""Commands on rooms: make one with its decisions, and move it through its states."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db
from portal.artists.models import Artist
from portal.db import transaction
from portal.errors import Conflict, FieldError, Forbidden, Invalid
from portal.files import store
from portal.files.places import Place
from portal.files.store import UNCHANGED, Change, Slot
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters.service import own_master
from portal.subscriptions import queries as plans
from portal.vstudio import queries
from portal.vstudio.decisions import CHANGING, DecisionDetails, add, announce, close_all, note, own_room
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioSession

CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6
FROM: dict[Status, tuple[Status, ...]] = {
    Status.SCHEDULED: (Status.DRAFT,),
    Status.LIVE: (Status.DRAFT, Status.SCHEDULED),
    Status.LOCKED: (Status.LIVE,),
    Status.COMPLETED: (Status.LIVE, Status.LOCKED),
    Status.CANCELLED: (Status.DRAFT, Status.SCHEDULED, Status.LIVE, Status.LOCKED),
}
"""Which states lead to which (data model, state machines); an offer's launch is the way to ipo_launched."""

db.explain(
    "uq_vstudio_sessions_live_artist",
    lambda: Conflict("You have a live room already. Finish it before you start another one."),
)
db.explain("uq_vstudio_sessions_live_join_code", lambda: Conflict("Please try that again."))
db.explain(
    "ck_vstudio_sessions_scheduled_window",
    lambda: Invalid(FieldError("scheduledEndAt", "The room must end after it starts.")),
)


@dataclass(frozen=True)
class RoomDetails:
    """What the artist says about a room. `is_public` lists it in the lobby; who has the link always gets in."""

    title: str
    description: str | None = None
    session_type: str | None = None
    is_public: bool = True
    allow_anonymous: bool = False
    max_participants: int | None = None
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None


# --- making -----------------------------------------------------------------------------------------------


def create_room(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    details: RoomDetails,
    decisions: Sequence[DecisionDetails] = (),
    keyed: KeyedRequest | None = None,
    cover: Change = UNCHANGED,
) -> VstudioSession:
    """A room about one's own master, as a draft, with its decisions: all of it or nothing.

    Raises NotFound for a master that is not one's own, Forbidden past the plan's limits.
    """
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id)
        _room_within_plan(session, master.artist)
        room = VstudioSession(
            id=uuid.uuid4(),
            master_id=master.id,
            artist_id=master.artist_id,
            title=details.title,
            description=details.description,
            session_type=details.session_type,
            is_public=details.is_public,
            allow_anonymous=details.allow_anonymous,
            max_participants=details.max_participants,
            scheduled_start_at=details.starts_at,
            scheduled_end_at=details.ends_at,
        )
        session.add(room)
        session.flush()
        _hang(session, user_id, room, cover)
        note(session, "create_vstudio_session", room, after={"title": room.title, "cover": room.cover_image_url})
        for wanted in decisions:
            add(session, master.artist, room, wanted)
        session.refresh(room)
        keep(session, room)
        return room


def set_cover(
    user_id: uuid.UUID, room_id: uuid.UUID, cover: Change, keyed: KeyedRequest | None = None
) -> VstudioSession:
    """Another picture for a room, or its master's cover again. Raises Conflict once the room is over."""
    with transaction() as session:
        claim(session, keyed)
        room = own_room(session, user_id, room_id)
        if room.status not in CHANGING:
            raise Conflict("This room is over; its picture stays as it is.")
        before = {"cover": room.cover_image_url}
        _hang(session, user_id, room, cover)
        note(session, "set_room_cover", room, before=before, after={"cover": room.cover_image_url})
        keep(session, room)
        return room


def _hang(session: Session, owner_id: uuid.UUID, room: VstudioSession, cover: Change) -> None:
    if cover is not UNCHANGED:
        slot = Slot(owner_id, Place.ROOM, vstudio_session_id=room.id)
        room.cover_image_url = store.fill(session, slot, cover).url


def _room_within_plan(session: Session, artist: Artist) -> None:
    """Limits hold at creation; what exists stays after a downgrade. The artist's row is the lock."""
    session.execute(sa.select(Artist.id).where(Artist.id == artist.id).with_for_update(key_share=True))
    plan = plans.plan_of(session, artist.user_id)
    limit = plan.vstudio_sessions_included
    if limit is not None and queries.counted(session, artist.id) >= limit:
        raise Forbidden(f"The {plan.name} plan holds {limit} room(s). A larger plan holds more.")


# --- rooms ------------------------------------------------------------------------------------------------


def schedule(
    user_id: uuid.UUID,
    room_id: uuid.UUID,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None = None,
    keyed: KeyedRequest | None = None,
) -> VstudioSession:
    """draft -> scheduled: the lobby announces it. Raises Invalid for a time that is over."""
    if starts_at <= db.utcnow():
        raise Invalid(FieldError("scheduledStartAt", "Choose a time that is still to come."))
    times = {"scheduled_start_at": starts_at, "scheduled_end_at": ends_at}
    return _move(user_id, room_id, Status.SCHEDULED, keyed, **times)


def start(user_id: uuid.UUID, room_id: uuid.UUID, keyed: KeyedRequest | None = None) -> VstudioSession:
    """draft or scheduled -> live, with a join code. Raises Conflict while another room of the artist is live."""
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return _move(user_id, room_id, Status.LIVE, keyed, join_code=code, actual_start_at=sa.func.now())


def lock(user_id: uuid.UUID, room_id: uuid.UUID, keyed: KeyedRequest | None = None) -> VstudioSession:
    """live -> locked: what was decided is the master's. Raises Conflict until every decision is finalised."""
    return _move(user_id, room_id, Status.LOCKED, keyed, actual_end_at=sa.func.now())


def complete(user_id: uuid.UUID, room_id: uuid.UUID, keyed: KeyedRequest | None = None) -> VstudioSession:
    """live or locked -> completed; what is still open closes with it."""
    return _move(user_id, room_id, Status.COMPLETED, keyed, actual_end_at=sa.func.now())


def cancel(user_id: uuid.UUID, room_id: uuid.UUID, keyed: KeyedRequest | None = None) -> VstudioSession:
    """Call the room off, from any state before its end."""
    return _move(user_id, room_id, Status.CANCELLED, keyed)


def _move(
    user_id: uuid.UUID, room_id: uuid.UUID, to: Status, keyed: KeyedRequest | None, **values: Any
) -> VstudioSession:
    with transaction() as session:
        claim(session, keyed)
        room = own_room(session, user_id, room_id)
        before = room.status
        if before not in FROM[to]:
            raise Conflict(f"A room that is {before.value} cannot become {to.value}.")
        if to is Status.LOCKED and any(d.results_computed_at is None for d in room.decision_points):
            raise Conflict("Finalise every decision first; then the room can be locked.")
        if before is Status.LIVE:
            close_all(session, room)
        room.status = to
        for name, value in values.items():
            if name != "actual_end_at" or room.actual_end_at is None:
                setattr(room, name, value)
        announce(session, room)
        note(
            session,
            f"{VERBS[to]}_vstudio_session",
            room,
            before={"status": before.value},
            after={"status": to.value},
        )
        keep(session, room)
        return room


VERBS = {
    Status.SCHEDULED: "schedule",
    Status.LIVE: "start",
    Status.LOCKED: "lock",
    Status.COMPLETED: "complete",
    Status.CANCELLED: "cancel",
}
