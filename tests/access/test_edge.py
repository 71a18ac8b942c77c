"""The edge of every address: headers, cookies, forged requests, reads that write, and how often one may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.config import Settings
from portal.db import db, utcnow
from portal.embedded.valkey import Valkey
from portal.web.access import anyone
from portal.web.pages import guarded
from tests.access import canaries
from tests.access.people import World
from tests.access.table import LINES, WHO, YES
from tests.access.test_matrix import asked, ids  # noqa: F401  (fixture)
from tests.recorded import WRITES

UNSAFE = [each for each in LINES if each.method != "GET"]
READS = [each for each in LINES if each.method == "GET"]
JSON = [each for each in UNSAFE if each.body.startswith("{")]
YEAR = 31_536_000
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def hold_headers(answer: TestResponse, *, https: bool) -> None:
    headers, where = answer.headers, (answer.request.method, answer.request.path, answer.status_code)
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    needed = {"default-src": "'none'", "frame-ancestors": "'none'"} if "sandbox" in policy else POLICY
    assert needed.items() <= policy.items(), where
    assert "unsafe" not in headers["Content-Security-Policy"], where
    assert "*" not in headers["Content-Security-Policy"], where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer", "strict-origin-when-cross-origin"}, where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert not {"Server", "X-Powered-By"} & set(headers.keys()), where
    hsts = headers.get("Strict-Transport-Security", "")
    assert bool(hsts) is https, where
    if https:
        assert int(hsts.partition("=")[2].partition(";")[0]) >= YEAR, where
        assert "includeSubDomains" in hsts, where
    for cookie in headers.getlist("Set-Cookie"):
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= parts, (where, cookie)
        assert not [part for part in parts if part.startswith("domain")], (where, cookie)
        assert ("secure" in parts and cookie.startswith("__Host-")) or not https, (where, cookie)


@pytest.mark.walk
def test_every_answer_has_its_headers(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promises 51, 54, 55: pages, programs, files and refusals alike."""
    for each in LINES:
        for kind in ("anonymous", "owner") if each.method == "GET" else ("owner",):
            hold_headers(asked(world, ids, each, kind), https=False)
    for path in ("/nowhere", "/masters/../x", "/api/v2/nowhere", "/static/0/x.css"):
        hold_headers(world.ask("fan", "GET", path), https=False)
    hold_headers(world.ask("fan", "POST", "/", headers={"X-CSRFToken": None}), https=False)


INSIDE = re.compile(
    r"Traceback|\b\w*(?:Error|Exception)\(|RuntimeError|SELECT |psycopg|sqlalchemy|/portal/|site-packages|\.py\b"
    r"|(?:Werkzeug|Python|Flask|gunicorn|PostgreSQL|htmx|socket\.io)[/ -]v?\d",
    re.I,
)


