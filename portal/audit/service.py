"""Records of what was done. An audit row is written in the transaction of the change it tells of."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.audit.context import actor
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLog, SecurityEvent, SystemEvent
from portal.db import transaction
from portal.logs import request_id

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


def log_security_event(
    kind: SecurityEventType,
    severity: SecuritySeverity,
    title: str,
    *,
    description: str | None = None,
    wallet_address: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write a security event in a transaction of its own, so that a refused act's rollback does not erase it."""
    who = actor()
    with transaction() as session:
        event_id = session.execute(
            sa.insert(SecurityEvent)
            .values(
                event_type=kind,
                severity=severity,
                user_id=who.user_id,
                wallet_address=wallet_address,
                title=title,
                description=description,
                ip_address=who.ip_address,
                user_agent=who.user_agent,
                request_path=who.path,
                request_method=who.method,
                event_data=data,
            )
            .returning(SecurityEvent.id)
        ).scalar_one()
        if severity in ALERTED:
            alert_security_team(session, event_id)


def alert_security_team(session: Session, event_id: uuid.UUID) -> None:
    """Ask for the alert of a high or critical event; a failing channel is the job's to retry."""
    outbox.add(session, "alert_security_team", {"event_id": str(event_id)}, dedupe=f"alert:{event_id}")


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
) -> None:
    """Write what a job or the indexer did, inside the caller's transaction."""
    entity_type, entity_id = entity or (None, None)
    session.execute(
        sa.insert(SystemEvent).values(
            event_type=kind,
            source=source,
            message=message,
            entity_type=entity_type,
            entity_id=entity_id,
            duration_ms=milliseconds,
            records_processed=records,
            success=success,
            error_message=error,
        )
    )
