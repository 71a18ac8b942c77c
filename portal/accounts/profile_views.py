"""/me/profile: name, picture, mails."""

from __future__ import annotations

from typing import Any

from flask import flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import forms, profile
from portal.accounts.models import User
from portal.db import db
from portal.errors import Invalid
from portal.web.access import signed_in
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, see

pages = Pages("accounts_profile", __name__)


@pages.get("/me/profile", access=signed_in)
def show() -> Response:
    user = db.session().get_one(User, current_user.user_id)
    mails = profile.mails_on_sign_in(db.session(), user.id)
    return _page(200, {"displayName": user.display_name, "bio": user.bio, "mailOnSignIn": mails}, [])


@pages.post("/me/profile", access=signed_in)
def save() -> Response:
    try:
        form = parse(forms.Profile, form_body())
    except Invalid as error:
        return _page(422, dict(request.form), error.errors)
    profile.update(current_user.user_id, form.display_name, form.bio, form.picture, form.mail_on_sign_in)
    flash("Saved.", "success")
    return see("/me/profile")


def _page(status: int, values: dict[str, Any], errors: list[Any]) -> Response:
    offered = profile.pictures(current_user.user_id)
    chosen = current_user.avatar_url or offered[0]
    pictures = [{"number": n, "src": src, "chosen": src == chosen} for n, src in enumerate(offered)]
    return answer("accounts/profile.html", status, values=values, errors=errors, pictures=pictures)
