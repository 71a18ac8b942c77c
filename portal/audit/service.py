"""Records of what was done. An audit row is written in the transaction of the change it tells of."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import live, outbox
from portal.audit.context import actor
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLog, SecurityEvent, SystemEvent
from portal.db import db
from portal.logs import request_id

log = logging.getLogger(__name__)

LOCK_WAIT = "1s"
ALERTED = {SecuritySeverity.HIGH, SecuritySeverity.CRITICAL}


def record(
    session: Session,
    action: str,
    category: AuditActionCategory,
    *,
    target: tuple[str, uuid.UUID, str] | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    description: str | None = None,
) -> None:
    """Write down `action` on `target` (type, id, readable name) inside the caller's transaction.

    `before` and `after` hold JSON-ready values of the changed fields only, never a secret. The database makes the
    row's id and time; the application has no right to send them.
    """
    who = actor()
    kind, target_id, name = target or (None, None, None)
    changed = sorted(k for k in {**(before or {}), **(after or {})} if (before or {}).get(k) != (after or {}).get(k))
    session.execute(
        sa.insert(AuditLog).values(
            user_id=who.user_id,
            actor_type=who.kind,
            actor_identifier=who.identifier,
            action_category=category,
            action=action,
            description=description,
            target_type=kind,
            target_id=target_id,
            target_identifier=name,
            previous_state=before,
            new_state=after,
            changed_fields=changed,
            ip_address=who.ip_address,
            user_agent=who.user_agent,
            request_id=request_id(),
        )
    )


def forget(session: Session, user_id: uuid.UUID, targets: Iterable[uuid.UUID] = ()) -> None:
    """Empty the personal fields of a person's records inside the caller's transaction; seals stay valid.

    Who they were goes from every row they wrote, and what rows say about them; `targets` names their other things
    (an artist's profile) whose rows are emptied too. A row tells of it. Only the worker's role may do this.
    """
    session.execute(
        sa.text("SELECT audit_forget(:person, cast(:targets AS uuid[]), :request)"),
        {"person": user_id, "targets": list(targets), "request": request_id()},
    )


def log_security_event(
    kind: SecurityEventType,
    severity: SecuritySeverity,
    title: str,
    *,
    description: str | None = None,
    wallet_address: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write a security event on a connection of its own: a refused act's rollback does not erase it.

    May be called anywhere, inside a command too. When it cannot be written, the log has it and the caller goes on:
    an event that fails must not change how the act is answered.
    """
    who = actor()
    values = {
        "event_type": kind,
        "severity": severity,
        "user_id": who.user_id,
        "wallet_address": wallet_address,
        "title": title,
        "description": description,
        "ip_address": who.ip_address,
        "user_agent": who.user_agent,
        "request_path": who.path,
        "request_method": who.method,
        "event_data": data,
    }
    loose = {**values, "user_id": None, "event_data": {**(data or {}), "userId": str(who.user_id)}}
    for attempt in [values, loose] if who.user_id else [values]:
        try:
            _write_event(attempt)
            live.tell_staff_now("security")
            return
        except sa.exc.SQLAlchemyError as error:
            what = {"kind": kind.value, "severity": severity.value, "title": title}
            log.critical("a security event could not be written: %s", type(error).__name__, extra=what)


def _write_event(values: dict[str, Any]) -> None:
    """In a transaction of its own. The caller may hold the person's row, even one that is not committed yet: the
    reference to it is waited for only shortly, and then written without."""
    with Session(db.engine, join_transaction_mode="create_savepoint") as session, session.begin():
        session.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
        event_id = session.execute(sa.insert(SecurityEvent).values(**values).returning(SecurityEvent.id)).scalar_one()
        if values["severity"] in ALERTED:
            alert_security_team(session, event_id)


def alert_security_team(session: Session, event_id: uuid.UUID) -> None:
    """Ask for the alerts of a high or critical event; a failing channel is its own job's to retry."""
    for channel in ("log", "mail", "webhook"):
        payload = {"event_id": str(event_id), "channel": channel}
        outbox.add(session, "alert_security_team", payload, dedupe=f"alert:{event_id}:{channel}")


def log_system_event(
    session: Session,
    kind: str,
    source: str,
    message: str,
    *,
    success: bool = True,
    records: int | None = None,
    milliseconds: int | None = None,
    entity: tuple[str, uuid.UUID] | None = None,
    error: str | None = None,
    job_id: str | None = None,
) -> None:
    """Write what a job or the indexer did, inside the caller's transaction."""
    entity_type, entity_id = entity or (None, None)
    session.execute(
        sa.insert(SystemEvent).values(
            event_type=kind,
            source=source,
            message=message,
            job_id=job_id,
            entity_type=entity_type,
            entity_id=entity_id,
            duration_ms=milliseconds,
            records_processed=records,
            success=success,
            error_message=error,
        )
    )
