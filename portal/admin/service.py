"""What staff do about security events and jobs; each act is in the audit log."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from portal import live, outbox
from portal.audit.enums import AuditActionCategory
from portal.audit.models import SecurityEvent
from portal.audit.service import record
from portal.db import transaction, utcnow
from portal.errors import Conflict, NotFound


def investigate(by: uuid.UUID, event_id: uuid.UUID, notes: str) -> None:
    """Write down what was found out; later notes take the place of earlier ones, which the audit log keeps."""
    with transaction() as session:
        event = _event(session, event_id)
        before = {"investigated": event.is_investigated, "notes": event.investigation_notes}
        event.is_investigated, event.investigation_notes = True, notes
        event.investigated_by, event.investigated_at = by, utcnow()
        _record(session, event, "investigate_security_event", before, {"investigated": True, "notes": notes})


def resolve(by: uuid.UUID, event_id: uuid.UUID, resolution: str) -> None:
    """Close an event with what became of it. Raises NotFound, or Conflict for a closed one."""
    with transaction() as session:
        event = _event(session, event_id)
        if event.is_resolved:
            raise Conflict("This event is resolved already.")
        if not event.is_investigated:
            event.is_investigated, event.investigated_by, event.investigated_at = True, by, utcnow()
        event.is_resolved, event.resolution, event.resolved_at = True, resolution, utcnow()
        live.tell_staff(session, "counts")
        before: dict[str, Any] = {"resolved": False, "resolution": None}
        _record(session, event, "resolve_security_event", before, {"resolved": True, "resolution": resolution})


def retry_job(row_id: uuid.UUID) -> None:
    """Let a job that gave up run again. Raises NotFound, or Conflict for one that has not given up."""
    with transaction() as session:
        row = session.get(outbox.OutboxJob, row_id, with_for_update=True)
        if row is None:
            raise NotFound
        if row.failed_at is None or row.done_at is not None:
            raise Conflict("This job has not given up.")
        before = {"attempts": row.attempts, "error": row.last_error}
        outbox.retry(session, row.dedupe)
        live.tell_staff(session, "counts")
        record(
            session,
            "retry_job",
            AuditActionCategory.ADMIN,
            target=("job", row.id, row.job),
            before=before,
            after={"attempts": 0, "error": None},
        )


def ask_verification() -> None:
    """Have the audit log held against its seals now, by a job; at most one waits in a minute."""
    with transaction() as session:
        outbox.add(session, "verify_audit_log", {}, dedupe=f"verify_audit_log:asked:{utcnow():%Y-%m-%dT%H:%M}")
        record(session, "ask_audit_verification", AuditActionCategory.ADMIN)


def _event(session: Session, event_id: uuid.UUID) -> SecurityEvent:
    event = session.get(SecurityEvent, event_id, with_for_update=True)
    if event is None:
        raise NotFound
    return event


def _record(
    session: Session, event: SecurityEvent, action: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    session.flush()
    target = ("security_event", event.id, event.title)
    record(session, action, AuditActionCategory.ADMIN, target=target, before=before, after=after)
