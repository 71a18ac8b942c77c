"""The live line: who may listen where, what a late joiner is told, and sockets that end with their session."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, g
from flask_socketio import SocketIOTestClient
from sqlalchemy.orm import Session

from portal import live
from portal.accounts import service
from portal.db import db
from portal.privacy import exporting
from portal.vstudio import decisions
from portal.web import sockets
from portal.web.access import anyone, signed_in, staff
from tests import factories
from tests.conftest import Client, browser
from tests.vstudio import studio

Line = Callable[..., SocketIOTestClient]


@pytest.fixture
def line(live_app: Flask) -> Iterator[Line]:
    """`line(client)` opens a socket with the cookies of that browser."""
    live.socketio.init_app(live_app, async_mode="threading")
    live.set_up(live_app.config["SETTINGS"].redis_url)
    opened: list[SocketIOTestClient] = []

    def connect(client: Client | None = None) -> SocketIOTestClient:
        fresh()
        opened.append(live.socketio.test_client(live_app, flask_test_client=client or browser(live_app)))
        return opened[-1]

    yield connect
    for socket in opened:
        if socket.is_connected():
            socket.disconnect()
    live.socketio.server = None
    live.set_up(live_app.config["SETTINGS"].redis_url)


def fresh() -> None:
    """The tests' application context is not to remember who spoke last."""
    db.session.remove()
    for name in list(g):
        g.pop(name)


def ask(socket: SocketIOTestClient, event: str, message: Any) -> dict[str, Any]:
    fresh()
    answer: dict[str, Any] = socket.emit(event, message, callback=True)
    return answer


def join(socket: SocketIOTestClient, room: Any) -> dict[str, Any]:
    return ask(socket, "join", {"room": room})


def heard(socket: SocketIOTestClient, kind: str, wait: float = 5.0) -> list[dict[str, Any]]:
    """Payloads of one kind, as soon as there are any."""
    end = time.monotonic() + wait
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < end:
        found = [packet["args"][0] for packet in socket.get_received() if packet["name"] == kind]
        time.sleep(0.02)
    return found


def test_a_late_joiner_is_right_at_once(line: Line, session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision)
    answer = join(line(), f"vstudio:{held.id}")
    assert answer["ok"]
    votes, state = answer["state"]
    assert votes == {"type": "vstudio.vote", "sessionId": str(held.id), "totalVotes": 1, "seq": 1}
    assert (state["decisionId"], state["decisionState"]) == (str(decision.id), "open")


