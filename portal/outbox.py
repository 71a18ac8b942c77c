"""Work that must happen: a row in the command's own transaction, turned into a job, and re-sent until it is done.

"Sent" is no promise: a worker can die with the job in its hands. A row is finished only when the job says so, in
the transaction that holds the job's effects (`finish`). The relay is the only sender. It sleeps on LISTEN, sends
rows that are due, and sends again what left the queue without being taken, what was taken by a runner whose
lease ran out, and everything undone when the bus has lost its marker key (a flush). Taking a row is a
compare-and-set, so a second copy of a job in the queue finds nothing to do. `periodic` makes the same relay the
clock: a due row there becomes an outbox row.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import live, queue
from portal.db import Created, Identified, Model, db, transaction
from portal.errors import NotFound, Waiting
from portal.logs import request_id

log = logging.getLogger(__name__)

LEASE_SECONDS = 15
RENEW_SECONDS = 5
QUEUED_SECONDS = 60
TAKEN_WITHIN_SECONDS = 3
BATCH = 200
MAX_ATTEMPTS = 12
MARKER = "audifi:outbox-marker"
WAITS = "Waits: "
"""How `last_error` begins of a row that nothing is wrong with."""

_running: ContextVar[uuid.UUID | None] = ContextVar("running outbox row", default=None)


class OutboxJob(Identified, Created, Model):
    """One piece of work. `dedupe` names the effect: adding it twice changes nothing."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_undone",
            "created_at",
            postgresql_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
        ),
    )

    dedupe: Mapped[str] = mapped_column(sa.String(255), unique=True)
    job: Mapped[str] = mapped_column(sa.String(100))
    payload: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(sa.String(100))
    attempts: Mapped[int] = mapped_column(server_default=sa.text("0"), default=0)
    runner: Mapped[str | None] = mapped_column(sa.String(64))
    not_before: Mapped[dt.datetime | None]
    leased_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    done_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None]
    last_error: Mapped[str | None]


class Periodic(Model):
    """Work of the clock: every `every_seconds` the relay adds an outbox job called `name`."""

    __tablename__ = "periodic"

    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    every_seconds: Mapped[int]
    next_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime | None]


# --- in a command -----------------------------------------------------------------------------------------


def add(
    session: Session,
    job: str,
    payload: dict[str, Any],
    *,
    dedupe: str,
    not_before: dt.datetime | None = None,
) -> None:
    """Ask for `job(**payload)` once, whatever happens. A second row with the same `dedupe` is not added."""
    values = {"id": uuid.uuid4(), "job": job, "payload": payload, "dedupe": dedupe, "not_before": not_before}
    session.execute(
        insert(OutboxJob).values(**values, request_id=request_id()).on_conflict_do_nothing(index_elements=["dedupe"])
    )
    session.execute(sa.text("SELECT pg_notify('outbox', '')"))


def finish(session: Session) -> None:
    """Mark the job that is running as done, in the transaction that holds its effects."""
    row_id = _running.get()
    if row_id is not None:
        session.execute(
            sa.update(OutboxJob)
            .where(OutboxJob.id == row_id)
            .values(done_at=sa.func.now(), runner=None, leased_until=None, last_error=None)
        )


def retry(session: Session, dedupe: str) -> None:
    """Let a job that gave up run again. Raises NotFound when no failed row has that name."""
    result = session.execute(
        sa.update(OutboxJob)
        .where(OutboxJob.dedupe == dedupe, OutboxJob.done_at.is_(None))
        .values(failed_at=None, attempts=0, not_before=None, leased_until=None, runner=None)
    )
    if getattr(result, "rowcount", 0) == 0:
        raise NotFound("There is no such job waiting.")
    session.execute(sa.text("SELECT pg_notify('outbox', '')"))


def give_up(session: Session, dedupe: str, reason: str) -> None:
    """Let the row of this name end without its effect, for a reason that its owner is told."""
    session.execute(
        sa.update(OutboxJob)
        .where(OutboxJob.dedupe == dedupe, OutboxJob.done_at.is_(None))
        .values(failed_at=sa.func.now(), last_error=reason, runner=None, leased_until=None)
    )


# --- in a worker ------------------------------------------------------------------------------------------


