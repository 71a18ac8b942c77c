"""Signing in by link: one neutral answer, a button, one use, and a sign-out that kills the cookie."""

from __future__ import annotations

import datetime as dt
import html
import re
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import mail
from portal.accounts import limits, links
from portal.accounts.models import MagicLinkToken, RateLimit, User, UserSession
from portal.accounts.service import open_session
from portal.audit.models import AuditLog, SecurityEvent
from portal.crypto import token_hash
from portal.db import db
from portal.errors import Gone, TooMany
from tests import factories
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
    """Promise 58: a mail scanner that opens the link does not consume it."""
    link = ask(client, run_jobs)
    for _ in range(3):
        assert client.get(link).status_code == 200
    assert client.post(link).status_code == 303


def test_known_and_unknown_addresses_get_the_same_answer(client: Client, run_jobs: Jobs) -> None:
    """Promise 57: status, headers and body, of the form, of the page after it and of the mail."""
    client.post(ask(client, run_jobs, "known@example.org"))
    client.post("/logout")
    told = [_all_of(client, run_jobs, f"{name}@example.org") for name in ("known", "other")]
    assert told[0] == told[1]
    assert "(address)" in told[0][1][2]


def _all_of(client: Client, run_jobs: Jobs, email: str) -> list[tuple[Any, ...]]:
    """What somebody learns who asks for a link to this address, without the address and what is random."""
    answers = [client.post("/login", data={"email": email}), client.get("/login/check-mail")]
    own = {"X-Request-Id", "Set-Cookie", "Content-Length"}
    headers = [sorted(pair for pair in answer.headers if pair[0] not in own) for answer in answers]
    seen: list[tuple[Any, ...]] = [
        (answer.status_code, told, _neutral(answer.text, email))
        for answer, told in zip(answers, headers, strict=True)
    ]
    run_jobs()
    mails = [kept for kept in mail.kept(client.application.config["SETTINGS"]) if kept["to"] == email]
    return [*seen, (mails[0]["subject"], _neutral(str(mails[0]["text"]), email))]


def _neutral(text: str, email: str) -> str:
    text = re.sub(r'(name="csrf[-_]token" (?:content|value)=)"[^"]*"', r"\1", text.replace(email, "(address)"))
    text = re.sub(r"\b[0-9a-f]{32,64}\b|\d{4}-\d\d-\d\dT[\d:.]+Z", "(of the moment)", text)
    return re.sub(r"[\w.-]+\.[\w-]{6}\.[\w-]{27}", "(token)", text)


def test_no_other_form_tells_who_is_known(client: Client, session: Session, app: Flask) -> None:
    """Promise 57: adding an address to one's account says the same of one that somebody else has."""
    factories.person(session, "known@example.org")
    me = browser(app)
    token = open_session(session, factories.person(session, "me@example.org"), app.config["SETTINGS"])
    session.commit()
    with me.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True
    told = []
    for email in ("known@example.org", "other@example.org"):
        answer = me.post("/me/security", data={"email": email})
        told.append((answer.status_code, answer.location, _neutral(me.get("/me/security").text, email)))
    assert told[0] == told[1]
    assert "A link is on its way" in told[0][2]


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
    """Promise 56: the eleventh link to one address in five minutes is refused."""
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
    assert client.get("/dev/mail").status_code == 200
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], bind="0.0.0.0:5000"))
    assert client.get("/dev/mail").status_code == 404


def test_a_link_opened_elsewhere_asks_first(client: Client, run_jobs: Jobs, app: Flask) -> None:
    """Promise 58: bound to the browser that asked; another one is told so and shown who asked."""
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    link = ask(client, run_jobs)
    elsewhere = browser(app)
    assert "asked for in another browser" not in client.get(link).text
    page = elsewhere.get(link).text
    assert "asked for in another browser" in page
    assert "Firefox on Linux" in page
    assert "mira@example.org" not in page
    assert elsewhere.post(link).status_code == 303
    assert client.get("/api/v2/me").status_code == 401


def test_of_twenty_that_use_a_link_one_gets_in(live_app: Flask, client: Client, run_jobs: Jobs) -> None:
    """Promise 58: single use, also at the same instant."""
    token = ask(client, run_jobs).removeprefix("/login/")
    settings = live_app.config["SETTINGS"]
    let_in: list[str] = []

    def use() -> None:
        with live_app.app_context():
            try:
                let_in.append(links.sign_in_with_link(token, "", settings)[0].token)
            except Gone:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 1
    refused = db.session().scalar(sa.select(sa.func.count()).select_from(SecurityEvent))
    assert refused == 19


def test_the_token_has_256_bits_and_lasts_15_minutes(client: Client, run_jobs: Jobs) -> None:
    """Promise 58."""
    token = ask(client, run_jobs).removeprefix("/login/")
    assert len(bytes.fromhex(token)) * 8 == 256
    row = db.session().scalars(sa.select(MagicLinkToken)).one()
    assert row.expires_at - row.created_at < dt.timedelta(minutes=15, seconds=5)
    assert row.token_hash == token_hash(token)


