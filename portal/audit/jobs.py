"""Alerts about high and critical security events, the clock of the seals, and what became of failed jobs."""

from __future__ import annotations

import logging
import uuid

from flask import current_app

from portal import live, outbox
from portal.audit import alerts, sealing, verifying
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.models import SecurityEvent
from portal.audit.service import log_security_event, log_system_event
from portal.config import Settings
from portal.db import db, transaction
from portal.queue import job

log = logging.getLogger(__name__)

CHANNELS = {"mail": alerts.by_mail, "webhook": alerts.by_webhook}
MOST_NAMED = 20


@job("alert_security_team", urgent=True)
def alert(event_id: str, channel: str = "log") -> None:
    """Tell the security team by one channel; one that fails is tried again by the outbox."""
    event = db.session().get_one(SecurityEvent, uuid.UUID(event_id))
    db.session.rollback()
    if channel == "log":
        log.critical("security event", extra={"event": event_id, "kind": event.event_type.value, "title": event.title})
        return
    settings: Settings = current_app.config["SETTINGS"]
    address = {"mail": settings.security_mail, "webhook": settings.security_webhook}[channel]
    if address:
        CHANNELS[channel](settings, event)


@job("seal_audit_log")
def seal_audit_log() -> None:
    """Seal what is new. Running twice seals nothing twice."""
    sealing.seal(current_app.config["SETTINGS"])


@job("verify_audit_log")
def verify_audit_log() -> None:
    """Hold the audit log against its seals every day, and raise the alarm when it was changed."""
    report = verifying.verify(current_app.config["SETTINGS"])
    findings = report.findings
    if findings:
        log_security_event(
            SecurityEventType.SUSPICIOUS_ACTIVITY,
            SecuritySeverity.CRITICAL,
            "The audit log was changed",
            description=f"{len(findings)} findings; `flask audit verify` lists them all.",
            data={"rule": "audit", "indicators": findings[:MOST_NAMED]},
        )
    said = f"{report.rows} rows under {report.seals} seals" + (f", {len(findings)} findings" if findings else "")
    with transaction() as session:
        log_system_event(
            session, "verify_audit_log", "audit", said, success=not findings, records=report.rows, error=_few(findings)
        )
        outbox.finish(session)


def _few(findings: list[str]) -> str | None:
    return "\n".join(findings[:MOST_NAMED]) or None


@job("note_spending")
def note_spending(role: str, level: str, limit: str, spent: str | None = None) -> None:
    """A key of ours comes near to what it may spend in a day, or has reached it. Amounts in wei."""
    reached = level == "reached"
    log_security_event(
        SecurityEventType.UNUSUAL_PATTERN,
        SecuritySeverity.CRITICAL if reached else SecuritySeverity.HIGH,
        f"The {role} {'has reached' if reached else 'is near'} the day's spending limit",
        description="Its work waits until the day has passed or the limit is raised." if reached else None,
        data={"rule": "spending", "role": role, "spentWei": spent, "limitWei": limit},
    )


@job("note_failed_job")
def note_failed_job(name: str, job_id: str, error: str) -> None:
    """A job gave up: a system event that staff find beside the others."""
    with transaction() as session:
        log_system_event(session, "job_failed", "outbox", name, success=False, error=error, job_id=job_id)
        live.tell_staff(session, "jobs")
        outbox.finish(session)
