"""Telling the security team: one job per channel, so that a lost one is tried again without repeating the other.

A mail carries a Message-ID and a webhook an id made from the event, so that what is sent twice (a worker died
between sending and noting it) is known for the same. The webhook follows Standard Webhooks 1.0.0: HMAC-SHA256 over
`id.timestamp.body` in `webhook-signature`.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from portal import mail, outbound
from portal.audit.models import SecurityEvent
from portal.config import Settings
from portal.errors import Unavailable


def by_mail(settings: Settings, event: SecurityEvent) -> None:
    """Raises smtplib's errors or OSError when the server does not take it."""
    lines = [
        event.title,
        event.description or "",
        f"{event.severity.value}, {event.event_type.value}, {event.created_at:%Y-%m-%d %H:%M:%S} UTC",
        f"{settings.public_url}/admin/security-events/{event.id}",
    ]
    text = "\n\n".join(line for line in lines if line)
    mail.send(settings, settings.security_mail, f"AudiFi security: {event.title}", text, message_id=str(event.id))


def by_webhook(settings: Settings, event: SecurityEvent) -> None:
    """POST the event as JSON, following no redirect. Raises Unavailable unless the answer is 2xx."""
    body = json.dumps(body_of(settings, event)).encode()
    headers = {"content-type": "application/json", **_signed(settings.security_webhook_secret, str(event.id), body)}
    try:
        with outbound.session(settings) as http:
            http.post(settings.security_webhook, data=body, headers=headers).raise_for_status()
    except outbound.Failed as error:
        raise Unavailable(f"The security webhook did not take the event ({type(error).__name__}).") from None


def body_of(settings: Settings, event: SecurityEvent) -> dict[str, Any]:
    """What leaves the portal: no address, no user agent, no data of the person."""
    return {
        "type": "security.event",
        "timestamp": event.created_at.isoformat(),
        "data": {
            "id": str(event.id),
            "eventType": event.event_type.value,
            "severity": event.severity.value,
            "title": event.title,
            "url": f"{settings.public_url}/admin/security-events/{event.id}",
        },
    }


def _signed(secret: str, event_id: str, body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    headers = {"webhook-id": event_id, "webhook-timestamp": now}
    if secret:
        signed = hmac.digest(secret.encode(), f"{event_id}.{now}.".encode() + body, "sha256")
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers
