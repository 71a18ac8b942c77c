"""/admin/security-events, /admin/audit and /admin/webhooks: what the records say."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.admin import forms, paging, records, service
from portal.admin.said import said as tell
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLog, SecurityEvent
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.web import cursors
from portal.web.access import permission
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, see
from portal.webhooks.enums import WebhookStatus
from portal.webhooks.models import WebhookLog

pages = Pages("admin_records", __name__)
SECURITY = permission("security:read")
AUDIT = permission("audit:read")
WEBHOOKS = permission("webhooks:read")
PLAIN = ("type", "status", "livemode", "apiversion", "amount", "currency", "attempt")
"""What is shown of a webhook's payload; every other value stays with the provider."""


# --- security events --------------------------------------------------------------------------------------


@pages.get("/admin/security-events", access=SECURITY)
def events() -> Response:
    suspect = records.Suspect(
        paging.asked("state", "open", "investigated", "resolved"),
        paging.asked("severity", *SecuritySeverity),
        paging.asked("kind", *SecurityEventType),
        paging.typed(),
    )
    session, place = db.session(), cursors.place()
    shown, cursor = paging.part(records.security_events(session, paging.ROWS + 1, place, suspect), paging.ROWS)
    first = place is None and suspect == records.Suspect()
    urgent = records.urgent_events(session) if first else []
    return answer(
        "admin/security_events.html",
        rows=shown,
        urgent=urgent,
        emails=records.emails(session, {row.user_id for row in (*shown, *urgent)}),
        next_href=paging.onward(cursor),
        values={"state": suspect.state, "severity": suspect.severity, "kind": suspect.kind, "q": suspect.text},
        severities=list(SecuritySeverity),
        kinds=list(SecurityEventType),
    )


@pages.get("/admin/security-events/<uuid:alert_id>", access=SECURITY)
def event(alert_id: uuid.UUID) -> Response:
    return _event(alert_id)


@pages.post("/admin/security-events/<uuid:alert_id>/investigate", access=SECURITY)
def investigate(alert_id: uuid.UUID) -> Any:
    def do() -> None:
        service.investigate(current_user.user_id, alert_id, parse(forms.Notes, form_body()).notes)

    return _acted(alert_id, do, "Your notes are kept.")


@pages.post("/admin/security-events/<uuid:alert_id>/resolve", access=SECURITY)
def resolve(alert_id: uuid.UUID) -> Any:
    def do() -> None:
        service.resolve(current_user.user_id, alert_id, parse(forms.Resolution, form_body()).resolution)

    return _acted(alert_id, do, "Resolved.")


@pages.get("/admin/security-events/<uuid:alert_id>/<any(investigate, resolve):act>", access=SECURITY)
def back(alert_id: uuid.UUID, act: str) -> Any:
    """A reload after an act is no dead end."""
    return see(f"/admin/security-events/{alert_id}")


def _acted(alert_id: uuid.UUID, act: Callable[[], None], said: str) -> Any:
    try:
        act()
    except Invalid as error:
        return _event(alert_id, 422, error.errors)
    except Conflict as error:
        return _event(alert_id, 409, [FieldError("body", error.detail)])
    tell(said)
    return see(f"/admin/security-events/{alert_id}")


def _event(alert_id: uuid.UUID, status: int = 200, errors: list[FieldError] | None = None) -> Response:
    session = db.session()
    found = session.get(SecurityEvent, alert_id)
    if found is None:
        raise NotFound
    return answer(
        "admin/security_event.html",
        status,
        event=found,
        emails=records.emails(session, {found.user_id, found.investigated_by}),
        data=_pairs(found.event_data),
        values=request.form if errors else {"notes": found.investigation_notes},
        errors=errors or [],
    )


# --- the audit log ----------------------------------------------------------------------------------------


