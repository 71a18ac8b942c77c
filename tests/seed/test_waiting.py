"""Waiting ends with a sentence where nothing goes on; months and the chain's clock."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import outbox
from portal.chain.client import Client as Node
from portal.db import db, transaction
from portal.seed import Patience, Stalled, clock
from portal.seed.revenue import months
from portal.seed.waiting import until
from tests.onchain import onchain

__all__ = ["onchain"]


def test_nothing_happens_for_long(app: Flask) -> None:
    with pytest.raises(Stalled, match=r"The offer opens: nothing happened .* Worker, relay and indexer"):
        until("The offer opens", lambda _: None, Patience(lambda: time.sleep(0.01), seconds=0.05))


def test_a_job_that_failed_for_good_ends_the_wait(session: Session) -> None:
    with transaction() as inside:
        outbox.add(inside, "deploy_contract", {}, dedupe="deploy:1")
        inside.execute(sa.update(outbox.OutboxJob).values(failed_at=sa.func.now(), last_error="no gas"))
    with pytest.raises(Stalled, match="no gas"):
        until("The offer opens", lambda _: None, Patience(), "deploy:1")


def test_while_something_goes_on_it_waits_longer(session: Session) -> None:
    rounds = iter(range(8))

    def work() -> None:
        time.sleep(0.1)
        with transaction() as inside:
            outbox.add(inside, "x", {}, dedupe=f"x:{next(rounds)}")
            inside.execute(sa.update(outbox.OutboxJob).values(done_at=sa.func.now()))

    jobs = sa.text("SELECT count(*) = 6 FROM outbox")
    assert until("Six jobs are done", lambda found: found.scalar(jobs), Patience(work, seconds=0.3))
    db.session.remove()


def test_the_clock_is_walked_to_now_and_not_further(live_app: Flask, onchain: Node) -> None:
    clock.reach(10 * clock.DAY)
    assert abs(onchain.clock() - (time.time() - 10 * clock.DAY)) < 3
    clock.reach(20 * clock.DAY)
    assert abs(onchain.clock() - (time.time() - 10 * clock.DAY)) < 3
    for _ in range(2):
        clock.catch_up()
        assert abs(onchain.clock() - time.time()) < 3
        assert abs(onchain.head().timestamp - time.time()) < 3


@pytest.mark.parametrize("day", ["2026-11-23", "2026-01-01", "2026-03-31", "2024-02-29"])
def test_three_full_months_each_paid_after_its_end(day: str) -> None:
    now = dt.datetime.fromisoformat(day).replace(hour=12, tzinfo=dt.UTC)
    found = months(now)
    assert [month.number for month in found] == [1, 2, 3]
    assert all(month.start.day == month.end.day == 1 for month in found)
    assert [month.end for month in found[:2]] == [month.start for month in found[1:]]
    assert all(month.end <= month.paid < now for month in found)
    assert now - found[-1].paid < dt.timedelta(days=7)
    assert dt.timedelta(days=60) < now - found[0].end + dt.timedelta(days=31)