def perform(row_id: str) -> None:
    """RQ's entry point: take the row, run its job under a lease, write down how it ended."""
    runner = uuid.uuid4().hex
    row = _take(uuid.UUID(row_id), runner)
    if row is None:
        return
    job, payload, origin = row
    with _lease_kept(uuid.UUID(row_id), runner), request_id.bound(origin):
        token = _running.set(uuid.UUID(row_id))
        start = time.monotonic()
        try:
            queue.JOBS[job](**payload)
            _finish_if_job_did_not(uuid.UUID(row_id))
            log.info("job done", extra={"job": job, "seconds": round(time.monotonic() - start, 3)})
        except Waiting as pause:
            log.info("job waits", extra={"job": job, "why": pause.detail})
            _write_failure(uuid.UUID(row_id), pause)
        except Exception as error:
            log.exception("job failed", extra={"job": job})
            _write_failure(uuid.UUID(row_id), error)
        finally:
            _running.reset(token)
            live.flush()


def _take(row_id: uuid.UUID, runner: str) -> tuple[str, dict[str, Any], str | None] | None:
    lease = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)
    free = sa.or_(OutboxJob.runner.is_(None), OutboxJob.leased_until < sa.func.now())
    with transaction() as session:
        row = session.execute(
            sa.update(OutboxJob)
            .where(OutboxJob.id == row_id, OutboxJob.done_at.is_(None), OutboxJob.failed_at.is_(None), free)
            .values(runner=runner, leased_until=lease, attempts=OutboxJob.attempts + 1)
            .returning(OutboxJob.job, OutboxJob.payload, OutboxJob.request_id)
        ).one_or_none()
    return None if row is None else (row.job, row.payload, row.request_id)


@contextmanager
def _lease_kept(row_id: uuid.UUID, runner: str) -> Iterator[None]:
    """Renew the lease from a thread of its own while the job runs."""
    over = threading.Event()
    engine = db.engine
    statement = (
        sa.update(OutboxJob.__table__)  # type: ignore[arg-type]
        .where(OutboxJob.id == row_id, OutboxJob.runner == runner, OutboxJob.done_at.is_(None))
        .values(leased_until=sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS))
    )

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                with engine.begin() as connection:
                    connection.execute(statement)
            except OperationalError:
                log.warning("the lease could not be renewed", extra={"outbox": str(row_id)})

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _finish_if_job_did_not(row_id: uuid.UUID) -> None:
    with transaction() as session:
        session.execute(
            sa.update(OutboxJob)
            .where(OutboxJob.id == row_id, OutboxJob.done_at.is_(None), OutboxJob.failed_at.is_(None))
            .values(done_at=sa.func.now(), runner=None, leased_until=None, last_error=None)
        )


def _write_failure(row_id: uuid.UUID, error: Exception) -> None:
    """Give the row back with a growing pause, or give up after MAX_ATTEMPTS; what only waits never gives up.

    A row that was taken away meanwhile is nobody's work any more.
    """
    with transaction() as session:
        row = session.get(OutboxJob, row_id, with_for_update=True)
        if row is None:
            return
        row.last_error = f"{type(error).__name__}: {error}"[:2000]
        row.runner = row.leased_until = None
        if isinstance(error, Waiting):
            row.attempts -= 1
            row.last_error = f"{WAITS}{error.detail}"
            row.not_before = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=error.retry_after)
        elif row.attempts >= MAX_ATTEMPTS:
            row.failed_at = dt.datetime.now(dt.UTC)
            _tell_of_failure(session, row)
        else:
            row.not_before = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=min(2 ** (row.attempts - 1), 600))


def _tell_of_failure(session: Session, row: OutboxJob) -> None:
    """The audit feature lies above: it hears by a job's name. One that cannot even tell is only in the log."""
    if row.job != "note_failed_job":
        told = {"name": row.job, "job_id": str(row.id), "error": row.last_error}
        add(session, "note_failed_job", told, dedupe=f"failed:{row.id}:{row.failed_at}")


# --- the relay --------------------------------------------------------------------------------------------


def relay(app: Flask, *, keep_going: Callable[[], bool] = lambda: True, nap: float = 1.0) -> None:
    """Send what is due, for ever. Survives the loss of the database and of the bus; wakes on NOTIFY."""
    with app.app_context():
        listener: psycopg.Connection[Any] | None = None
        while keep_going():
            try:
                listener = listener or _listen()
                while tick() == BATCH:
                    pass
                for _ in listener.notifies(timeout=_until_next(nap), stop_after=1):
                    pass
            except (OperationalError, psycopg.OperationalError, RedisError) as error:
                log.warning("the relay waits: %s", error)
                _close(listener)
                listener = None
                db.engine.dispose()
                time.sleep(nap)
            finally:
                db.session.remove()
        _close(listener)


