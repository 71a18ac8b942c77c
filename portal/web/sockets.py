"""The live line: one `join {room}` event for every kind of room, answered with the state of right now.

A feature names its rooms in its `live` module: `room(kind, access, may_join, state)`. Like every route each kind has
a declared `Access`; kinds nobody named are refused. Payloads never come from clients: a socket only listens.

A socket lives as long as the session that opened it, and what its person may do: `watch` looks twice a second, in one
query a process, and hangs up on those that signed out, expired, were suspended or lost a role or a permission.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, request
from flask_login import current_user
from flask_socketio import join_room, leave_room, rooms
from sqlalchemy.exc import SQLAlchemyError

from portal.db import db
from portal.errors import BadRequest, DomainError, Forbidden, NotFound, TooMany, Unavailable
from portal.live import socketio
from portal.web.access import Access

log = logging.getLogger(__name__)

MOST_ROOMS = 50
EVERY_SECONDS = 0.5

Ack = dict[str, Any]
News = list[dict[str, Any]]
Powers = frozenset[str]


@dataclass(frozen=True)
class RoomRule:
    """Who may listen in rooms of this kind, and what a late joiner has to know.

    `access` decides about the kind of person, `may_join(id)` about this room for `current_user`; `state(id)` gives
    the payloads of the last events, with type and seq, as if they had just happened.
    """

    kind: str
    access: Access
    may_join: Callable[[uuid.UUID], bool]
    state: Callable[[uuid.UUID], News]
    single: bool = False


ONLY = uuid.UUID(int=0)
"""What `may_join` and `state` are given for a kind that has a single room."""
RULES: dict[str, RoomRule] = {}


def room(
    kind: str,
    access: Access,
    may_join: Callable[[uuid.UUID], bool],
    state: Callable[[uuid.UUID], News] = lambda _: [],
    *,
    single: bool = False,
) -> None:
    """Name a kind of room, such as "vstudio" for rooms "vstudio:<uuid>"; a `single` one is called like its kind."""
    RULES[kind] = RoomRule(kind, access, may_join, state, single)


# --- events -----------------------------------------------------------------------------------------------


@socketio.on("join")  # type: ignore[untyped-decorator]
def join(message: Any = None) -> Ack:
    """Acknowledges `{ok: true, state}` or `{ok: false, code, message}`; the socket hears the room before it is told."""
    return _answered(lambda: _join(message))


@socketio.on("leave")  # type: ignore[untyped-decorator]
def leave(message: Any = None) -> Ack:
    return _answered(lambda: _leave(message))


@socketio.on("connect")  # type: ignore[untyped-decorator]
def connect(_auth: Any = None) -> None:
    """Anybody may connect; rooms decide. A person's socket is remembered with the session and powers that opened it."""
    if current_user.is_authenticated:
        _people.add(_sid(), current_user.session_id, current_user.roles | current_user.permissions)


@socketio.on("disconnect")  # type: ignore[untyped-decorator]
def disconnect(_reason: Any = None) -> None:
    _people.forget(_sid())


def _join(message: Any) -> Ack:
    name, rule, entity = _named(message)
    rule.access.check()
    if not rule.may_join(entity):
        raise NotFound("There is no such room.")
    if len(rooms()) > MOST_ROOMS:
        raise TooMany(f"A connection listens in at most {MOST_ROOMS} rooms.")
    join_room(name)
    return {"ok": True, "state": rule.state(entity)}


def _leave(message: Any) -> Ack:
    name, _rule, _entity = _named(message)
    leave_room(name)
    return {"ok": True, "state": []}


def _named(message: Any) -> tuple[str, RoomRule, uuid.UUID]:
    """`{"room": "vstudio:<uuid>"}` -> its canonical name, rule and id. Raises BadRequest or NotFound."""
    name = message.get("room") if isinstance(message, dict) else None
    if not isinstance(name, str) or len(name) > 100:
        raise BadRequest('Send {"room": "<kind>:<id>"}.')
    kind, _, text = name.partition(":")
    rule = RULES.get(kind)
    if rule is not None and rule.single and name == kind:
        return name, rule, ONLY
    try:
        entity = uuid.UUID(text)
    except ValueError:
        rule = None
    if rule is None or rule.single or name != f"{kind}:{entity}":
        raise NotFound("There is no such room.")
    return name, rule, entity


def _answered(act: Callable[[], Ack]) -> Ack:
    """A refusal is an answer, never an exception on the line."""
    try:
        return act()
    except DomainError as error:
        return _refused(error)
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", type(error).__name__)
        return _refused(Unavailable())
    finally:
        db.session.remove()


def _refused(error: DomainError) -> Ack:
    message = error.title if isinstance(error, Forbidden) else error.detail
    return {"ok": False, "code": error.code, "message": message}


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]


# --- sockets end with their session -----------------------------------------------------------------------


class _People:
    """This process's signed-in sockets: socket id -> (session id, what the person might do then)."""

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[uuid.UUID, Powers]] = {}
        self._lock = threading.Lock()

    def add(self, sid: str, session_id: uuid.UUID, powers: Powers) -> None:
        with self._lock:
            self._sessions[sid] = session_id, powers

    def forget(self, sid: str) -> None:
        with self._lock:
            self._sessions.pop(sid, None)

    def all(self) -> dict[str, tuple[uuid.UUID, Powers]]:
        with self._lock:
            return dict(self._sessions)


_people = _People()


class _Check:
    """Says which of some sessions are still good; `accounts.live` sets it, because this module knows no feature."""

    alive: Callable[[set[uuid.UUID]], dict[uuid.UUID, Powers]]


def sessions_checked_by(alive: Callable[[set[uuid.UUID]], dict[uuid.UUID, Powers]]) -> None:
    """`alive(session ids)` returns those that are neither revoked nor expired nor of a suspended account, each with
    the roles and permissions that its person holds now."""
    _Check.alive = staticmethod(alive)


def sweep() -> int:
    """Hang up on sockets whose session is over or may less than when it came; returns how many (in an app context)."""
    people = _people.all()
    if not people:
        return 0
    alive = _Check.alive({session_id for session_id, _ in people.values()})
    over = [sid for sid, (session_id, powers) in people.items() if not _holds(alive.get(session_id), powers)]
    for sid in over:
        _people.forget(sid)
        socketio.server.disconnect(sid)
    return len(over)


def _holds(now: Powers | None, powers: Powers) -> bool:
    return now is not None and powers <= now


def watch(app: Flask) -> None:
    """Sweep twice a second for as long as this web process lives."""
    socketio.start_background_task(_watch, app)


def _hear_the_bus() -> None:
    """Listen from the start: python-socketio does it in the middle of the first connection, which is then lost."""
    server = socketio.server
    if not server.manager_initialized:
        server.manager_initialized = True
        server.manager.initialize()


def _watch(app: Flask) -> None:
    _hear_the_bus()
    while True:
        socketio.sleep(EVERY_SECONDS)
        try:
            with app.app_context():
                sweep()
        except SQLAlchemyError as error:
            log.warning("sessions of sockets were not checked: %s", type(error).__name__)
