"""Signing in by wallet, and /me/wallets: link, name, unlink, and where money goes."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from flask import flash, request
from flask import session as cookie
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import forms, links, proofs, queries, service, wallets
from portal.accounts.door import browser, enter, settings
from portal.accounts.entry import Admission
from portal.accounts.enums import AuthProvider
from portal.chain.signer import demo_signers
from portal.config import LOOPBACK
from portal.db import db
from portal.errors import Conflict, Invalid
from portal.web.access import anyone, confirmed, money, signed_in
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("accounts_wallets", __name__)
ENTER, LINK = "/login/wallet", "/me/wallets/link"


def _origin() -> str:
    """What the wallet sees in the address bar: the portal's own, and on a newcomer's machine any of its names."""
    here = urlsplit(request.host_url)
    if settings().newcomer_tools and here.hostname in LOOPBACK:
        return f"{here.scheme}://{here.netloc}"
    return settings().public_url


# --- signing in -------------------------------------------------------------------------------------------


@pages.get("/login/wallet", access=anyone)
def choose() -> Response:
    return _choose(ENTER, 200, [])


@pages.get("/login/wallet/sign", access=anyone)
def sign_page() -> Response:
    """A message is made for one visit; after a reload one starts again."""
    return see(ENTER)


@pages.post("/login/wallet/sign", access=anyone)
def prepare() -> Response:
    return _prepare(ENTER)


@pages.post("/login/wallet", access=anyone)
def sign_in() -> Response:
    try:
        address = _proved()
    except Invalid as error:
        return _choose(ENTER, 422, error.errors)
    found, target = wallets.sign_in(address, browser(), settings()), safe_next(request.form.get("next"))
    if isinstance(found, Admission):
        return enter(found, target)
    cookie["proof"], cookie["then"] = str(found), target
    return see("/login/email")


@pages.get("/login/email", access=anyone)
def ask_email() -> Response:
    proof = proofs.waiting(db.session(), cookie.get("proof", ""), browser())
    if proof is None:
        return see("/login")
    return _ask_email(200, proof.provider, {"email": proof.email_hint or ""}, [])


@pages.post("/login/email", access=anyone)
def send_link() -> Response:
    """The link signs in and, opened in this browser, makes what was proved here a way in."""
    proof = proofs.waiting(db.session(), cookie.get("proof", ""), browser())
    if proof is None:
        return see("/login")
    try:
        form = parse(forms.SignIn, form_body())
    except Invalid as error:
        return _ask_email(422, proof.provider, dict(request.form), error.errors)
    links.request_magic_link(
        form.email, browser(), safe_next(cookie.get("then")), settings(), proof_id=proof.id
    )
    cookie["asked_for"] = form.email
    return see("/login/check-mail")


def _ask_email(status: int, provider: AuthProvider, values: dict[str, Any], errors: list[Any]) -> Response:
    what = "wallet" if provider is AuthProvider.WALLET else f"{provider.value.title()} account"
    return answer("accounts/login_email.html", status, what=what, values=values, errors=errors)


def _choose(action: str, status: int, errors: list[Any], address: str = "") -> Response:
    return answer(
        "accounts/wallet_choose.html",
        status,
        action=action,
        errors=errors,
        address=address,
        chain_id=settings().chain_id,
        next=safe_next(request.values.get("next"), "/" if action == ENTER else "/me/wallets"),
    )


def _prepare(action: str) -> Response:
    address = request.form.get("address", "").strip()
    try:
        message = wallets.prepare(address, browser(), _origin(), settings())
    except Invalid as error:
        return _choose(action, 422, error.errors, address)
    target = safe_next(request.form.get("next"), "/")
    return answer("accounts/wallet_sign.html", action=action, message=message, address=address, next=target)


def _proved() -> str:
    message, signature = request.form.get("message", ""), request.form.get("signature", "")
    return wallets.proved(message, signature, browser(), _origin(), settings())


# --- one's own --------------------------------------------------------------------------------------------


@pages.get("/me/wallets", access=signed_in)
def mine() -> Response:
    session = db.session()
    linked = queries.wallets_of(session, current_user.user_id)
    change = wallets.waiting_change(session, current_user.user_id)
    return answer(
        "accounts/wallets.html",
        wallets=[
            {
                "id": w.id,
                "address": w.wallet_address,
                "label": w.label,
                "primary": w.is_primary,
                "coming": change.effective_at if change and change.wallet_id == w.id else None,
            }
            for w in linked
        ],
        demo=_free_demo_wallets(),
        next=safe_next(request.args.get("next"), ""),
        hours=settings().payout_cool_off_seconds // 3600,
    )


@pages.post("/me/wallets", access=signed_in)
def link_demo_wallet() -> Response:
    """Demo wallets exist in the embedded default on loopback alone."""
    offered = {w["address"]: w["number"] for w in _free_demo_wallets()}
    address = request.form.get("address", "").lower()
    if address not in offered:
        raise Conflict("This demo wallet is taken. Choose another one.")
    chain_id = str(settings().chain_id)
    service.link_demo_wallet(current_user.user_id, address, chain_id, f"Demo wallet {offered[address]}")
    return see(safe_next(request.form.get("next"), "/me/wallets"))


@pages.get("/me/wallets/link", access=signed_in)
def link_choose() -> Response:
    return _choose(LINK, 200, [])


@pages.get("/me/wallets/link/sign", access=signed_in)
def link_sign_page() -> Response:
    return see(LINK)


@pages.post("/me/wallets/link/sign", access=confirmed(signed_in))
def link_prepare() -> Response:
    return _prepare(LINK)


@pages.post("/me/wallets/link", access=confirmed(signed_in))
def link() -> Response:
    try:
        address = _proved()
    except Invalid as error:
        return _choose(LINK, 422, error.errors)
    wallets.link(current_user.user_id, address, settings())
    flash("The wallet is linked, and signs in to your account from now on.", "success")
    return see(safe_next(request.form.get("next"), "/me/wallets"))


@pages.post("/me/wallets/<uuid:wallet_id>/label", access=signed_in)
def rename(wallet_id: uuid.UUID) -> Response:
    form = parse(forms.WalletLabel, form_body())
    wallets.rename(current_user.user_id, wallet_id, form.label or "")
    return see("/me/wallets")


@pages.post("/me/wallets/<uuid:wallet_id>/unlink", access=confirmed(signed_in))
def unlink(wallet_id: uuid.UUID) -> Response:
    wallets.unlink(current_user.user_id, wallet_id)
    flash("The wallet is no longer linked to you.", "success")
    return see("/me/wallets")


@pages.post("/me/wallets/<uuid:wallet_id>/primary", access=money)
def ask_primary(wallet_id: uuid.UUID) -> Response:
    when = wallets.ask_primary(current_user.user_id, wallet_id, settings())
    flash(f"Money goes to that wallet from {when:%-d %B, %H:%M} UTC on. You can stop it until then.", "success")
    return see("/me/wallets")


@pages.post("/me/wallets/stop", access=signed_in)
def stop_change() -> Response:
    """Stopping needs no code: it keeps money where it goes now."""
    wallets.stop_change(current_user.user_id)
    flash("Stopped. Your primary wallet stays as it is.", "success")
    return see("/me/wallets")


def _free_demo_wallets() -> list[dict[str, Any]]:
    every = list(demo_signers(settings()))
    taken = queries.linked_among(db.session(), every, str(settings().chain_id))
    return [{"number": n, "address": a} for n, a in enumerate(every, 1) if a not in taken]