@pages.get("/admin/audit", access=AUDIT)
def audit() -> Response:
    words = {name: paging.typed(name) for name in ("actor", "action", "target")}
    category = paging.asked("category", *AuditActionCategory)
    since, until = paging.on_day("since"), paging.on_day("until")
    asked = records.Asked(**words, category=category, since=since, until=until)
    session = db.session()
    shown, cursor = paging.part(records.audit_rows(session, paging.ROWS + 1, cursors.place(), asked), paging.ROWS)
    seal = records.last_seal(session)
    return answer(
        "admin/audit.html",
        rows=[_logged(row, seal.range_end if seal else None) for row in shown],
        next_href=paging.onward(cursor),
        values=words | {"category": category, "since": _day(since), "until": _day(until)},
        categories=list(AuditActionCategory),
        seal=seal,
        verified=records.last_verification(session),
    )


@pages.get("/admin/audit/<uuid:record_id>", access=AUDIT)
def audit_row(record_id: uuid.UUID) -> Response:
    session = db.session()
    found = records.audit_row(session, record_id)
    if found is None:
        raise NotFound
    seal = records.last_seal(session)
    row = _logged(found, seal.range_end if seal else None)
    return answer("admin/audit_row.html", row=row, diff=_diff(found.row), verified=records.last_verification(session))


@pages.post("/admin/audit/verify", access=AUDIT)
def verify() -> Any:
    service.ask_verification()
    tell("The log is being held against its seals; what is found is shown here and, if anything, raises the alarm.")
    return see("/admin/audit")


@pages.get("/admin/audit/verify", access=AUDIT, endpoint="verify_get")
def verify_page() -> Any:
    """A reload after asking is no dead end."""
    return see("/admin/audit")


def _logged(found: records.LogRow, sealed_until: dt.datetime | None) -> dict[str, Any]:
    """A row with the state of its seal: sealed, waiting, or missing from the seal of its time."""
    if found.seal is not None:
        seal = ("sealed", found.seal)
    elif sealed_until is not None and found.created_at < sealed_until:
        seal = ("missing", 0)
    else:
        seal = ("waiting", 0)
    return {"log": found.row, "seal": seal, "forgotten": found.forgotten}


def _diff(row: AuditLog) -> list[tuple[str, str | None, str | None]]:
    """(field, before, after) of what changed, as text; None where a side says nothing."""
    before, after = row.previous_state or {}, row.new_state or {}
    return [(name, _text(before, name), _text(after, name)) for name in sorted({*before, *after})]


def _text(state: dict[str, Any], name: str) -> str | None:
    value = state.get(name)
    if name not in state or value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _day(value: dt.datetime | None) -> str:
    return f"{value:%Y-%m-%d}" if value else ""


# --- webhooks ---------------------------------------------------------------------------------------------


@pages.get("/admin/webhooks", access=WEBHOOKS)
def webhooks() -> Response:
    session = db.session()
    known = records.providers(session)
    provider, status = paging.asked("provider", *known), paging.asked("status", *WebhookStatus)
    rows = records.webhooks(session, paging.ROWS + 1, cursors.place(), provider, status)
    shown, cursor = paging.part(rows, paging.ROWS)
    return answer(
        "admin/webhooks.html",
        rows=shown,
        next_href=paging.onward(cursor),
        values={"provider": provider, "status": status},
        providers=known,
        statuses=list(WebhookStatus),
    )


@pages.get("/admin/webhooks/<uuid:hook_id>", access=WEBHOOKS)
def webhook(hook_id: uuid.UUID) -> Response:
    found = db.session().get(WebhookLog, hook_id)
    if found is None:
        raise NotFound
    return answer("admin/webhook.html", hook=found, data=_pairs(_shown(found.payload_metadata or {})))


def _shown(payload: Any) -> Any:
    """The payload's fields with the values that name nobody and open nothing; the others are masked."""
    if isinstance(payload, dict):
        return {name: _shown_value(name, value) for name, value in payload.items()}
    return [_shown(value) for value in payload] if isinstance(payload, list) else "…"


def _shown_value(name: str, value: Any) -> Any:
    if isinstance(value, dict | list):
        return _shown(value)
    return value if name.replace("_", "").lower() in PLAIN else "…"


def _pairs(data: dict[str, Any] | None) -> list[tuple[str, str]]:
    """A JSON object's fields for a list of terms."""
    return [(name, _text(data or {}, name) or "—") for name in sorted(data or {})]
