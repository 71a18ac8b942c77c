"""Alerts about high and critical security events."""

from __future__ import annotations

import logging
import uuid

from flask import current_app

from portal import mail
from portal.audit.models import SecurityEvent
from portal.config import Settings
from portal.db import db
from portal.queue import job

log = logging.getLogger(__name__)


@job("alert_security_team")
def alert(event_id: str) -> None:
    """Tell the security team by log and, where an address is set, by mail; a failing channel is tried again."""
    settings: Settings = current_app.config["SETTINGS"]
    event = db.session().get_one(SecurityEvent, uuid.UUID(event_id))
    log.critical("security event", extra={"event": event_id, "kind": event.event_type.value, "title": event.title})
    if settings.security_mail:
        text = f"{event.title}\n\n{event.description or ''}\n\nEvent {event_id}, {event.severity.value}."
        mail.send(settings, settings.security_mail, f"AudiFi security: {event.title}", text)
