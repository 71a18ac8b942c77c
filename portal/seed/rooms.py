"""V Studio: a live room with every kind of decision and real votes, one that is announced, and one that is over."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa

from portal.db import transaction, utcnow
from portal.seed.data import CLOSING, NEXT_VERSION, UNDECIDED
from portal.seed.field import Field, Person, acting, fans, owner_of, there
from portal.seed.questions import COMING, LIVE, PAST, Ask
from portal.vstudio import decisions, queries, rooms
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession, VstudioVote
from portal.vstudio.queries import Voter
from portal.vstudio.rooms import RoomDetails
from portal.vstudio.rules import DecisionState as State
from portal.vstudio.service import cast_vote

SOON = dt.timedelta(days=3)
LASTS = dt.timedelta(hours=2)


def live_room(field: Field) -> None:
    """Open decisions beside one that is closed and revealed."""
    about = "The record's last decisions, made together."
    owner, room = _made(UNDECIDED, RoomDetails("Half the Harbour: the ending", about, allow_anonymous=True), LIVE)
    _start(owner, room)
    _ask(field, owner, room, LIVE)


def coming_room(field: Field) -> None:
    owner, room = _made(NEXT_VERSION, RoomDetails("Spring Tide, mixed in public", "Bring headphones."), COMING)
    if _status(room) is Status.DRAFT:
        with acting(owner):
            rooms.schedule(owner.id, room, utcnow() + SOON, utcnow() + SOON + LASTS)


def past_room(field: Field) -> None:
    """Decided, locked and completed."""
    owner, room = _made(CLOSING, RoomDetails("Late Tram: which take?", "Three takes, one evening."), PAST)
    _start(owner, room)
    _ask(field, owner, room, PAST)
    for status, step in ((Status.LIVE, rooms.lock), (Status.LOCKED, rooms.complete)):
        if _status(room) is status:
            with acting(owner):
                step(owner.id, room)


# --- rooms ------------------------------------------------------------------------------------------------


def _made(title: str, details: RoomDetails, asks: tuple[Ask, ...]) -> tuple[Person, uuid.UUID]:
    """The owner and the room about this master, which is made with all its decisions at once."""
    master, owner = there(title), owner_of(title)
    mine = VstudioSession.master_id == master.id, VstudioSession.title == details.title
    with transaction() as session:
        found = session.scalar(sa.select(VstudioSession.id).where(*mine).limit(1))
    if found is None:
        with acting(owner):
            found = rooms.create_room(owner.id, master.id, details, [ask.details for ask in asks]).id
    return owner, found


def _status(room: uuid.UUID) -> Status:
    with transaction() as session:
        return session.scalars(sa.select(VstudioSession.status).where(VstudioSession.id == room)).one()


def _start(owner: Person, room: uuid.UUID) -> None:
    if _status(room) in (Status.DRAFT, Status.SCHEDULED):
        with acting(owner):
            rooms.start(owner.id, room)


# --- decisions --------------------------------------------------------------------------------------------


def _ask(field: Field, owner: Person, room: uuid.UUID, asks: tuple[Ask, ...]) -> None:
    """Open each decision, let the fans vote, and take it as far as it is to come; what went further stays."""
    for ask in asks:
        decision = _decision(room, ask)
        if _state(decision) is State.PENDING and _status(room) is Status.LIVE:
            with acting(owner):
                decisions.open_decision(owner.id, decision, ask.minutes)
        _vote(field, decision, ask)
        _conclude(owner, decision, ask)


def _vote(field: Field, decision: uuid.UUID, ask: Ask) -> None:
    if _state(decision) is not State.OPEN:
        return
    with transaction() as session:
        voted = set(session.scalars(sa.select(VstudioVote.user_id).where(VstudioVote.decision_point_id == decision)))
    for number, user_id in fans(field).items():
        if number in ask.voters and user_id not in voted:
            cast_vote(Voter(user_id=user_id), decision, ask.choice(number))


def _conclude(owner: Person, decision: uuid.UUID, ask: Ask) -> None:
    with acting(owner):
        if ask.until is State.OPEN:
            return
        if _state(decision) is State.OPEN:
            decisions.close_decision(owner.id, decision)
        if not _revealed(decision):
            decisions.reveal_decision(owner.id, decision)
        if ask.until is State.FINALIZED and _state(decision) is State.CLOSED:
            decisions.finalize_decision(owner.id, decision)


def _decision(room: uuid.UUID, ask: Ask) -> uuid.UUID:
    point = VstudioDecisionPoint
    wanted = sa.select(point.id).where(point.vstudio_session_id == room, point.label == ask.details.label)
    with transaction() as session:
        return session.scalars(wanted).one()


def _state(decision: uuid.UUID) -> State:
    with transaction() as session:
        found = queries.ballot(session, decision)
        assert found is not None
        return found.state


def _revealed(decision: uuid.UUID) -> bool:
    with transaction() as session:
        return session.get_one(VstudioDecisionPoint, decision).revealed_at is not None
