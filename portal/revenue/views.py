"""Pages: the owner records revenue, finance verifies it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.config import Settings
from portal.db import db
from portal.errors import FieldError, Invalid, NotFound
from portal.idempotency import Answer
from portal.masters.models import Master
from portal.masters.shapes import cover_url
from portal.revenue import forms, queries, rules, service
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.models import RevenueEvent
from portal.revenue.wording import SOURCES, row
from portal.web import cursors
from portal.web.access import confirmed, confirmed_with, permission, signed_in
from portal.web.bodies import form_body, keyed, parse
from portal.web.pages import Pages, answer, see

pages = Pages("revenue", __name__)
FINANCE = permission("finance:verify")
MOVES_MONEY = confirmed(FINANCE)
WAITING = (Status.PENDING, Status.DISPUTED, Status.FAILED)
ON_THE_WAY = (Status.VERIFIED, Status.DEPOSITED)
MOST, ROWS = 100, 50


# --- the owner --------------------------------------------------------------------------------------------


@pages.get("/studio/masters/<uuid:master_id>/revenue", access=signed_in)
def revenue(master_id: uuid.UUID) -> Response:
    return _record_page(_own(master_id), {"sourceType": "distributor", "currency": "USD"}, [])


@pages.post("/studio/masters/<uuid:master_id>/revenue", access=confirmed_with("finance:verify", signed_in))
def record(master_id: uuid.UUID) -> Response:
    """Pending until finance has seen the receipt."""
    master = _own(master_id)
    here = f"/studio/masters/{master_id}/revenue"
    try:
        data = parse(forms.NewRevenue, form_body()).data()
    except Invalid as error:
        return _record_page(master, request.form, error.errors, 422)
    service.record_revenue(current_user.user_id, master_id, data, _settings(), keyed(_then(here)))
    flash("Recorded. It is paid out once finance has verified the receipt.", "success")
    return see(here)


def _own(master_id: uuid.UUID) -> Master:
    master = queries.master_for(db.session(), master_id, current_user.user_id, staff=False)
    if master is None:
        raise NotFound
    return master


def _record_page(master: Master, values: Mapping[str, Any], errors: list[FieldError], status: int = 200) -> Response:
    artist = master.artist
    return answer(
        "revenue/record.html",
        status,
        artist={
            "artist_name": artist.artist_name,
            "avatar_url": artist.profile_image_url or f"/avatars/{artist.id}.svg",
        },
        master={"id": str(master.id), "title": master.title, "cover_url": cover_url(master)},
        values=values,
        errors=errors,
        sources=[(source.value, text) for source, text in SOURCES.items()],
        currencies=[(code, code) for code in rules.DEPOSITED_AS],
        events=[row(event) for event in queries.events_of(db.session(), master.id, MOST)],
    )


# --- finance ----------------------------------------------------------------------------------------------


@pages.get("/admin/revenue", access=FINANCE)
def waiting() -> Response:
    return _finance_page()


@pages.get("/admin/revenue/<uuid:event_id>", access=FINANCE)
def event(event_id: uuid.UUID) -> Response:
    return _finance_page(_found(event_id))


@pages.post("/admin/revenue/<uuid:event_id>", access=MOVES_MONEY)
def verify(event_id: uuid.UUID) -> Response:
    try:
        form = parse(forms.Verification, form_body())
        who, rate, then = current_user.user_id, form.given_rate(), keyed(_then("/admin/revenue"))
        service.verify_revenue(who, event_id, form.receipt, _settings(), rate, then)
    except Invalid as error:
        return _finance_page(_found(event_id), request.form, error.errors, 422)
    flash("Verified. The payment is on its way.", "success")
    return see("/admin/revenue")


@pages.post("/admin/revenue/<uuid:event_id>/<any(dispute, reject, retry):act>", access=MOVES_MONEY)
def decide(event_id: uuid.UUID, act: str) -> Response:
    """Hold back, refuse, or pay out again."""
    try:
        _decide(event_id, act)
    except Invalid as error:
        return _finance_page(_found(event_id), request.form, error.errors, 422)
    flash({"dispute": "Held back.", "reject": "Refused.", "retry": "The payment is tried again."}[act], "success")
    return see("/admin/revenue")


@pages.get("/admin/revenue/<uuid:event_id>/<any(dispute, reject, retry):act>", access=FINANCE, endpoint="decide_get")
def back(event_id: uuid.UUID, act: str) -> Response:
    """A reload after an action is no dead end."""
    return see(f"/admin/revenue/{event_id}")


def _decide(event_id: uuid.UUID, act: str) -> None:
    who = current_user.user_id
    if act == "retry":
        service.retry_revenue(who, event_id)
        return
    reason = parse(forms.Reason, form_body()).reason
    command = service.dispute_revenue if act == "dispute" else service.reject_revenue
    command(who, event_id, reason)


def _found(event_id: uuid.UUID) -> RevenueEvent:
    found = queries.event(db.session(), event_id)
    if found is None:
        raise NotFound
    return found


def _finance_page(
    chosen: RevenueEvent | None = None,
    values: Mapping[str, Any] | None = None,
    errors: list[FieldError] | None = None,
    status: int = 200,
) -> Response:
    session = db.session()
    waiting, next_href = _waiting()
    return answer(
        "admin/revenue.html",
        status,
        waiting=[row(event) for event in waiting],
        next_href=next_href,
        on_the_way=[row(event) for event in queries.by_status(session, ON_THE_WAY, MOST)],
        chosen=_chosen(chosen) if chosen else None,
        values=values or {},
        errors=errors or [],
    )


def _waiting() -> tuple[list[RevenueEvent], str | None]:
    """One part of what waits, the oldest first, and the address of the next."""
    found = queries.by_status(db.session(), WAITING, ROWS + 1, cursors.place())
    shown = found[:ROWS]
    last = [shown[-1].created_at.isoformat(), str(shown[-1].id)] if len(found) > ROWS else None
    return shown, f"/admin/revenue?after={cursors.encode(last)}" if last else None


def _chosen(event: RevenueEvent) -> dict[str, Any]:
    """One event with what finance may do about it."""
    booked = service.note(event, "conversion") is not None
    return row(event) | {
        "recorded_at": event.created_at,
        "period_start": event.period_start,
        "period_end": event.period_end,
        "reference": event.external_reference,
        "notes": event.notes,
        "receipt": service.note(event, "receipt"),
        "failure": service.note(event, "failure") or service.note(event, "dispute"),
        "needs_rate": not booked and event.currency == "EUR",
        "may_verify": event.status in (Status.PENDING, Status.DISPUTED)
        or (event.status is Status.FAILED and not booked),
        "may_retry": event.status is Status.FAILED and booked,
        "may_dispute": event.status in (Status.PENDING, Status.VERIFIED) and not service.note(event, "plan"),
        "may_reject": event.status in (Status.PENDING, Status.DISPUTED),
    }


# --- both -------------------------------------------------------------------------------------------------


def _then(path: str) -> Any:
    """The kept answer of a form: the same redirect."""

    def render(_result: Any) -> Answer:
        return 303, {"location": path}

    return render


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
