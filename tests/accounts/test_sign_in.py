"""Signing in by link: one neutral answer, a button, one use, and a sign-out that kills the cookie."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import mail
from portal.accounts.models import MagicLinkToken, User, UserSession
from portal.audit.models import AuditLog
from tests.conftest import Client, browser

Jobs = Callable[[], int]


def _link(app: Flask) -> str:
    text = str(mail.kept(app.config["SETTINGS"])[0]["text"])
    found = re.search(r"/login/[0-9a-f]{64}", text)
    assert found
    return found.group()


def ask(client: Client, run_jobs: Jobs, email: str = "mira@example.org", **fields: str) -> str:
    assert client.post("/login", data={"email": email, **fields}).status_code == 303
    run_jobs()
    return _link(client.application)


def test_a_link_signs_in_once(client: Client, run_jobs: Jobs, session: Session) -> None:
    link = ask(client, run_jobs, next="/vstudio")
    assert b"<button" in client.get(link).data
    answer = client.post(link)
    assert (answer.status_code, answer.location) == (303, "/vstudio")
    assert client.get("/api/v2/me").json["email"] == "mira@example.org"
    assert client.post(link).status_code == 410


def test_opening_a_link_uses_nothing_up(client: Client, run_jobs: Jobs) -> None:
    link = ask(client, run_jobs)
    for _ in range(3):
        assert client.get(link).status_code == 200
    assert client.post(link).status_code == 303


def test_known_and_unknown_addresses_get_the_same_answer(client: Client, run_jobs: Jobs) -> None:
    client.post(ask(client, run_jobs, "known@example.org"))
    client.post("/logout")
    known = client.post("/login", data={"email": "known@example.org"})
    unknown = client.post("/login", data={"email": "unknown@example.org"})
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)


def test_an_old_link_is_refused(client: Client, run_jobs: Jobs, session: Session) -> None:
    link = ask(client, run_jobs)
    hour = dt.timedelta(hours=1)
    session.execute(
        sa.update(MagicLinkToken).values(
            created_at=MagicLinkToken.created_at - hour, expires_at=sa.func.now() - hour / 2
        )
    )
    session.commit()
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410


def test_signing_out_kills_every_copy_of_the_cookie(client: Client, run_jobs: Jobs, app: Flask) -> None:
    client.post(ask(client, run_jobs))
    thief = browser(app)
    cookie = client.get_cookie("audifi")
    assert cookie is not None
    thief.set_cookie("audifi", cookie.value)
    assert thief.get("/api/v2/me").status_code == 200
    client.post("/logout")
    assert thief.get("/api/v2/me").status_code == 401


def test_the_token_is_in_no_table(client: Client, run_jobs: Jobs, session: Session) -> None:
    token = ask(client, run_jobs).removeprefix("/login/")
    client.post(f"/login/{token}")
    for model in (MagicLinkToken, UserSession, AuditLog):
        rows = (
            session.execute(
                sa.select(
                    sa.func.string_agg(sa.cast(sa.literal_column(f"{model.__tablename__}.*"), sa.Text), "")
                ).select_from(model)
            ).scalar()
            or ""
        )
        assert token not in rows


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "a b@c.de", "x" * 300 + "@c.de", "a@exa\u202emple.org"])
def test_bad_addresses_are_refused_and_kept(client: Client, email: str) -> None:
    answer = client.post("/login", data={"email": email})
    assert answer.status_code == 422
    assert b"Error: " in answer.data


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil", "javascript:1"]
)
def test_next_never_leaves_the_host(client: Client, run_jobs: Jobs, target: str) -> None:
    assert client.post(ask(client, run_jobs, next=target)).location == "/"


def test_too_many_links(client: Client) -> None:
    for _ in range(10):
        assert client.post("/login", data={"email": "busy@example.org"}).status_code == 303
    answer = client.post("/login", data={"email": "busy@example.org"})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "300"


def test_a_first_sign_in_makes_one_person_with_an_audit_row(client: Client, run_jobs: Jobs, session: Session) -> None:
    client.post(ask(client, run_jobs))
    assert session.scalars(sa.select(User.email)).all() == ["mira@example.org"]
    actions = set(session.scalars(sa.select(AuditLog.action)))
    assert {"create_user", "grant_role", "sign_in"} <= actions


def test_me_never_shows_the_second_factor(client: Client, run_jobs: Jobs) -> None:
    client.post(ask(client, run_jobs))
    body = client.get("/api/v1/me").json
    assert "twoFactorEnabled" in body
    assert not [key for key in body if "secret" in key.lower()]


def test_dev_mail_is_only_in_the_embedded_default(client: Client, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    assert client.get("/dev/mail").status_code == 200
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], bind="0.0.0.0:5000"))
    assert client.get("/dev/mail").status_code == 404
