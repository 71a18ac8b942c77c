"""Identity providers: state, nonce and PKCE hold, and an identity is its issuer and subject."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import providers, ways
from portal.accounts.enums import AuthProvider
from portal.accounts.models import Account, IdentityProvider, User
from portal.accounts.sign_in_models import OAuthAttempt
from portal.audit.models import SecurityEvent
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import unseal
from portal.db import db
from tests import factories
from tests.accounts.provider import CLIENT, SECRET, Person, Provider, running
from tests.accounts.steps import Jobs, SignIn, by_link, code, enrol, last_mail
from tests.conftest import Client, browser

BACK = "http://127.0.0.1:5000/login/with/"


@pytest.fixture
def provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Two rows for one running provider: Google speaks OpenID Connect, GitHub plain OAuth 2.0."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    settings = replace(app.config["SETTINGS"], outbound_loopback=True)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    with running(BACK) as made:
        providers.put(AuthProvider.GOOGLE, "Soundhall ID", CLIENT, SECRET, {"issuer": made.issuer}, settings)
        plain = {"issuer": "https://github.com", "kind": "oauth2", "subject": "id"}
        endpoints = {"authorization": "/authorize", "token": "/token", "userinfo": "/user"}
        plain |= {f"{name}Endpoint": made.issuer + path for name, path in endpoints.items()}
        providers.put(AuthProvider.GITHUB, "GitHub", CLIENT, SECRET, plain, settings)
        yield made


def leave(client: Client, name: str = "google", **fields: str) -> str:
    """The address at the provider that the small page goes on to."""
    page = client.post(f"/login/with/{name}", data={"next": "/vstudio", **fields})
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def answered(address: str) -> dict[str, str]:
    """The provider asks nobody: what it sends the browser back with."""
    location = requests.get(address, allow_redirects=False, timeout=5).headers["Location"]
    assert location.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def give(client: Client, fields: dict[str, str], name: str = "google") -> Any:
    page = client.get(f"/login/with/{name}/back", query_string=fields)
    assert page.status_code == 200
    assert "data-onward" in page.text
    return client.post(f"/login/with/{name}/back", data=fields)


def visit(client: Client, name: str = "google") -> Any:
    return give(client, answered(leave(client, name)), name)


def nobody(client: Client) -> bool:
    return client.get("/api/v2/me").status_code == 401


def new_person(client: Client, run_jobs: Jobs, name: str = "google", email: str = "mira@example.org") -> None:
    assert visit(client, name).location == "/login/email"
    assert client.post("/login/email", data={"email": email}).location == "/login/check-mail"
    run_jobs()
    found = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert found
    assert client.post(found.group()).location == "/vstudio"


@pytest.mark.parametrize("name", ["google", "github"])
def test_signing_in(client: Client, provider: Provider, run_jobs: Jobs, app: Flask, name: str) -> None:
    """Promise 62: OpenID Connect, and OAuth 2.0 without an id_token."""
    assert "Continue with Soundhall ID" in client.get("/login").text
    new_person(client, run_jobs, name)
    other = browser(app)
    answer = visit(other, name)
    assert (answer.status_code, answer.location) == (303, "/vstudio")
    assert other.get("/api/v2/me").json["email"] == "mira@example.org"
    wanted = f"{provider.issuer}#subject-1" if name == "google" else "https://github.com#583231"
    assert wanted in set(db.session().scalars(sa.select(Account.provider_account_id)))


def test_what_the_provider_is_asked(client: Client, provider: Provider) -> None:
    """Promise 62: state, nonce and PKCE (S256), different each time."""
    asked = [parse_qs(urlsplit(leave(client)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [BACK + "google/back"]
    stored = db.session().execute(sa.text("SELECT string_agg(oauth_attempts::text, '') FROM oauth_attempts")).scalar()
    assert asked[0]["state"][0] not in str(stored)
    assert SECRET not in str(db.session().scalars(sa.select(IdentityProvider.client_secret)).all())


def test_the_email_decides_nothing(client: Client, provider: Provider, session: Session, app: Flask) -> None:
    """Promise 62: a verified e-mail of somebody who is known here opens nothing."""
    known = factories.person(session, "mira@provider.example").id
    assert visit(client).location == "/login/email"
    assert nobody(client)
    assert 'value="mira@provider.example"' in client.get("/login/email").text
    assert [w.provider for w in ways.of(db.session(), known)] == [AuthProvider.MAGIC_LINK]


def test_another_subject_is_another_person(client: Client, provider: Provider, run_jobs: Jobs, app: Flask) -> None:
    """Promise 62: the same address at the provider, another subject."""
    new_person(client, run_jobs)
    provider.person = Person(sub="subject-2")
    assert visit(browser(app)).location == "/login/email"


def test_state(client: Client, provider: Provider, app: Flask) -> None:
    """Promise 62: only the browser that asked, only once, only what was asked, only for ten minutes."""
    fields = answered(leave(client))
    assert give(browser(app), fields).status_code == 400
    for state in ("", "x", fields["state"][:-1], f"{uuid.uuid4().hex}.{fields['state'].partition('.')[2]}"):
        assert give(client, fields | {"state": state}).status_code == 400
    assert give(client, fields, "github").status_code == 400
    assert give(client, fields).location == "/login/email"
    assert give(client, fields).status_code == 400
    fields = answered(leave(client))
    db.session().execute(sa.update(OAuthAttempt).values(expires_at=sa.func.now()))
    db.session.commit()
    assert give(client, fields).status_code == 400
    refused = db.session().scalars(sa.select(SecurityEvent.description)).all()
    assert len(refused) == 8, refused


def test_a_code_is_worth_nothing_without_its_verifier(client: Client, provider: Provider, app: Flask) -> None:
    """Promise 62: PKCE. A code of another visit, put into this one, is refused by the provider."""
    theirs, mine = answered(leave(browser(app))), answered(leave(client))
    assert give(client, mine | {"code": theirs["code"]}).status_code == 503
    assert nobody(client)


def test_an_answer_of_another_issuer(client: Client, provider: Provider) -> None:
    """Promise 62: `iss` in the answer (RFC 9207) is held against the row."""
    fields = answered(leave(client))
    assert give(client, fields | {"iss": "https://evil.example"}).status_code == 400


TWISTS: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "https://evil.example"},
    "audience": {"aud": "another-client"},
    "two audiences, not for us": {"aud": [CLIENT, "another"], "azp": "another"},
    "nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1},
    "no expiry": {"exp": None},
    "no subject": {"sub": None},
    "issued in the future": {"iat": 2**33},
}


@pytest.mark.parametrize("claims", TWISTS.values(), ids=TWISTS)
def test_an_id_token_that_does_not_hold(client: Client, provider: Provider, claims: dict[str, Any]) -> None:
    """Promise 62."""
    provider.twist = lambda real: real | claims
    assert visit(client).status_code == 503
    assert nobody(client)


@pytest.mark.parametrize("how", ["with_another_key", "with_the_secret", "with_nothing"])
def test_an_id_token_that_nobody_signed(client: Client, provider: Provider, how: str) -> None:
    """Promise 62: another key, the shared secret as a key, and no signature at all."""
    provider.sign = getattr(provider, how)
    assert visit(client).status_code == 503
    assert nobody(client)


def test_a_provider_that_is_another_one(client: Client, provider: Provider) -> None:
    provider.broken = True
    assert client.post("/login/with/google").status_code == 503


def test_providers_that_are_not_there(client: Client, provider: Provider) -> None:
    for name in ("apple", "magic_link", "nothing"):
        assert client.post(f"/login/with/{name}").status_code == 404
    db.session().execute(sa.update(IdentityProvider).values(enabled=False))
    db.session.commit()
    assert client.post("/login/with/google").status_code == 404
    assert "Soundhall" not in client.get("/login").text


def test_they_said_no(client: Client, provider: Provider) -> None:
    page = client.get("/login/with/google/back?error=access_denied&state=x")
    assert "Not signed in" in page.text


def test_the_second_factor_comes_after_it(client: Client, provider: Provider, run_jobs: Jobs, app: Flask) -> None:
    """Promise 58's rule for every way in."""
    new_person(client, run_jobs)
    user_id = db.session().scalars(sa.select(User.id)).one()
    enrol(client, user_id)
    other = browser(app)
    assert visit(other).location == "/login/code"
    assert nobody(other)
    other.post("/login/code", data={"code": code(user_id)})
    assert not nobody(other)


