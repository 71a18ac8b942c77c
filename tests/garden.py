"""The seed beside workers that live in this process: while it waits, the outbox is emptied and the chain read."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal import outbox
from portal.chain import following
from portal.db import db
from portal.indexer.loop import Follower
from portal.seed import Patience, clock, sow
from tests.onchain import as_worker

DUE = """
SELECT id FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND coalesce(not_before, now()) <= now()
ORDER BY created_at
"""


class Killed(BaseException):
    """The seed's process is gone, between two lines."""


class Garden:
    """A database and a chain of their own, and the seed on them."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.commits = 0
        self.last: int | None = None
        self._tending = False
        self._follower = Follower(app.config["SETTINGS"])

    def sow(self, die_at: int | None = None) -> bool:
        """Run the test seed; with `die_at` it dies at that commit of its own, before it is one."""
        self.commits, self.last = 0, die_at
        with as_worker(self.app):
            return sow(self.app, "test", Patience(self.work, seconds=30))

    def tend(self) -> None:
        """Let everything become final, and do what workers and indexer have to do then."""
        with as_worker(self.app):
            clock.settle()
            following.follow()
            self.work()

    def work(self) -> None:
        """The same, where the rights are a worker's already."""
        self._tending = True
        try:
            while self._follower.round() or self._jobs():
                db.session.remove()
        finally:
            self._tending = False

    def _jobs(self) -> bool:
        db.session.rollback()
        due = db.session.scalars(sa.text(DUE)).all()
        db.session.rollback()
        for row in due:
            outbox.perform(str(row))
        return bool(due)

    def committing(self, *_: Any) -> None:
        """Called before each commit; those of workers do not count."""
        if not self._tending:
            self.commits += 1
            if self.last is not None and self.commits >= self.last:
                raise Killed
