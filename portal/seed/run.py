"""One run: alone, step by step, each told to the first page."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from flask import Flask

from portal import faults, progress
from portal.audit.context import Actor, acting_as
from portal.audit.models import SystemEvent
from portal.audit.service import log_system_event
from portal.chain import bootstrap
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import DomainError
from portal.seed import clock, market, masters, people, revenue, rooms, sales, wallets
from portal.seed.data import PLANS
from portal.seed.field import Field
from portal.seed.waiting import Patience

log = logging.getLogger(__name__)

EDITION = "2"
"""Of the demo data. A higher one adds what it knows more to data that an older one has sown."""
SOURCE, DONE = "seed", "seed_completed"
LOCK = 0x5EED

STEPS: tuple[Callable[[Field], None], ...] = (
    people.staff,
    people.acts,
    people.fans,
    masters.drafts,
    wallets.fund,
    sales.first_sale,
    market.first_trades,
    revenue.income,
    sales.todays_sales,
    market.todays_trades,
    masters.announce,
    masters.hand_in,
    masters.put_away,
    revenue.report,
    rooms.live_room,
    rooms.coming_room,
    rooms.past_room,
    people.follows,
)


def sow(app: Flask, env: str = "dev", patience: Patience | None = None) -> bool:
    """Add what is missing; returns whether there was anything to do. A second seed waits for the first.

    Needs the rights of a worker, and workers, relay and indexer beside it. The chain's clock is the machine's
    afterwards, also when a step fails. Raises Stalled when nothing goes on for long.
    """
    settings: Settings = app.config["SETTINGS"]
    with app.app_context(), acting_as(Actor(identifier=SOURCE)), _alone():
        bootstrap.ensure(app)
        if _completed():
            return False
        field = Field(settings, PLANS[env], _shown(patience or Patience(), settings))
        try:
            run_steps(field)
        except Exception:
            _leave_the_past()
            raise
        finally:
            progress.note(settings.data_dir, None)
        with transaction() as session:
            log_system_event(session, DONE, SOURCE, EDITION)
        return True


def run_steps(field: Field) -> None:
    """Every step, in order; each leaves alone what is there."""
    for number, step in enumerate(STEPS, 1):
        progress.note(field.settings.data_dir, progress.Progress(number, len(STEPS)))
        start = time.monotonic()
        step(field)
        db.session.remove()
        faults.point("seed-step")
        log.info("sown", extra={"step": step.__name__, "seconds": round(time.monotonic() - start, 2)})


def _leave_the_past() -> None:
    """What people do from now on must not happen months ago because the seed gave up."""
    with contextlib.suppress(DomainError):
        clock.catch_up()


def _completed() -> bool:
    mine = SystemEvent.event_type == DONE, SystemEvent.message == EDITION
    with transaction() as session:
        return session.scalar(sa.select(SystemEvent.id).where(*mine).limit(1)) is not None


def _shown(patience: Patience, settings: Settings) -> Patience:
    """While a step waits, the page keeps saying so."""

    def tend() -> None:
        if (held := progress.read(settings.data_dir)) is not None:
            progress.note(settings.data_dir, held)
        patience.tend()

    return Patience(tend, patience.seconds)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One seed at a time; the lock dies with the process that holds it."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
