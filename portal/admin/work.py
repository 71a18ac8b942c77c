"""Reads about work for staff: outbox rows, the clock, system events."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.admin.queries import Place, contains
from portal.audit.models import SystemEvent
from portal.outbox import OutboxJob, Periodic

STATES = ("waiting", "failed", "done")
_UNDONE = OutboxJob.done_at.is_(None), OutboxJob.failed_at.is_(None)
_FAILED = OutboxJob.done_at.is_(None), OutboxJob.failed_at.is_not(None)
_WHICH: dict[str, tuple[sa.ColumnElement[bool], ...]] = {
    "waiting": _UNDONE,
    "failed": _FAILED,
    "done": (OutboxJob.done_at.is_not(None),),
}


def jobs(session: Session, limit: int, after: Place | None, state: str, name: str) -> list[OutboxJob]:
    """Outbox rows of one state, or of all for "", newest first."""
    statement = sa.select(OutboxJob).where(*_WHICH.get(state, ()))
    if name:
        statement = statement.where(OutboxJob.job.like(contains(name), escape="\\"))
    if after is not None:
        statement = statement.where(sa.tuple_(OutboxJob.created_at, OutboxJob.id) < after)
    return list(session.scalars(statement.order_by(OutboxJob.created_at.desc(), OutboxJob.id.desc()).limit(limit)))


def counts(session: Session) -> dict[str, int]:
    """How many wait and how many gave up."""
    row = session.execute(
        sa.select(
            sa.select(sa.func.count()).select_from(OutboxJob).where(*_UNDONE).scalar_subquery().label("waiting"),
            sa.select(sa.func.count()).select_from(OutboxJob).where(*_FAILED).scalar_subquery().label("failed"),
        )
    ).one()
    return {"waiting": row.waiting, "failed": row.failed}


def clock(session: Session) -> list[Periodic]:
    return list(session.scalars(sa.select(Periodic).order_by(Periodic.name)))


def system_events(session: Session, limit: int, after: Place | None, outcome: str, name: str) -> list[SystemEvent]:
    """What jobs, relay and indexer did, newest first; `outcome` is failed, done or ""."""
    statement = sa.select(SystemEvent)
    if outcome:
        statement = statement.where(SystemEvent.success == (outcome == "done"))
    if name:
        like = contains(name)
        words = SystemEvent.event_type.ilike(like, escape="\\"), SystemEvent.source.ilike(like, escape="\\")
        statement = statement.where(sa.or_(*words))
    if after is not None:
        statement = statement.where(sa.tuple_(SystemEvent.created_at, SystemEvent.id) < after)
    newest = SystemEvent.created_at.desc(), SystemEvent.id.desc()
    return list(session.scalars(statement.order_by(*newest).limit(limit)))
