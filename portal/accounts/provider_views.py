"""Signing in by an identity provider: leave, come back, press on."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import flash, request
from flask import session as cookie
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import providers
from portal.accounts.door import browser, enter, settings
from portal.accounts.entry import Admission
from portal.accounts.enums import AuthProvider
from portal.web.access import anyone, confirmed, signed_in
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("accounts_providers", __name__, cli_group="identity-providers")


@pages.post("/login/with/<provider>", access=anyone)
def leave(provider: str) -> Response:
    """A small page that goes on to the provider: a redirect of a form may not leave the site (form-action 'self').

    Whoever is signed in adds the identity to their account.
    """
    if current_user.is_authenticated:
        confirmed(signed_in).check()
    target = safe_next(request.form.get("next"))
    attempt, name, address = providers.begin(provider, browser(), target, settings())
    cookie["linking"] = str(attempt) if current_user.is_authenticated else ""
    return answer("accounts/provider_leave.html", name=name, address=address)


@pages.get("/login/with/<provider>", access=anyone)
def again(provider: str) -> Response:
    return see("/login")


@pages.get("/login/with/<provider>/back", access=anyone)
def back(provider: str) -> Response:
    """The provider's answer arrives by GET, which changes nothing here: a form carries it on."""
    fields = {name: request.args[name] for name in ("code", "state", "iss") if name in request.args}
    return answer("accounts/provider_back.html", fields=fields, provider=provider, said_no="error" in request.args)


@pages.post("/login/with/<provider>/back", access=anyone)
def go_on(provider: str) -> Response:
    attempt, identity, target = providers.finish(provider, request.form.to_dict(), browser(), settings())
    if current_user.is_authenticated and cookie.pop("linking", "") == str(attempt):
        providers.link(current_user.user_id, identity)
        flash("Added. It signs in to your account from now on.", "success")
        return see(safe_next(target, "/me/security"))
    found = providers.sign_in(identity, browser(), settings())
    if isinstance(found, Admission):
        return enter(found, target)
    cookie["proof"], cookie["then"] = str(found), target
    return see("/login/email")


@pages.cli.command("set")
@click.argument("provider", type=click.Choice(["google", "microsoft", "apple", "github"]))
@click.option("--name", required=True, help="As the button says it: Continue with …")
@click.option("--client-id", required=True)
@click.option("--secret-file", type=click.Path(exists=True, path_type=Path), required=True, help="Read once.")
@click.option("--config", required=True, help='JSON, such as {"issuer": "https://accounts.google.com"}')
def set_provider(provider: str, name: str, client_id: str, secret_file: Path, config: str) -> None:
    """Set an identity provider up, or change it. Its redirect address is <base>/login/with/<provider>/back."""
    secret = secret_file.read_text().strip()
    providers.put(AuthProvider(provider), name, client_id, secret, json.loads(config), settings())
    click.echo(f"Redirect address: {settings().public_url}/login/with/{provider}/back")
