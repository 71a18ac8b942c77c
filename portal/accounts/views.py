"""Pages of signing in and out: a link by e-mail, opened and confirmed with a button, then the second factor."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from flask import request
from flask import session as cookie
from flask_login import current_user
from werkzeug.wrappers import Response

from portal import mail
from portal.accounts import (
    entry,
    forms,
    identity,
    links,
    profile_views,
    provider_views,
    providers,
    queries,
    refusals,
    second_factor,
    security_views,
    service,
    wallet_views,
)
from portal.accounts.devices import words
from portal.accounts.door import browser, enter, masked, settings, welcome
from portal.crypto import same, token_hash
from portal.db import db
from portal.errors import Invalid, NotFound, SecondFactorNeeded, StepUpNeeded
from portal.web.access import Refusals, anyone, signed_in
from portal.web.answers import api_version, refuse
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, is_partial, safe_next, see

pages = Pages("accounts", __name__)
Refusals.tell = staticmethod(refusals.note)
more_pages = (security_views.pages, profile_views.pages, wallet_views.pages, provider_views.pages)


def _other_ways() -> dict[str, Any]:
    """Passkeys are the third: `passkey=True` shows their button."""
    return {"wallet": True, "providers": providers.offered(db.session())}


# --- the link ---------------------------------------------------------------------------------------------


@pages.get("/login", access=anyone, endpoint="login_get")
def login() -> Any:
    target = safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return see(target)
    return answer("accounts/login.html", values={}, errors=[], next=target, **_other_ways())


@pages.post("/login", access=anyone)
def send_link() -> Response:
    """One neutral answer whether the address is known or not."""
    target = safe_next(request.form.get("next"))
    try:
        form = parse(forms.SignIn, form_body())
    except Invalid as error:
        shown = {"values": request.form, "errors": error.errors, "next": target, **_other_ways()}
        return answer("accounts/login.html", 422, **shown)
    links.request_magic_link(form.email, browser(), target, settings())
    cookie["asked_for"] = form.email
    return see("/login/check-mail")


@pages.get("/login/check-mail", access=anyone)
def check_mail() -> Response:
    return answer("accounts/check_mail.html", email=cookie.get("asked_for", ""))


@pages.get("/login/<token>", access=anyone)
def confirm_link(token: str) -> Response:
    """Always a button: mail scanners that open links use nothing up."""
    link = queries.usable_link(db.session(), token)
    if link is None:
        return answer("accounts/login_gone.html", 410)
    adds = link.user_id is not None
    if adds and link.user_id != current_user.user_id:
        return answer("accounts/login_gone.html", 403, sign_in_first=True)
    return answer(
        "accounts/login_confirm.html",
        token=token,
        email=masked(link.email),
        same_browser=same(link.browser_hash or "", token_hash(browser())),
        device=words(link.requested_agent),
        adds=adds,
    )


@pages.post("/login/<token>", access=anyone)
def use_link(token: str) -> Response:
    link = queries.usable_link(db.session(), token)
    if link is not None and link.user_id is not None and link.user_id == current_user.user_id:
        links.add_email(token, current_user.user_id)
        return see("/me/security")
    return enter(*links.sign_in_with_link(token, browser(), settings()))


# --- the second factor ------------------------------------------------------------------------------------


@pages.get("/login/code", access=anyone)
def code() -> Response:
    if entry.waiting(db.session(), cookie.get("half", "")) is None:
        return see("/login")
    return answer("accounts/login_code.html", errors=[])


@pages.post("/login/code", access=anyone)
def give_code() -> Response:
    half, target = cookie.get("half", ""), cookie.get("then")
    try:
        admission = second_factor.finish_sign_in(half, request.form.get("code", ""), settings())
    except Invalid as error:
        return answer("accounts/login_code.html", 422, errors=error.errors)
    return welcome(admission, target)


@pages.get("/login/again", access=signed_in)
def again() -> Response:
    return answer("accounts/login_again.html", errors=[], next=safe_next(request.args.get("next")))


@pages.post("/login/again", access=signed_in)
def step_up() -> Response:
    """By a code; who has no second factor gets a link by mail instead (`POST /login`)."""
    target = safe_next(request.form.get("next"))
    try:
        token = second_factor.step_up(
            current_user.user_id, current_user.session_id, request.form.get("code", ""), settings()
        )
    except Invalid as error:
        return answer("accounts/login_again.html", 422, errors=error.errors, next=target)
    identity.begin(token)
    return see(target)


@pages.app_errorhandler(SecondFactorNeeded)
def set_up_first(error: SecondFactorNeeded) -> Response:
    return _ask_first(error, "/me/security/authenticator")


@pages.app_errorhandler(StepUpNeeded)
def confirm_first(error: StepUpNeeded) -> Response:
    return _ask_first(error, "/login/again")


def _ask_first(error: SecondFactorNeeded | StepUpNeeded, path: str) -> Response:
    """A page goes and asks, then comes back; a program is told."""
    if api_version() is not None:
        return refuse(error)
    here = request.full_path.rstrip("?") if request.method == "GET" else _page_before()
    location = Response(status=303, headers={"Location": _with_next(path, here)})
    if is_partial():
        location = Response(status=403, headers={"HX-Redirect": _with_next(path, here)})
    return location


def _with_next(path: str, target: str) -> str:
    return f"{path}?next={quote(safe_next(target), safe='/')}"


def _page_before() -> str:
    """The page whose form was sent: nothing was done, and it can be sent again from there."""
    parts = urlsplit(request.referrer or "")
    return parts.path if parts.netloc == request.host else "/me/security"


# --- the rest ---------------------------------------------------------------------------------------------


@pages.post("/logout", access=anyone)
def logout() -> Response:
    if current_user.is_authenticated:
        service.sign_out(current_user.token)
    identity.end()
    return see("/")


@pages.get("/logout", access=anyone)
def logout_page() -> Response:
    """A reload after signing out is no dead end."""
    return see("/")


@pages.get("/dev/mail", access=anyone)
def dev_mail() -> Response:
    """The mails of the embedded default; elsewhere this page does not exist."""
    if not settings().newcomer_tools:
        raise NotFound
    return answer("accounts/dev_mail.html", mails=mail.kept(settings()))


@pages.get("/me", access=signed_in)
def me() -> Response:
    """A person's own pages start with what they hold."""
    return see("/me/portfolio")