def tick() -> int:
    """One round: turn due periodic rows into jobs, notice a flushed bus, send what is due. Returns rows sent."""
    bus = queue.connection()
    if bus.set(MARKER, "here", nx=True):
        _all_undone_are_due()
    _missed()
    _strike_the_clock()
    with transaction() as session:
        due = session.execute(_due()).all()
        if not due:
            return 0
        for row in due:
            queue.enqueue(str(row.id), _name(row), row.job)
    return len(due)


def _name(row: Any) -> str:
    return f"{row.dedupe}-{row.attempts}"


def _due() -> sa.Update:
    """Lease a batch of due rows and return them; SKIP LOCKED lets two relays share the work."""
    now = sa.func.now()
    waiting = (
        sa.select(OutboxJob.id)
        .where(
            OutboxJob.done_at.is_(None),
            OutboxJob.failed_at.is_(None),
            sa.or_(OutboxJob.not_before.is_(None), OutboxJob.not_before <= now),
            sa.or_(OutboxJob.leased_until.is_(None), OutboxJob.leased_until < now),
        )
        .order_by(OutboxJob.created_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    lease = now + sa.func.make_interval(0, 0, 0, 0, 0, 0, QUEUED_SECONDS)
    return (
        sa.update(OutboxJob)
        .where(OutboxJob.id.in_(waiting))
        .values(sent_at=now, leased_until=lease, runner=None)
        .returning(OutboxJob.id, OutboxJob.dedupe, OutboxJob.attempts, OutboxJob.job)
    )


def _missed() -> None:
    """Rows that a worker took out of the queue and died with, before it could say so, are due again at once."""
    sent = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, TAKEN_WITHIN_SECONDS)
    columns = (OutboxJob.id, OutboxJob.dedupe, OutboxJob.attempts)
    open_ = (OutboxJob.done_at.is_(None), OutboxJob.failed_at.is_(None), OutboxJob.runner.is_(None))
    with transaction() as session:
        late = session.execute(
            sa.select(*columns).where(*open_, OutboxJob.leased_until > sa.func.now(), OutboxJob.sent_at < sent)
        ).all()
        if late and (lost := {_name(row) for row in late} - set(queue.waiting(map(_name, late)))):
            ids = [row.id for row in late if _name(row) in lost]
            session.execute(sa.update(OutboxJob).where(OutboxJob.id.in_(ids), *open_).values(leased_until=None))


def _all_undone_are_due() -> None:
    with transaction() as session:
        session.execute(
            sa.update(OutboxJob)
            .where(OutboxJob.done_at.is_(None), OutboxJob.runner.is_(None))
            .values(leased_until=None)
        )


def _strike_the_clock() -> None:
    """Each due periodic row becomes one outbox row, named by the time it was due: two relays add it once."""
    with transaction() as session:
        rows = session.scalars(
            sa.select(Periodic).where(Periodic.next_at <= sa.func.now()).with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            add(session, row.name, {}, dedupe=f"{row.name}:{row.next_at.isoformat()}")
            now = dt.datetime.now(dt.UTC)
            row.last_at, row.next_at = now, now + dt.timedelta(seconds=row.every_seconds)


def schedule(session: Session, name: str, every_seconds: int) -> None:
    """Make sure that a periodic job is on the clock; an existing row keeps its time."""
    values = {"name": name, "every_seconds": every_seconds, "next_at": sa.func.now()}
    session.execute(
        insert(Periodic)
        .values(**values)
        .on_conflict_do_update(index_elements=["name"], set_={"every_seconds": every_seconds})
    )


def _listen() -> psycopg.Connection[Any]:
    url = db.engine.url.set(drivername="postgresql")
    connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    connection.execute("LISTEN outbox")
    return connection


def _close(listener: psycopg.Connection[Any] | None) -> None:
    if listener is not None:
        listener.close()


def _until_next(nap: float) -> float:
    """Seconds to sleep: until the next row or clock is due, at most `nap`."""
    soonest = db.session.execute(
        sa.text(
            "SELECT extract(epoch FROM least("
            " (SELECT min(not_before) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND not_before > now()),"
            " (SELECT min(next_at) FROM periodic)) - now())"
        )
    ).scalar()
    db.session.rollback()
    return nap if soonest is None else max(0.01, min(nap, float(soonest)))
