"""Promise 38: every event and every kind of room on the live line, for every kind of person, as declared by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g
from flask_socketio import SocketIOTestClient

from portal import live
from portal.artists.models import Artist
from portal.db import db
from portal.web import sockets
from tests.access import canaries
from tests.access.people import KINDS, World
from tests.access.table import EVENTS, IN, NO, NONE, ROOMS, WHO, YES

SAID = {"sign_in_needed": IN, "not_found": NONE, "forbidden": NO}


@pytest.fixture
def line(app: Flask) -> Iterator[None]:
    live.socketio.init_app(app, async_mode="threading")
    live.set_up(app.config["SETTINGS"].redis_url)
    yield
    for sid in sockets._people.all():
        sockets._people.forget(sid)
    live.socketio.server = None
    live.set_up(app.config["SETTINGS"].redis_url)


def connected(world: World, kind: str) -> SocketIOTestClient:
    fresh()
    client = world.browsers[kind]
    client.set_cookie("audifi", world.cookies[kind])
    return live.socketio.test_client(world.app, flask_test_client=client)


def fresh() -> None:
    """The tests' application context is not to remember who spoke last."""
    db.session.remove()
    for name in list(g):
        g.pop(name)


def ask(socket: SocketIOTestClient, event: str, room: str) -> dict[str, Any]:
    fresh()
    answer: dict[str, Any] = socket.emit(event, {"room": room}, callback=True)
    return answer


def outcome(answer: dict[str, Any]) -> str:
    return YES if answer["ok"] else SAID[answer["code"]]


def test_everybody_hears_what_is_declared(world: World, line: None) -> None:
    """Promise 38: an undeclared event or kind of room fails the build; who may not listen is not told the state."""
    declared = [tuple(text.split()) for text in ROOMS.strip().splitlines()]
    assert {room.partition(":")[0] for room, _ in declared} == set(sockets.RULES)
    artist = db.session().query(Artist).filter_by(user_id=world.people["owner"]).one().id
    ids = world.ids | {"artist": str(artist), "owner": str(world.people["owner"])}
    for kind in KINDS:
        socket = connected(world, kind)
        for room, who in declared:
            name, _, thing = room.partition(":")
            called = f"{name}:{ids[thing]}" if thing else name
            answer = ask(socket, "join", called)
            assert outcome(answer) == WHO[who][kind], (room, kind, answer)
            assert not canaries.found(str(answer), kind, world.tokens)
            assert answer["ok"] or set(answer) == {"ok", "code", "message"}
            assert ask(socket, "leave", called) == {"ok": True, "state": []}
        socket.disconnect()


def test_a_socket_has_no_other_words(world: World, line: None) -> None:
    """Promise 38: whatever else a client emits, nobody hears and nothing answers."""
    handlers = live.socketio.server.handlers["/"]
    assert set(handlers) == EVENTS
    listener, speaker = connected(world, "fan"), connected(world, "other")
    room = f"vstudio:{world.ids['room']}"
    for socket in (listener, speaker):
        assert ask(socket, "join", room)["ok"]
    for event in ("vstudio.vote", "ipo.mint", "message", "json", "notice"):
        fresh()
        speaker.emit(event, {"type": event, "room": room, "totalVotes": 999})
    assert listener.get_received() == []