def test_votes_are_told_as_totals_and_never_as_a_split(line: Line, session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    inside, outside = line(), line()
    assert join(inside, f"vstudio:{held.id}")["ok"]
    studio.vote(studio.person(session), decision, "b")
    frame = {"type": "vstudio.vote", "sessionId": str(held.id), "totalVotes": 1, "seq": 1}
    assert heard(inside, "vstudio.vote") == [frame]
    decisions.close_decision(held.owner_id, decision.id)
    decisions.reveal_decision(held.owner_id, decision.id)
    allowed = {"type", "sessionId", "status", "decisionId", "decisionState", "seq"}
    assert {name for frame in heard(inside, "vstudio.state") for name in frame} == allowed
    assert outside.get_received() == []


def test_whoever_left_hears_nothing(line: Line, session: Session) -> None:
    held = studio.room(session)
    decision, socket = studio.poll(held), line()
    join(socket, f"vstudio:{held.id}")
    assert ask(socket, "leave", {"room": f"vstudio:{held.id}"}) == {"ok": True, "state": []}
    studio.vote(studio.person(session), decision)
    assert heard(socket, "vstudio.vote", wait=0.6) == []


def test_drafts_are_heard_by_their_owner_alone(
    line: Line, live_app: Flask, session: Session, sign_in: Callable[..., str]
) -> None:
    held = studio.room(session, live=False)
    owner = browser(live_app)
    sign_in(owner, held.artist.user)
    assert join(line(), f"vstudio:{held.id}")["code"] == "not_found"
    assert join(line(owner), f"vstudio:{held.id}")["ok"]


def test_a_persons_room_is_theirs(line: Line, live_app: Flask, session: Session, sign_in: Callable[..., str]) -> None:
    user, other = factories.person(session), factories.person(session)
    mine, theirs = f"user:{user.id}", f"user:{other.id}"
    client = browser(live_app)
    sign_in(client, user)
    socket = line(client)
    assert join(socket, mine)["ok"]
    assert join(socket, theirs)["code"] == "not_found"
    assert join(line(), mine)["code"] == "sign_in_needed"


def test_a_master_and_its_artist_are_public_once_shown(line: Line, session: Session) -> None:
    artist = factories.artist(session)
    master, artist_id = factories.master(session, artist).id, artist.id
    socket = line()
    assert join(socket, f"artist:{artist_id}") == {"ok": True, "state": []}
    assert join(socket, f"master:{master}")["code"] == "not_found"


NO_ROOMS: list[Any] = [
    None,
    "vstudio:1",
    [],
    {},
    {"room": None},
    {"room": 5},
    {"room": "x" * 101},
    {"room": ""},
    {"room": "vstudio"},
    {"room": "vstudio:1"},
    {"room": f"vstudio:{uuid.uuid4()}"},
    {"room": f"vstudio:{uuid.uuid4().hex}"},
    {"room": f"VSTUDIO:{uuid.uuid4()}"},
    {"room": f"admin:{uuid.uuid4()}"},
    {"room": f"vstudio:{uuid.uuid4()}:mod"},
    {"room": f"user:{str(uuid.uuid4()).upper()}"},
]


def test_what_is_no_room_is_refused_and_not_an_error(line: Line) -> None:
    socket = line()
    for message in NO_ROOMS:
        answer = ask(socket, "join", message)
        assert set(answer) == {"ok", "code", "message"}, message
        assert answer["code"] in {"bad_request", "not_found", "sign_in_needed"}
        assert ask(socket, "leave", message) is not None
    assert socket.is_connected()


def test_a_socket_ends_with_its_session(
    line: Line, live_app: Flask, session: Session, sign_in: Callable[..., str]
) -> None:
    client, other = browser(live_app), browser(live_app)
    token = sign_in(client, factories.person(session))
    sign_in(other, factories.person(session))
    gone, stays, visitor = line(client), line(other), line()
    assert sockets.sweep() == 0
    service.sign_out(token)
    assert sockets.sweep() == 1
    assert (gone.is_connected(), stays.is_connected(), visitor.is_connected()) == (False, True, True)


def test_every_kind_of_room_says_who_may_listen() -> None:
    assert {"vstudio", "user", "master", "artist", "job"} <= set(sockets.RULES)
    assert {kind: rule.access for kind, rule in sockets.RULES.items() if rule.access is not anyone} == {
        "user": signed_in,
        "job": signed_in,
        "admin": staff,
    }


def test_a_copy_of_data_is_watched_by_its_owner_alone(
    line: Line, live_app: Flask, session: Session, sign_in: Callable[..., str]
) -> None:
    mina, other = browser(live_app), browser(live_app)
    user = factories.person(session)
    sign_in(mina, user)
    sign_in(other, factories.person(session))
    export = exporting.ask(user.id, "")
    assert join(line(other), f"job:{export}")["code"] == join(line(mina), f"job:{uuid.uuid4()}")["code"] == "not_found"
    socket = line(mina)
    (said,) = join(socket, f"job:{export}")["state"]
    assert (said["done"], said["state"]) == (0, "running")
    exporting.gather(export)
    assert heard(socket, "job.progress")[-1]["total"] == said["total"]


def test_a_socket_listens_in_so_many_rooms(line: Line, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [f"vstudio:{studio.room(session).id}" for _ in range(3)]
    monkeypatch.setattr(sockets, "MOST_ROOMS", 2)
    socket = line()
    assert [join(socket, room)["ok"] for room in rooms] == [True, True, False]
