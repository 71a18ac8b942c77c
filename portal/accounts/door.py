"""What all pages of signing in share: this browser's id, and how an admission becomes a cookie."""

from __future__ import annotations

from flask import current_app, flash
from flask import session as cookie
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import identity, service
from portal.accounts.entry import Admission
from portal.config import Settings
from portal.crypto import new_token
from portal.web.pages import safe_next, see

NEW_PHONE = "Is the phone gone? Turn the second factor off under Security, and set it up again with the new one."


def settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def browser() -> str:
    """A random id of this browser, to tell a link opened elsewhere; it means nothing once signed in."""
    if "browser" not in cookie:
        cookie["browser"] = new_token()
    return str(cookie["browser"])


def enter(admission: Admission, target: str | None) -> Response:
    """Go in, or on to the second factor. A session that this browser had before ends."""
    if current_user.is_authenticated:
        service.sign_out(current_user.token)
    if admission.complete:
        return welcome(admission, target)
    identity.end()
    cookie["half"], cookie["then"] = admission.token, safe_next(target)
    return see("/login/code")


def welcome(admission: Admission, target: str | None) -> Response:
    """Into the portal, with a word about what signing in has changed."""
    identity.begin(admission.token)
    if admission.stays:
        flash("Welcome back. Your account stays as it was, and is no longer going to be deleted.", "success")
    if admission.codes_left is None:
        return see(safe_next(target))
    flash(f"A recovery code let you in; {admission.codes_left} of 10 are left. {NEW_PHONE}", "warn")
    return see(safe_next(target if target != "/" else None, "/me/security"))


def masked(email: str) -> str:
    """mira@example.org -> m…@example.org."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"
