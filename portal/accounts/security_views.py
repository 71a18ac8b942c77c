"""/me/security and /me/sessions: ways in, the second factor, and where somebody is signed in."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import segno
from flask import flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import forms, identity, links, providers, second_factor, sessions, ways
from portal.accounts.door import browser, settings
from portal.accounts.enums import AuthProvider
from portal.db import db
from portal.errors import Conflict, Invalid
from portal.web.access import confirmed, signed_in
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("accounts_security", __name__)


@pages.get("/me/security", access=signed_in)
def security() -> Response:
    return _security(200, [], {})


def _security(status: int, errors: list[Any], values: dict[str, str]) -> Response:
    session = db.session()
    mine = ways.of(session, current_user.user_id)
    return answer(
        "accounts/security.html",
        status,
        ways=[
            {
                "id": way.id,
                "kind": way.kind,
                "name": way.name,
                "email": way.provider is AuthProvider.MAGIC_LINK,
                "wallet": way.provider is AuthProvider.WALLET,
                "contact": way.provider is AuthProvider.MAGIC_LINK and way.name == current_user.email,
                "removable": way.removable,
            }
            for way in mine
        ],
        codes_left=second_factor.codes_left(session, current_user.user_id),
        devices=len(sessions.devices(session, current_user.user_id, settings())),
        staff=bool(current_user.permissions),
        providers=providers.offered(session),
        errors=errors,
        values=values,
    )


# --- ways in ----------------------------------------------------------------------------------------------


@pages.post("/me/security", access=confirmed(signed_in))
def add_email() -> Response:
    """Send a link to another address; opening it here makes the address a way in."""
    try:
        form = parse(forms.SignIn, form_body())
    except Invalid as error:
        return _security(422, error.errors, {"email": request.form.get("email", "")})
    links.request_magic_link(form.email, browser(), "/me/security", settings(), user_id=current_user.user_id)
    flash("A link is on its way to that address. Open it in this browser to add the address.", "success")
    return see("/me/security")


@pages.post("/me/security/ways/<uuid:way_id>/remove", access=confirmed(signed_in))
def remove_way(way_id: uuid.UUID) -> Response:
    ways.unlink(current_user.user_id, way_id)
    flash("Removed. It no longer signs in to your account.", "success")
    return see("/me/security")


@pages.post("/me/security/ways/<uuid:way_id>/contact", access=confirmed(signed_in))
def make_contact(way_id: uuid.UUID) -> Response:
    ways.make_contact(current_user.user_id, way_id)
    flash("Mails go to this address from now on.", "success")
    return see("/me/security")


# --- the second factor ------------------------------------------------------------------------------------


@pages.get("/me/security/authenticator", access=signed_in)
def authenticator() -> Response:
    return see("/me/security") if current_user.two_factor else _authenticator(200, [])


def _authenticator(status: int, errors: list[Any]) -> Response:
    found = second_factor.address(db.session(), current_user.user_id, settings())
    target = safe_next(request.values.get("next"), "")
    page = answer(
        "accounts/authenticator.html",
        status,
        address=found[0] if found else None,
        seed=" ".join(found[1][i : i + 4] for i in range(0, 32, 4)) if found else None,
        picture=segno.make(found[0], error="m").svg_data_uri(light="#fff", border=3, scale=5) if found else None,
        errors=errors,
        next=target,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


@pages.post("/me/security/authenticator/start", access=confirmed(signed_in))
def start_authenticator() -> Response:
    second_factor.begin(current_user.user_id, settings())
    return see(_kept("/me/security/authenticator"))


@pages.post("/me/security/authenticator", access=confirmed(signed_in))
def confirm_authenticator() -> Response:
    try:
        token, codes = second_factor.confirm(
            current_user.user_id, current_user.session_id, request.form.get("code", ""), settings()
        )
    except Invalid as error:
        return _authenticator(422, error.errors)
    identity.begin(token)
    return _codes(codes, "The second factor is on")


@pages.post("/me/security/authenticator/off", access=confirmed(signed_in))
def turn_off() -> Response:
    identity.begin(second_factor.turn_off(current_user.user_id, current_user.session_id))
    flash("The second factor is off. Your other sessions have ended.", "success")
    return see("/me/security")


@pages.get("/me/security/codes", access=signed_in)
def codes_page() -> Response:
    """Codes are shown once; a reload goes back to where new ones are made."""
    return see("/me/security")


@pages.post("/me/security/codes", access=confirmed(signed_in))
def new_codes() -> Response:
    token, codes = second_factor.new_codes(current_user.user_id, current_user.session_id)
    identity.begin(token)
    return _codes(codes, "New recovery codes")


def _codes(codes: list[str], title: str) -> Response:
    target = safe_next(request.form.get("next"), "/me/security")
    page = answer("accounts/recovery_codes.html", codes=codes, title=title, next=target)
    page.headers["Cache-Control"] = "no-store"
    return page


def _kept(path: str) -> str:
    target = safe_next(request.form.get("next"), "")
    return f"{path}?next={quote(target, safe='/')}" if target else path


# --- devices ----------------------------------------------------------------------------------------------


@pages.get("/me/sessions", access=signed_in)
def devices() -> Response:
    found = sessions.devices(db.session(), current_user.user_id, settings())
    rows = [
        {
            "id": d.id,
            "name": d.name,
            "network": d.network,
            "since": d.since,
            "last_seen": d.last_seen,
            "this": d.id == current_user.session_id,
        }
        for d in found
    ]
    return answer("accounts/sessions.html", devices=sorted(rows, key=lambda row: not row["this"]))


@pages.post("/me/sessions/<uuid:session_id>/end", access=signed_in)
def end_session(session_id: uuid.UUID) -> Response:
    if session_id == current_user.session_id:
        raise Conflict("This is the browser you are using. Sign out from the menu instead.")
    sessions.revoke(current_user.user_id, session_id)
    flash("That browser is signed out.", "success")
    return see("/me/sessions")


@pages.post("/me/sessions/end-others", access=signed_in)
def end_others() -> Response:
    ended = sessions.revoke_others(current_user.user_id, current_user.session_id)
    flash(f"{ended} other browser{'' if ended == 1 else 's'} signed out.", "success")
    return see("/me/sessions")
