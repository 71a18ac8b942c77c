"""The launch wizard: a new master, its six steps, the state that is saved while somebody types, and discarding it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.config import Settings
from portal.dashboard import wizard, wizard_page
from portal.dashboard.master_acts import own
from portal.dashboard.wizard import Elsewhere
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid
from portal.files.places import Place
from portal.files.receiving import received, with_lost
from portal.files.store import UNCHANGED
from portal.masters import archive, forms, service
from portal.masters.models import Master
from portal.web.access import role
from portal.web.bodies import keyed, parse
from portal.web.pages import Pages, answer, is_partial, see
from portal.web.uploads import takes_pictures

steps = Pages("dashboard_wizard", __name__)
ARTIST = role("artist")
NOT_WORDS = ("mark", "go")
STEP = "<any(track, people, offer, schedule, legal, review):step>"
EDITED = "<any(track, people, offer, schedule):step>"


@steps.get("/studio/masters/new", access=ARTIST)
def new_master() -> Response:
    return answer("dashboard/wizard.html", **wizard_page.new(db.session(), current_user.user_id, wizard.DEFAULTS, []))


@steps.post("/studio/masters/new", access=ARTIST)
@takes_pictures
def create_master() -> Response:
    """The first step makes the draft; the others are its own."""

    def then(master: Master) -> tuple[int, dict[str, Any]]:
        return 303, {"location": _at(master.id, "people")}

    try:
        form, sent = received(lambda fields: parse(forms.Recording, _words(fields)), Place.COVER)
        master = service.create_master_with_ipo(
            current_user.user_id, form.details(), None, _settings(), keyed(then), sent[Place.COVER]
        )
    except Invalid as error:
        shown = wizard_page.new(db.session(), current_user.user_id, request.form, with_lost(error))
        return answer("dashboard/wizard.html", error.status, **shown)
    return see(_at(master.id, "people"))


@steps.get(f"/studio/masters/<uuid:master_id>/ipo/{STEP}", access=ARTIST)
def step(master_id: uuid.UUID, step: str) -> Response:
    found = own(master_id)
    if not wizard_page.may_edit(found):
        return see(f"/studio/masters/{master_id}")
    if step in ("schedule", "review") and found.ipo is None:
        flash("Say first how many shares there are and what one costs.", "info")
        return see(_at(master_id, "offer"))
    return _page(found, step)


@steps.post(f"/studio/masters/<uuid:master_id>/ipo/{EDITED}", access=ARTIST)
@takes_pictures
def save_step(master_id: uuid.UUID, step: str) -> Response:
    """Save and go on, back or stay, as the button says; a part of the page asks while somebody types."""
    found, places = own(master_id), [Place.COVER] if step == "track" and not is_partial() else []
    try:
        fields, sent = received(_words, *places)
        if is_partial():
            fields.pop("cover", None)
        after = wizard.save(
            current_user.user_id, found, step, fields, _settings(), seen=request.form.get("mark"),
            keyed=None if is_partial() else keyed(lambda _master: (303, {"location": _onward(master_id, step)})),
            cover=sent.get(Place.COVER, UNCHANGED),
        )  # fmt: skip
    except Invalid as error:
        return _shown_again(master_id, step, wizard_page.worded(with_lost(error)), error.status)
    except Elsewhere as changed:
        return _shown_again(master_id, step, [FieldError("body", changed.detail)], 409)
    except Conflict as refusal:
        return _shown_again(master_id, step, [FieldError("body", refusal.detail)], 409)
    if is_partial():
        return answer("dashboard/_saved.html", **wizard_page.saved(after, step, []))
    return see(_onward(master_id, step))


@steps.post("/studio/masters/<uuid:master_id>/discard", access=ARTIST)
def discard(master_id: uuid.UUID) -> Response:
    """Put a draft away for good."""
    try:
        master = archive.archive_master(current_user.user_id, master_id)
    except Conflict as refusal:
        flash(refusal.detail, "error")
        return see(f"/studio/masters/{master_id}")
    flash(f"The draft of {master.title} is gone.", "success")
    return see("/studio/masters")


@steps.get("/studio/masters/<uuid:master_id>/<any(edit, discard):_act>", access=ARTIST, endpoint="to_steps")
def to_steps(master_id: uuid.UUID, _act: str) -> Response:
    own(master_id)
    return see(_at(master_id, "track"))


def _shown_again(master_id: uuid.UUID, step: str, errors: list[FieldError], status: int) -> Response:
    """What was typed stays, with what is wrong about it."""
    found = own(master_id)
    if is_partial():
        return answer("dashboard/_saved.html", status, **wizard_page.saved(found, step, errors))
    return _page(found, step, request.form, errors, status)


def _page(
    found: Master,
    step: str,
    typed: Mapping[str, Any] | None = None,
    errors: list[FieldError] | None = None,
    status: int = 200,
) -> Response:
    shown = wizard_page.page(db.session(), found, step, typed, errors or [])
    return answer("dashboard/wizard.html", status, **shown)


def _words(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in NOT_WORDS}


def _onward(master_id: uuid.UUID, step: str) -> str:
    by = {"back": -1, "stay": 0}.get(request.form.get("go", ""), 1)
    return _at(master_id, wizard.beside(step, by))


def _at(master_id: uuid.UUID, step: str) -> str:
    return f"/studio/masters/{master_id}/ipo/{step}"


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


