"""People, decisions and records as staff see them; e-mails in records are for those who look after people."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from portal.accounts.enums import AccountStatus
from portal.admin.queries import UserRow
from portal.admin.records import LogRow
from portal.admin.veil import veiled
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import SecurityEvent
from portal.masters.enums import MasterStatus
from portal.masters.models import Master
from portal.outbox import OutboxJob
from portal.versions import stamp
from portal.web.schema import Id, Time, one_of
from portal.webhooks.enums import WebhookStatus
from portal.webhooks.models import WebhookLog


class Person(TypedDict):
    id: Id
    email: str
    displayName: str
    status: Annotated[str, one_of(AccountStatus)]
    roles: list[str]
    createdAt: Time
    lastLoginAt: Time | None


class Decided(TypedDict):
    id: Id
    status: Annotated[str, one_of(MasterStatus)]


class AuditRecord(TypedDict):
    """`seal` is the number of the seal that covers the row; None until the next one."""

    id: Id
    category: Annotated[str, one_of(AuditActionCategory)]
    action: str
    actorType: str
    actor: str | None
    userId: Id | None
    targetType: str | None
    targetId: Id | None
    target: str | None
    changedFields: list[str]
    requestId: str | None
    seal: int | None
    createdAt: Time


class Alert(TypedDict):
    id: Id
    eventType: Annotated[str, one_of(SecurityEventType)]
    severity: Annotated[str, one_of(SecuritySeverity)]
    title: str
    userId: Id | None
    ipAddress: str | None
    investigated: bool
    resolved: bool
    resolution: str | None
    createdAt: Time


class Hook(TypedDict):
    id: Id
    provider: str
    eventType: str
    status: Annotated[str, one_of(WebhookStatus)]
    retries: int
    error: str | None
    createdAt: Time
    processedAt: Time | None


class Job(TypedDict):
    id: Id
    job: str
    state: Literal["waiting", "running", "failed", "done"]
    attempts: int
    lastError: str | None
    createdAt: Time
    notBefore: Time | None
    failedAt: Time | None
    doneAt: Time | None


def person(row: UserRow) -> Person:
    """One row of GET /admin/users, the same in both versions."""
    return {
        "id": str(row.id),
        "email": row.email,
        "displayName": row.display_name,
        "status": row.status,
        "roles": row.roles,
        "createdAt": stamp(row.created_at),
        "lastLoginAt": stamp(row.last_login_at),
    }


def decided(master: Master) -> Decided:
    return {"id": str(master.id), "status": master.status.value}


def audit_record(found: LogRow) -> AuditRecord:
    row = found.row
    return {
        "id": str(row.id),
        "category": row.action_category.value,
        "action": row.action,
        "actorType": row.actor_type,
        "actor": veiled(row.actor_identifier) or None,
        "userId": str(row.user_id) if row.user_id else None,
        "targetType": row.target_type,
        "targetId": str(row.target_id) if row.target_id else None,
        "target": veiled(row.target_identifier) or None,
        "changedFields": list(row.changed_fields or []),
        "requestId": row.request_id,
        "seal": found.seal,
        "createdAt": stamp(row.created_at),
    }


def alert(event: SecurityEvent) -> Alert:
    return {
        "id": str(event.id),
        "eventType": event.event_type.value,
        "severity": event.severity.value,
        "title": veiled(event.title),
        "userId": str(event.user_id) if event.user_id else None,
        "ipAddress": event.ip_address,
        "investigated": event.is_investigated,
        "resolved": event.is_resolved,
        "resolution": event.resolution,
        "createdAt": stamp(event.created_at),
    }


def hook(row: WebhookLog) -> Hook:
    return {
        "id": str(row.id),
        "provider": row.provider_name,
        "eventType": row.event_type,
        "status": row.status.value,
        "retries": row.retry_count,
        "error": veiled(row.processing_error) or None,
        "createdAt": stamp(row.created_at),
        "processedAt": stamp(row.processed_at),
    }


def job(row: OutboxJob) -> Job:
    return {
        "id": str(row.id),
        "job": row.job,
        "state": _state(row),
        "attempts": row.attempts,
        "lastError": veiled(row.last_error) or None,
        "createdAt": stamp(row.created_at),
        "notBefore": stamp(row.not_before),
        "failedAt": stamp(row.failed_at),
        "doneAt": stamp(row.done_at),
    }


def _state(row: OutboxJob) -> Literal["waiting", "running", "failed", "done"]:
    if row.done_at is not None:
        return "done"
    if row.failed_at is not None:
        return "failed"
    return "waiting" if row.runner is None else "running"
