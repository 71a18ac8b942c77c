"""/me/data: a copy of everything, and the end of the account."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, make_response, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import identity
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.money import CURRENCIES
from portal.privacy import deleting, exporting, forms, queries
from portal.privacy.models import DataExport
from portal.privacy.parts import PARTS
from portal.web.access import confirmed, signed_in
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, see

pages = Pages("privacy", __name__)
HERE = "/me/data"


@pages.get(HERE, access=signed_in)
def data() -> Response:
    return _page()


def _page(status: int = 200, errors: list[FieldError] | None = None) -> Response:
    session = db.session()
    left = queries.left_behind(session, current_user.user_id)
    return answer(
        "privacy/data.html",
        status,
        exports=[_row(export) for export in queries.exports(session, current_user.user_id)],
        kept_days=exporting.KEPT.days,
        grace_days=queries.GRACE.days,
        unclaimed=[{"currency": c, "minor": n, "decimals": _decimals(c)} for c, n in left.unclaimed],
        offers=left.offers,
        values=request.form if errors else {},
        errors=errors or [],
    )


def _row(export: DataExport) -> dict[str, Any]:
    return {
        "id": str(export.id),
        "asked": export.created_at,
        "done": export.steps_done,
        "total": len(PARTS),
        "ready": export.finished_at is not None,
        "until": export.expires_at,
    }


def _decimals(currency: str) -> int:
    found = CURRENCIES.get(currency)
    return found.decimals if found else 18


@pages.post(f"{HERE}/exports", access=confirmed(signed_in))
def ask_export() -> Any:
    try:
        exporting.ask(current_user.user_id, current_user.email)
    except Conflict as error:
        return _page(409, [FieldError("body", error.detail)])
    flash("Your copy is being made. You may leave this page; a mail tells you when it is ready.", "success")
    return see(HERE)


@pages.get(f"{HERE}/exports/<uuid:export_id>.zip", access=signed_in)
def download(export_id: uuid.UUID) -> Response:
    """One's own, while it is kept; somebody else's is not there."""
    session = db.session()
    found = queries.export(session, current_user.user_id, export_id)
    packed = queries.content(session, export_id) if found else None
    if found is None or packed is None:
        raise NotFound
    response = make_response(packed)
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="audifi-{found.created_at:%Y-%m-%d}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.post(f"{HERE}/delete", access=confirmed(signed_in))
def delete() -> Any:
    try:
        email = parse(forms.Goodbye, form_body()).email
        due = deleting.ask(current_user.user_id, email)
    except Invalid as error:
        return _page(422, error.errors)
    identity.end()
    when = f"{due:%-d %B %Y}"
    flash(f"You are signed out. Your account will be deleted on {when}; sign in before then and it stays.", "success")
    return see("/")


@pages.get(f"{HERE}/<any(exports, delete):act>", access=signed_in)
def back(act: str) -> Any:
    """A reload after an act is no dead end."""
    return see(HERE)