def test_linking_and_unlinking(client: Client, provider: Provider, run_jobs: Jobs, app: Flask) -> None:
    """Several to one person, each on its own page, and never another person's."""
    by_link(client, run_jobs)
    assert visit(client).location == "/vstudio"
    assert visit(client, "github").location == "/vstudio"
    user_id = db.session().scalars(sa.select(User.id)).one()
    mine = ways.of(db.session(), user_id)
    assert [w.kind for w in mine] == ["E-mail", "Soundhall ID", "GitHub"]
    stranger = browser(app)
    by_link(stranger, run_jobs, "stranger@example.org")
    assert visit(stranger).status_code == 409
    assert client.post(f"/me/security/ways/{mine[1].id}/remove").location == "/me/security"
    assert visit(browser(app)).location == "/login/email"


def test_an_attacker_s_answer_links_nothing(
    client: Client, provider: Provider, session: Session, sign_in: SignIn, app: Flask
) -> None:
    """Promise 62: an answer that somebody else began, sent to a person who is signed in, is refused."""
    fields = answered(leave(browser(app)))
    sign_in(client, factories.person(session))
    assert client.post("/login/with/google/back", data=fields).status_code == 400
    assert db.session().scalars(sa.select(Account).where(Account.provider == AuthProvider.GOOGLE)).all() == []


def test_the_command_that_sets_one_up(app: Flask, client: Client, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of-apple\n")
    config = '{"issuer": "https://appleid.apple.com"}'
    options = ["--name", "Apple", "--client-id", "org.example", "--config", config]
    options += ["--secret-file", f"{tmp_path}/secret"]
    result = app.test_cli_runner().invoke(args=["identity-providers", "set", "apple", *options])
    assert result.exit_code == 0, result.output
    assert "/login/with/apple/back" in result.output
    row = db.session().scalars(sa.select(IdentityProvider)).one()
    settings = app.config["SETTINGS"]
    sealed = row.client_secret or ""
    assert unseal(data_keys(settings), IdentityProvider.client_secret, row.id, sealed) == "of-apple"
    assert "Continue with Apple" in client.get("/login").text
