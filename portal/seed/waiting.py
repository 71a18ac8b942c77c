"""Waiting for what others do: the worker carries out jobs, the indexer reads the chain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import db, transaction
from portal.outbox import OutboxJob

T = TypeVar("T")
MOVED = sa.text(
    "SELECT count(*) FILTER (WHERE done_at IS NOT NULL), coalesce(sum(attempts), 0),"
    " (SELECT max(head_number) FROM chain_cursors) FROM outbox"
)
"""What changes while worker, relay and indexer are alive and have work."""


class Stalled(RuntimeError):
    """Nothing went on for long, or a job failed for good; says what was waited for and what to look at."""


def _nap() -> None:
    time.sleep(0.1)


@dataclass(frozen=True)
class Patience:
    """`tend` is done between two looks; after `seconds` in which nothing at all went on, waiting ends."""

    tend: Callable[[], None] = _nap
    seconds: float = 90.0


def until(what: str, found: Callable[[Session], T | None], patience: Patience, job: str = "") -> T:
    """Look until there is something, with no transaction open in between; returns it.

    `job` is the outbox name of the work that is waited for. Raises Stalled.
    """
    moved, end = None, time.monotonic() + patience.seconds
    while True:
        value, news, failure = _look(found, job)
        if value:
            return value
        if failure:
            raise Stalled(f"{what}: the job failed: {failure}")
        if news != moved:
            moved, end = news, time.monotonic() + patience.seconds
        if time.monotonic() > end:
            raise Stalled(
                f"{what}: nothing happened for {patience.seconds:.0f} seconds. Worker, relay and indexer carry the"
                " seed's work out: start them, or look into their logs."
            )
        patience.tend()


def was_asked(job: str) -> bool:
    """Whether work of this outbox name was asked for."""
    with transaction() as session:
        return session.scalar(sa.select(OutboxJob.id).where(OutboxJob.dedupe == job)) is not None


def _look(found: Callable[[Session], T | None], job: str) -> tuple[T | None, Any, str | None]:
    session = db.session()
    session.rollback()
    try:
        failed = sa.select(OutboxJob.last_error).where(OutboxJob.dedupe == job, OutboxJob.failed_at.is_not(None))
        return found(session), tuple(session.execute(MOVED).one()), session.scalar(failed) if job else None
    finally:
        session.rollback()
