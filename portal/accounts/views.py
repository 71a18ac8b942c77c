"""Pages of signing in and out: a link by e-mail, opened and confirmed with a button."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask import session as cookie
from flask_login import current_user
from werkzeug.wrappers import Response

from portal import mail
from portal.accounts import forms, identity, queries, service
from portal.chain.signer import newcomer_wallets
from portal.config import Settings
from portal.crypto import new_token, same, token_hash
from portal.db import db
from portal.errors import Conflict, Invalid, NotFound
from portal.web.access import anyone, signed_in
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("accounts", __name__)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


@pages.get("/login", access=anyone, endpoint="login_get")
def login() -> Any:
    target = safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return see(target)
    return answer("accounts/login.html", values={}, errors=[], next=target)


@pages.post("/login", access=anyone)
def send_link() -> Response:
    """One neutral answer whether the address is known or not."""
    target = safe_next(request.form.get("next"))
    try:
        form = parse(forms.SignIn, form_body())
    except Invalid as error:
        return answer("accounts/login.html", 422, values=request.form, errors=error.errors, next=target)
    service.request_magic_link(form.email, _browser(), target, _settings())
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
    same_browser = same(link.browser_hash or "", token_hash(_browser()))
    return answer("accounts/login_confirm.html", token=token, email=_masked(link.email), same_browser=same_browser)


@pages.post("/login/<token>", access=anyone)
def use_link(token: str) -> Response:
    session_token, target = service.sign_in_with_link(token, _settings())
    identity.begin(session_token)
    return see(safe_next(target))


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
    if not _settings().newcomer_tools:
        raise NotFound
    return answer("accounts/dev_mail.html", mails=mail.kept(_settings()))


@pages.get("/me", access=signed_in)
def me() -> Response:
    """A person's own pages start with what they hold."""
    return see("/me/portfolio")


@pages.get("/me/wallets", access=signed_in)
def wallets() -> Response:
    linked = queries.wallets_of(db.session(), current_user.user_id)
    return answer(
        "accounts/wallets.html",
        wallets=[{"address": w.wallet_address, "label": w.label, "primary": w.is_primary} for w in linked],
        demo=_free_demo_wallets(),
        next=safe_next(request.args.get("next"), ""),
    )


@pages.post("/me/wallets", access=signed_in)
def link_demo_wallet() -> Response:
    """Demo wallets exist in the embedded default on loopback alone."""
    offered = {w["address"]: w["number"] for w in _free_demo_wallets()}
    address = request.form.get("address", "").lower()
    if address not in offered:
        raise Conflict("This demo wallet is taken. Choose another one.")
    chain_id = str(_settings().chain_id)
    service.link_demo_wallet(current_user.user_id, address, chain_id, f"Demo wallet {offered[address]}")
    return see(safe_next(request.form.get("next"), "/me/wallets"))


def _free_demo_wallets() -> list[dict[str, Any]]:
    every = list(newcomer_wallets(_settings()))
    taken = queries.linked_among(db.session(), every, str(_settings().chain_id))
    return [{"number": n, "address": a} for n, a in enumerate(every, 1) if a not in taken]


def _browser() -> str:
    """A random id of this browser, to tell a link opened elsewhere; it means nothing once signed in."""
    if "browser" not in cookie:
        cookie["browser"] = new_token()
    return str(cookie["browser"])


def _masked(email: str) -> str:
    """mira@example.org -> m…@example.org."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"