def test_a_link_survives_a_new_secret_key(
    client: Client, run_jobs: Jobs, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that is sent after SECRET_KEY was changed holds the link that was asked for before."""
    settings = app.config["SETTINGS"]
    client.post("/login", data={"email": "mira@example.org"})
    new = "another-secret-of-more-than-32-characters"
    changed = replace(settings, secret_key=new, secret_key_fallbacks=(settings.secret_key,))
    monkeypatch.setitem(app.config, "SETTINGS", changed)
    run_jobs()
    assert client.post(_link(app)).status_code == 303


def test_known_and_unknown_addresses_take_the_same_way(session: Session, app: Flask) -> None:
    """Promise 57: the database is asked the same for both, so that neither can take longer."""
    factories.person(session, "known@example.org")
    asked: dict[str, list[str]] = {"known": [], "unknown": []}
    with app.test_request_context("/login", method="POST"):
        for name, statements in asked.items():
            listen = partial(_note_statement, statements)
            sa.event.listen(sa.Engine, "before_cursor_execute", listen)
            links.request_magic_link(f"{name}@example.org", "b", "/", app.config["SETTINGS"])
            sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert asked["known"] == asked["unknown"]
    assert any("magic_link_tokens" in statement for statement in asked["known"])


def _note_statement(statements: list[str], _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    statements.append(re.sub(r"sa_savepoint_\d+", "savepoint", statement))


@pytest.mark.slow
def test_known_and_unknown_addresses_take_as_long(session: Session, app: Flask) -> None:
    """Promise 57: the medians of the times for a known and an unknown address differ by less than 10 %."""
    for number in range(150):
        factories.person(session, f"known-{number}@example.org")

    settings = replace(app.config["SETTINGS"], sign_in_tries=10**6)

    def difference() -> float:
        times: dict[str, list[float]] = {"known": [], "unknown": []}
        for number in range(150):
            for kind, spent in times.items():
                start = time.perf_counter()
                with app.test_request_context("/login", method="POST"):
                    links.request_magic_link(f"{kind}-{number}@example.org", "b", "/", settings)
                spent.append(time.perf_counter() - start)
        known, unknown = (statistics.median(spent) for spent in times.values())
        return abs(known - unknown) / unknown

    assert any(difference() < 0.1 for _ in range(3))


NEXT = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example",
    "https:evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    " //evil.example",
    "/\x0d//evil.example",
    "",
    "http://localhost@evil.example/",
    "/%0d%0aSet-Cookie:x=1",
    "/.//evil.example",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("target", NEXT)
def test_next_stays_here_everywhere(client: Client, run_jobs: Jobs, target: str) -> None:
    """Promise 71: at each step that keeps `next`, the place it leads to is on this host."""
    page = client.get("/login", query_string={"next": target}).text
    kept = re.search(r'name="next" value="([^"]*)"', page)
    assert kept
    places = [html.unescape(kept[1]), client.post(ask(client, run_jobs, next=target)).location]
    places.append(client.get("/login", query_string={"next": target}).location)
    again = re.search(r'name="next" value="([^"]*)"', client.get("/login/again", query_string={"next": target}).text)
    assert again
    places.append(html.unescape(again[1]))
    for place in places:
        whole = urlsplit(urljoin("http://localhost/login", place.replace("\\", "/")))
        assert whole.netloc == "localhost", place
        assert not re.search(r"[\x00-\x20\\]", place)
        assert not place.startswith("//")


def test_a_network_is_limited_too(client: Client) -> None:
    """Promise 56: ten links in five minutes for one network, whatever addresses they go to; others go on."""
    outside = {"REMOTE_ADDR": "203.0.113.7"}
    for number in range(10):
        said = {"X-Forwarded-For": f"198.51.100.{number}"}
        answer = client.post(
            "/login", data={"email": f"n{number}@example.org"}, headers=said, environ_overrides=outside
        )
        assert answer.status_code == 303
    assert client.post("/login", data={"email": "n@example.org"}, environ_overrides=outside).status_code == 429
    other = {"REMOTE_ADDR": "2001:db8::1"}
    assert client.post("/login", data={"email": "m@example.org"}, environ_overrides=other).status_code == 303
    networks = set(db.session().scalars(sa.select(RateLimit.identifier).where(RateLimit.identifier_type == "network")))
    assert networks == {"203.0.113.7", "2001:db8::/64"}
    mails = db.session().scalars(sa.select(RateLimit.identifier).where(RateLimit.identifier_type == "email")).all()
    assert not any("@" in m for m in mails)


def test_the_limit_holds_for_many_at_once_without_the_cache(live_app: Flask) -> None:
    """Promise 56: counted in PostgreSQL, so neither more processes nor the loss of Valkey gives more tries."""
    limit = [limits.Limit("test", "person", "somebody", 10, 300)]
    passed: list[int] = []

    def spend() -> None:
        with live_app.app_context():
            try:
                limits.spend(limit)
                passed.append(1)
            except TooMany:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=spend) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 10
    later = dt.timedelta(minutes=6)
    past = {"window_start": RateLimit.window_start - later, "window_end": RateLimit.window_end - later}
    db.session().execute(sa.update(RateLimit).values(past))
    db.session.commit()
    limits.spend(limit)


def test_an_inactive_account_stays_out(client: Client, run_jobs: Jobs, session: Session) -> None:
    factories.person(session, "mira@example.org")
    session.execute(sa.update(User).values(status="suspended"))
    session.commit()
    assert client.post(ask(client, run_jobs)).status_code == 410
    assert client.get("/api/v2/me").status_code == 401
