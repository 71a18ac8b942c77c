"""News for open pages: best effort, after the commit, absolute values, at most four a second per entity.

A command says `live.publish(session, …)`; after its commit the payload goes into a bounded table of latest values
and a background thread hands it to the bus. A lost message heals with the next one, because every payload carries
the whole new value and a `seq` that only rises; and after the bus was away, pages join anew (`Bus`). Nothing here can
fail or delay an answer.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.orm import Session

from portal import db


@contextmanager
def _without(*packages: str) -> Iterator[None]:
    """Let what is imported inside find none of these packages.

    python-socketio takes every client library it finds: a quarter of a second in each process for two that are
    never used here.
    """
    absent = {name: None for name in packages if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]  # None is the import system's word for "not there"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _without("aiohttp", "valkey"):
    from flask_socketio import SocketIO
    from socketio import PubSubManager

log = logging.getLogger(__name__)

socketio = SocketIO()
"""The web process's server; other processes hand their events to the bus alone."""

INTERVAL_SECONDS = 0.25
AGAIN_SECONDS = 0.5
MOST_WAITING = 10_000
CHANNEL = "audifi-live"
JOIN_ANEW = b"join anew"

Key = tuple[str, str, str]


class Bus(PubSubManager):  # type: ignore[misc]
    """Socket.IO's line between processes, on a bus that may go away at any time.

    What was said meanwhile nobody heard. So each time a web process gets to listen, it hangs up on its sockets: their
    pages come back, join their rooms and are told how things are.
    """

    name = "bus"

    def __init__(self, url: str, write_only: bool = False) -> None:
        super().__init__(channel=CHANNEL, write_only=write_only)
        self.bus = Redis.from_url(url, retry=Retry(ConstantBackoff(0.1), 1), socket_connect_timeout=2)

    def _publish(self, data: Any) -> None:
        self.bus.publish(self.channel, self.json.dumps(data))

    def _listen(self) -> Iterator[bytes]:
        while True:
            try:
                with self.bus.pubsub() as line:  # type: ignore[no-untyped-call]
                    line.subscribe(self.channel)
                    for message in line.listen():
                        if message["type"] == "subscribe" or message["data"] == JOIN_ANEW:
                            self._hang_up()
                        elif message["type"] == "message":
                            yield message["data"]
            except (RedisError, OSError) as error:
                log.warning("live events wait for the bus: %s", error)
                time.sleep(AGAIN_SECONDS)

    def _hang_up(self) -> None:
        """Close the lines themselves: a page that is told goodbye in words stays away."""
        for socket in list(self.server.eio.sockets.values()):
            socket.close(wait=False, abort=True)


class Publisher:
    """Sends the latest payload per (room, event, entity), at most once in INTERVAL_SECONDS."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._waiting: OrderedDict[Key, dict[str, Any]] = OrderedDict()
        self._sent: dict[Key, float] = {}
        self._sending = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, room: str, entity: str, payload: dict[str, Any]) -> None:
        """Queue a payload; a newer one for the same entity replaces it. Past MOST_WAITING the oldest is dropped."""
        key = (room, str(payload["type"]), entity)
        with self._lock:
            self._waiting[key] = payload
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
        self._wake.set()

    def flush(self, timeout: float = 2.0) -> None:
        """Wait until everything queued was handed to the bus; for a process that is about to end."""
        end = time.monotonic() + timeout
        while self._busy() and time.monotonic() < end:
            time.sleep(0.005)

    def _busy(self) -> bool:
        with self._lock:
            return bool(self._waiting) or self._sending

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                for room, payload in self._due():
                    self._emit(room, payload)
                self._sending = False
                time.sleep(0.01)

    def _due(self) -> list[tuple[str, dict[str, Any]]]:
        now = time.monotonic()
        with self._lock:
            ready = [k for k in self._waiting if now - self._sent.get(k, 0.0) >= INTERVAL_SECONDS]
            due = [(key[0], self._waiting.pop(key)) for key in ready]
            self._sending = bool(due)
            self._sent = {k: t for k, t in self._sent.items() if now - t < INTERVAL_SECONDS} | dict.fromkeys(ready, now)
        return due

    def _emit(self, room: str, payload: dict[str, Any]) -> None:
        try:
            self._server.emit(payload["type"], payload, to=room)
        except Exception as error:
            log.warning("a live event was lost: %s", error)


class _Live:
    """The process's one publisher, made on first use."""

    publisher: Publisher | None = None
    redis_url: str = ""


_live = _Live()


def set_up(redis_url: str) -> None:
    """Tell this process where the bus is; an application without one leaves the process's line as it is."""
    if redis_url:
        _live.redis_url, _live.publisher = redis_url, None


def publisher() -> Publisher:
    if _live.publisher is None:
        _live.publisher = Publisher(socketio if socketio.server is not None else Bus(_live.redis_url, write_only=True))
    return _live.publisher


def flush() -> None:
    """Wait a moment until this process has said what it had to say; one that is about to end calls it."""
    if _live.publisher is not None:
        _live.publisher.flush()


def join_anew() -> None:
    """Let every page ask how things are: for a process that starts after one that may have died before it spoke."""
    try:
        Bus(_live.redis_url, write_only=True).bus.publish(CHANNEL, JOIN_ANEW)
    except RedisError as error:
        log.warning("pages were not asked to join anew: %s", error)


def tell_staff(session: Session, what: str) -> None:
    """After this transaction's commit, let staff's pages ask again: about new "security" events, failed "jobs",
    "masters" and "revenue" that wait, or, where somebody has dealt with them, the "counts"."""
    db.after_commit(session, lambda: tell_staff_now(what))


def tell_staff_now(what: str) -> None:
    publisher().put("admin", what, {"type": f"admin.{what}", "seq": time.time_ns() // 1_000_000})


def publish(session: Session, room: str, entity: str, payload: dict[str, Any]) -> None:
    """After this transaction's commit, tell `room`. `payload` holds type, ids, absolute values and seq."""
    db.after_commit(session, lambda: publisher().put(room, entity, payload))
