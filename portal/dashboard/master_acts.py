"""Launching, closing, cancelling, reopening and withdrawing by form: one address each, GET asks, POST does.

A refusal shows the master as it stands now, with the reason on top (409). Every form carries an idempotency key and
the version of the offer that it was made from.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.dashboard import confirm, master_page, wizard_page
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.idempotency import Answer
from portal.masters import ending, launch, queries, service
from portal.masters.models import Master
from portal.web.access import role
from portal.web.bodies import keyed
from portal.web.pages import Pages, answer, safe_next, see

acts = Pages("dashboard_acts", __name__)
ARTIST = role("artist")

COMMANDS = {
    "launch": launch.launch_ipo,
    "close": ending.close_offer,
    "cancel": ending.cancel_offer,
    "reopen": ending.reopen_offer,
    "withdraw": ending.withdraw_proceeds,
}
TOLD = {
    "close": "The chain is asked to close the offer.",
    "reopen": "The offer is a draft again.",
    "withdraw": "The payment is on its way.",
}


@acts.get("/studio/masters/<uuid:master_id>", access=ARTIST)
def master(master_id: uuid.UUID) -> Response:
    return _page(master_id)


@acts.get("/studio/masters/<uuid:master_id>/<any(close, cancel, withdraw):act>", access=ARTIST)
def ask(master_id: uuid.UUID, act: str) -> Response:
    """What it would do, before it is done."""
    try:
        return answer("dashboard/confirm.html", **confirm.page(db.session(), own(master_id), act))
    except Conflict as refusal:
        return _page(master_id, 409, refusal.detail)


@acts.post("/studio/masters/<uuid:master_id>/<any(launch, close, cancel, reopen, withdraw):act>", access=ARTIST)
def do(master_id: uuid.UUID, act: str) -> Response:
    if act == "launch" and (unsure := _not_typed(own(master_id))) is not None:
        return unsure
    try:
        COMMANDS[act](current_user.user_id, master_id, keyed(_back(master_id)), _version())
    except Invalid as wrong:
        return _review(own(master_id), wizard_page.worded(wrong.errors))
    except Conflict as refusal:
        return _page(master_id, 409, refusal.detail)
    if act in TOLD:
        flash(TOLD[act], "success")
    return see(_here(master_id))


@acts.post("/studio/masters/<uuid:master_id>/<any(rights, retry):act>", access=ARTIST, endpoint="do_simply")
def do_simply(master_id: uuid.UUID, act: str) -> Response:
    if act == "rights":
        service.confirm_rights(current_user.user_id, master_id)
        return see(safe_next(request.form.get("next"), _here(master_id)))
    launch.retry_launch(current_user.user_id, master_id, keyed(_back(master_id)))
    return see(_here(master_id))


@acts.get("/studio/masters/<uuid:master_id>/<any(rights, launch, retry, reopen):_act>", access=ARTIST, endpoint="back")
def back(master_id: uuid.UUID, _act: str) -> Response:
    """A reload after an action is no dead end."""
    return see(_here(master_id))


def _not_typed(found: Master) -> Response | None:
    """A launch is final: whoever launches types the title. None where it was typed."""
    typed = " ".join(request.form.get("title", "").split()).casefold()
    if typed == " ".join(found.title.split()).casefold() or not master_page.may_edit(found) or found.ipo is None:
        return None
    return _review(found, [FieldError("title", f"Type the title as it stands here: {found.title}")])


def _review(found: Master, wrong: list[FieldError]) -> Response:
    """Everything once more, with what is wrong; what was typed stays."""
    shown = wizard_page.page(db.session(), found, "review", request.form, wrong)
    return answer("dashboard/wizard.html", 422, **shown)


def own(master_id: uuid.UUID) -> Master:
    """The signed-in artist's master, or NotFound."""
    found = queries.owned(db.session(), master_id, current_user.user_id)
    if found is None:
        raise NotFound
    return found


def _page(master_id: uuid.UUID, status: int = 200, notice: str | None = None) -> Response:
    return answer("dashboard/master.html", status, **master_page.page(db.session(), own(master_id), notice))


def _here(master_id: uuid.UUID) -> str:
    return f"/studio/masters/{master_id}"


def _back(master_id: uuid.UUID) -> Any:
    """The kept answer of a form: the same redirect."""

    def render(_result: Any) -> Answer:
        return 303, {"location": _here(master_id)}

    return render


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
