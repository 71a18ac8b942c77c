"""The relay finds work that a dying worker or a bus without memory has lost, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal import outbox, queue
from portal.db import db, transaction
from portal.outbox import OutboxJob, Periodic

LIST = "rq:queue:portal"


@pytest.fixture
def bus(live_app: Flask) -> Iterator[Redis]:
    """An empty bus that knows the relay, and no clock that strikes."""
    with transaction() as session:
        session.execute(sa.delete(Periodic))
    found = queue.connection()
    found.flushdb()
    outbox.tick()
    yield found
    found.flushdb()
    found.close()


def ask(name: str, job: str = "follow_transactions") -> None:
    with transaction() as session:
        outbox.add(session, job, {}, dedupe=name)


def some_time_passes() -> None:
    """As if everything had been sent ten seconds earlier."""
    with transaction() as session:
        session.execute(sa.update(OutboxJob).values(sent_at=OutboxJob.sent_at - dt.timedelta(seconds=10)))


def waiting(bus: Redis) -> list[str]:
    found: list[bytes] = bus.lrange(LIST, 0, -1)  # type: ignore[assignment]
    return [name.decode() for name in found]


def test_what_left_the_queue_with_a_dead_worker_is_sent_again(bus: Redis) -> None:
    ask("lost")
    assert outbox.tick() == 1
    bus.lpop(LIST)
    some_time_passes()
    assert (outbox.tick(), waiting(bus)) == (1, ["lost-0"])


def test_what_still_waits_is_not_sent_twice(bus: Redis) -> None:
    ask("patient")
    assert outbox.tick() == 1
    some_time_passes()
    assert (outbox.tick(), waiting(bus)) == (0, ["patient-0"])


def test_what_was_taken_is_left_to_its_runner(bus: Redis) -> None:
    ask("taken")
    outbox.tick()
    row_id = db.session.scalars(sa.select(OutboxJob.id).where(OutboxJob.dedupe == "taken")).one()
    db.session.rollback()
    bus.lpop(LIST)
    assert outbox._take(row_id, "somebody")
    some_time_passes()
    assert outbox.tick() == 0


def test_a_bus_that_forgot_everything_gets_everything(bus: Redis) -> None:
    ask("one"), ask("two")
    assert outbox.tick() == 2
    bus.flushdb()
    assert outbox.tick() == 2
    assert sorted(waiting(bus)) == ["one-0", "two-0"]


def test_a_mail_that_somebody_waits_for_goes_first(bus: Redis) -> None:
    ask("slow"), ask("mail", "send_magic_link")
    outbox.tick()
    assert waiting(bus) == ["mail-0", "slow-0"]


def test_work_on_the_chain_waits_for_a_node_that_is_silent_for_hours(
    live_app: Flask, bus: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], rpc_url="http://127.0.0.1:9")
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    ask("patient")
    row_id = db.session.scalars(sa.select(OutboxJob.id).where(OutboxJob.dedupe == "patient")).one()
    for _ in range(2):
        outbox.perform(str(row_id))
    row = db.session.get_one(OutboxJob, row_id, populate_existing=True)
    assert (row.failed_at, row.last_error) == (None, "Waits: The chain does not answer right now.")
