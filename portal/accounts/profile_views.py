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
from portal.files import store
from portal.files.places import Place
from portal.files.receiving import received, with_lost
from portal.web.access import signed_in
from portal.web.bodies import parse
from portal.web.pages import Pages, answer, see
from portal.web.uploads import takes_pictures

pages = Pages("accounts_profile", __name__)


@pages.get("/me/profile", access=signed_in)
def show() -> Response:
    user = db.session().get_one(User, current_user.user_id)
    mails = profile.mails_on_sign_in(db.session(), user.id)
    return _page(200, {"displayName": user.display_name, "bio": user.bio, "mailOnSignIn": mails}, [])


@pages.post("/me/profile", access=signed_in)
@takes_pictures
def save() -> Response:
    try:
        form, pictures = received(lambda fields: parse(forms.Profile, fields), Place.AVATAR)
        said = (form.display_name, form.bio, form.picture, form.mail_on_sign_in)
        profile.update(current_user.user_id, *said, pictures[Place.AVATAR])
    except Invalid as error:
        return _page(error.status, dict(request.form), with_lost(error))
    flash("Saved.", "success")
    return see("/me/profile")


def _page(status: int, values: dict[str, Any], errors: list[Any]) -> Response:
    offered = profile.pictures(current_user.user_id)
    chosen = current_user.avatar_url or offered[0]
    pictures = [{"number": n, "src": src, "chosen": src == chosen} for n, src in enumerate(offered)]
    own = chosen if (chosen or "").startswith(store.ADDRESS) else None
    return answer("accounts/profile.html", status, values=values, errors=errors, pictures=pictures, own=own)