def break_views(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page and a program's address that fail, and others whose database is away."""

    def broken() -> None:
        db.session.execute(sa.text("SELECT name FROM no_such_table WHERE secret = :mark"), {"mark": canaries.MARK})

    def away() -> None:
        raise sa.exc.OperationalError("SELECT secret", {}, Exception("connection to 10.0.0.7 port 5432 failed"))

    views = {"marketplace.help": broken, "accounts_api.get_me_v1": broken, "accounts_api.get_me_v2": broken}
    views |= {"marketplace.risk_get": away, "accounts_api.get_me_subscriptions_v2": away}
    for endpoint in set(views) & set(app.view_functions):
        view: Any = guarded(views[endpoint], anyone)
        view.declared = getattr(app.view_functions[endpoint], "declared", None)
        monkeypatch.setitem(app.view_functions, endpoint, view)


def refusals(world: World) -> Iterator[TestResponse]:
    """One of each way in which an address may not answer as one would like."""
    large = {"data": "x" * 1_100_000, "content_type": "application/x-www-form-urlencoded"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/nowhere", {}),
        ("GET", "/api/v1/nowhere", {}),
        ("GET", "/api/v2/nowhere", {}),
        ("GET", "/static/0/x.css", {}),
        ("GET", "/%00", {}),
        ("GET", "/masters/%ff", {}),
        ("GET", "//help", {}),
        ("PUT", "/help", {}),
        ("DELETE", "/api/v2/marketplace", {}),
        ("TRACE", "/", {}),
        ("PROPFIND", "/login", {}),
        ("POST", "/me/profile", large),
        ("POST", "/api/v2/masters", large),
        ("POST", "/api/v2/masters", {"data": "{", "content_type": "application/json"}),
        ("POST", "/api/v2/masters", {"data": "<a/>", "content_type": "application/xml"}),
        ("POST", "/api/v2/masters", {"json": {"nothing": 1}}),
        ("POST", "/me/profile", {"data": {}}),
        ("POST", "/me/profile", {"data": {}, "headers": {"X-CSRFToken": "forged"}}),
        ("POST", "/logout", {"headers": {"Sec-Fetch-Site": "cross-site"}}),
        ("GET", "/admin/users", {}),
        ("GET", "/api/v2/admin/users", {}),
        ("GET", "/help", {}),
        ("GET", "/help", {"headers": {"HX-Request": "true", "HX-Request-Type": "partial"}}),
        ("GET", "/legal/risk", {}),
        ("GET", "/api/v1/me", {}),
        ("GET", "/api/v2/me", {}),
        ("OPTIONS", "/help", {}),
        ("HEAD", "/nowhere", {}),
    ]
    for method, path, sent in asked:
        yield world.ask("fan", method, path, echoes=True, **sent)
    picture = f"/avatars/{world.people['fan']}.svg"
    known = {"If-None-Match": world.ask("fan", "GET", picture).headers["ETag"]}
    yield world.ask("fan", "GET", picture, headers=known)
    for _ in range(12):
        yield world.ask("fan", "GET", "/api/v2/marketplace", environ_base={"REMOTE_ADDR": "192.0.2.44"})


def test_refusals_have_their_headers_and_tell_nothing(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promises 54, 55, 72: every kind of refusal and error; no stack, SQL, name of a file or version in any of them."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], api_per_person=15))
    break_views(app, monkeypatch)
    seen = set()
    for answer in refusals(world):
        where = (answer.request.method, answer.request.path, answer.status_code)
        hold_headers(answer, https=False)
        seen.add(answer.status_code)
        if answer.status_code >= 400:
            assert not INSIDE.search(answer.text), (where, INSIDE.search(answer.text))
            assert canaries.MARK not in answer.text, where
        if answer.status_code >= 400 and answer.request.path.startswith("/api/v2/"):
            assert answer.mimetype == "application/problem+json", where
            assert answer.json["requestId"] == answer.headers["X-Request-Id"], where
    assert {200, 304, 308, 400, 403, 404, 405, 413, 422, 429, 500, 503} <= seen, seen


def test_under_https(app: Flask) -> None:
    """Promises 51, 55: `__Host-` cookies and HSTS on whatever is answered, errors included."""
    secure = create_app(replace(app.config["SETTINGS"], base_url="https://portal.example"))
    client, cookies = secure.test_client(), 0
    where = {"base_url": "https://portal.example"}
    for path in ("/", "/login", "/me", "/nowhere", "/healthz", "/api/v1/me", "/api/v2/me", "/api/v2/nowhere"):
        for method in ("GET", "POST"):
            answer = client.open(path, method=method, **where)
            hold_headers(answer, https=True)
            cookies += len(answer.headers.getlist("Set-Cookie"))
    assert cookies >= 1
    with secure.app_context():
        db.engine.dispose()


# --- forged requests --------------------------------------------------------------------------------------


def test_without_the_token_nothing_is_done(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 52: every unsafe address without a token, and with somebody else's, also for htmx and signing out."""
    for each in UNSAFE:
        for headers in ({"X-CSRFToken": None}, {"X-CSRFToken": "forged"}, {"X-CSRFToken": None, "HX-Request": "true"}):
            answer = world.ask("owner", each.method, each.path(ids), headers=headers, **each.sent(ids))
            assert answer.status_code == 400, (each.rule, headers, answer.status_code)


def test_another_site_does_nothing(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 52: with the right token, but on behalf of another site, every unsafe address refuses."""
    for each in UNSAFE:
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = world.ask("owner", each.method, each.path(ids), headers=headers, **each.sent(ids))
        assert answer.status_code == 403, (each.rule, answer.status_code)
    here = {"Sec-Fetch-Site": "same-origin"}
    assert world.ask("owner", "POST", "/me/profile", data={"displayName": "Me"}, headers=here).status_code == 303
    assert world.ask("owner", "GET", "/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_an_old_tab_still_works(world: World) -> None:
    """Promise 52: a page that was open for hours sends its form like any other."""
    token = world.browsers["owner"].csrf()
    with time_machine.travel(utcnow().timestamp() + 3 * 3600, tick=True):
        answer = world.ask("owner", "POST", "/me/profile", data={"displayName": "Me"}, headers={"X-CSRFToken": token})
    assert answer.status_code == 303


# --- reads ------------------------------------------------------------------------------------------------


@contextmanager
def written() -> Iterator[list[str]]:
    """The tables that statements write to meanwhile."""
    tables: list[str] = []
    connection: Any = db.engines[None]

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        tables.extend(WRITES.findall(statement))

    sa.event.listen(connection.engine, "before_cursor_execute", note)
    try:
        yield tables
    finally:
        sa.event.remove(connection.engine, "before_cursor_execute", note)


@pytest.mark.walk
def test_reading_writes_nothing(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 53: no GET changes anything, bar when a browser was last seen and security events."""
    with written() as tables:
        for each in READS:
            for kind in ("anonymous", "owner", "host", "admin"):
                asked(world, ids, each, kind)
                assert set(tables) <= {"user_sessions", "security_events"}, (each.rule, kind, tables)
        world.ask("owner", "POST", "/me/profile", data={"displayName": "Me"})
        assert "users" in tables


# --- bodies -----------------------------------------------------------------------------------------------

BODIES: dict[str, tuple[str, int]] = {
    "NaN": ('{"amount": NaN}', 400),
    "Infinity": ('{"amount": -Infinity}', 400),
    "the same name twice": ('{"title": "a", "title": "b"}', 400),
    "too deep": ('{"title": ' + "[" * 40 + "]" * 40 + "}", 400),
    "far too deep": ("[" * 100_000, 400),
    "no object": ("[]", 400),
    "half": ('{"title": "', 400),
    "too much": ('{"title": "' + "x" * 1_000_001 + '"}', 413),
}


@pytest.mark.parametrize("odd", BODIES)
def test_bodies_that_no_program_should_send(world: World, ids: dict[str, str], odd: str) -> None:  # noqa: F811
    """Promise 64: 400 or 413 at every address that takes JSON, and never an error of ours."""
    body, status = BODIES[odd]
    for each in JSON:
        mine = next(kind for kind in ("owner", "host", "admin") if WHO[each.who][kind] == YES)
        sent = {"data": body, "content_type": "application/json"}
        answer = world.ask(mine, each.method, each.path(ids), echoes=True, **sent)
        assert answer.status_code == status, (each.rule, answer.status_code)


def test_forms_have_a_limit_too(world: World) -> None:
    """Promise 64: a megabyte of a form, in one field or in many."""
    for fields in ({"displayName": "x" * 1_100_000}, {f"f{n}": "x" * 1000 for n in range(1100)}):
        assert world.ask("owner", "POST", "/me/profile", data=fields).status_code == 413


# --- how often --------------------------------------------------------------------------------------------


@pytest.fixture
def few(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Five requests and two votes a person and minute; a network three times as many."""
    settings = replace(
        app.config["SETTINGS"], api_per_person=5, api_per_network=15, votes_per_person=2, votes_per_network=6
    )
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return settings


def statuses(world: World, kind: str, network: str, times: int) -> list[int]:
    where = {"REMOTE_ADDR": network}
    return [world.ask(kind, "GET", "/api/v2/me", environ_base=where).status_code for _ in range(times)]


def test_a_person_and_a_network_have_limits(world: World, few: Settings) -> None:
    """Promise 56: the sixth of five is 429 and says when to come back; others go on, until their network is spent."""
    assert statuses(world, "fan", "192.0.2.1", 6) == [200] * 5 + [429]
    told = world.ask("fan", "GET", "/api/v2/me", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert 1 <= int(told.headers["Retry-After"]) <= 61  # a minute, rounded up
    assert told.headers["RateLimit"].startswith('"default";r=0;')
    assert statuses(world, "owner", "192.0.2.9", 5) == [200] * 5
    assert statuses(world, "anonymous", "192.0.2.77", 16)[-1] == 429
    assert statuses(world, "host", "192.0.2.77", 1) == [429]
    assert world.ask("fan", "GET", "/marketplace", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


FORGED = ("203.0.113.1", "198.51.100.8, 203.0.113.1", "x", "", "127.0.0.1", "unknown", "10.0.0.1:80", "::1", "a" * 500)


def test_a_stranger_does_not_choose_the_network(world: World, few: Settings) -> None:
    """Promise 56: without a proxy of ours, what a request says of where it comes from is not read."""
    headers = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP")
    here, found = {"REMOTE_ADDR": "192.0.2.222"}, []
    for number in range(16):
        said = {name: FORGED[number % len(FORGED)] for name in headers}
        found.append(world.ask("anonymous", "GET", "/api/v2/marketplace", headers=said, environ_base=here).status_code)
    assert found == [200] * 15 + [429]


@pytest.mark.parametrize("proxies", [1, 2])
def test_behind_proxies_the_visitors_network_counts(app: Flask, proxies: int) -> None:
    """Promise 56: what the outermost of our proxies saw is counted, whatever a visitor wrote before it."""
    settings = replace(app.config["SETTINGS"], bind="0.0.0.0:5000", redis_url="", api_per_network=3, proxies=proxies)
    client = create_app(settings).test_client()
    ours = ["", ", 10.0.0.2"][proxies - 1]

    def ask(visitor: str, forged: str = "") -> int:
        said = {"X-Forwarded-For": f"{forged}, {visitor}{ours}".lstrip(", ")}
        return client.get("/api/v2/me", headers=said, environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code

    assert [ask("192.0.2.1", forged) for forged in (*FORGED[:3], "192.0.2.9")] == [401] * 3 + [429]
    assert ask("192.0.2.9") == 401, "another network goes on"
    assert [ask(f"2001:db8:0:1::{n}") for n in range(1, 5)] == [401] * 3 + [429], "an IPv6 network is a /64"
    assert ask("2001:db8:0:2::1") == 401
    assert [ask(said) for said in ("::ffff:192.0.2.33", "192.0.2.33", "::ffff:192.0.2.33", "192.0.2.33")][-1] == 429
    assert ask("::ffff:192.0.2.34") == 401, "and an IPv4 address in IPv6 clothes is that address"
    assert [ask(said) for said in ("x", "", "unknown", "y")][-1] == 429, "nonsense counts as the proxy's own"


def test_votes_have_limits_of_their_own(world: World, few: Settings) -> None:
    """Promise 56: by the page's form and by the API alike."""
    room, decision = world.ids["room"], world.ids["decision"]
    form = {"decisionId": decision, "optionSelected": "a"}
    where = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    assert world.ask("fan", "POST", f"/vstudio/{room}", data=form, **where).status_code == 303
    path = f"/api/v2/vstudio/decisions/{decision}/votes"
    assert world.ask("fan", "POST", path, json={"optionSelected": "b"}, **where).status_code == 201
    assert world.ask("fan", "POST", path, json={"optionSelected": "c"}, **where).status_code == 429
    assert world.ask("fan", "POST", f"/vstudio/{room}", data=form, **where).status_code == 429
    assert world.ask("other", "POST", path, json={"optionSelected": "c"}, **where).status_code == 201


def test_the_limits_survive_the_cache(app: Flask, tmp_path: Any) -> None:
    """Promise 56: with the cache gone requests are answered, and still counted."""
    cache = Valkey(tmp_path)
    settings = replace(app.config["SETTINGS"], bind="0.0.0.0:5000", redis_url=cache.start(), api_per_network=3)
    other = create_app(settings)
    client = other.test_client()

    def ask() -> int:
        return client.get("/api/v2/marketplace", environ_base={"REMOTE_ADDR": "203.0.113.5"}).status_code

    assert ask() == 200
    cache.stop()
    found = [ask() for _ in range(6)]
    assert found[:2] == [200, 200]
    assert found[-1] == 429
    assert set(found) == {200, 429}
    with other.app_context():
        db.engine.dispose()
