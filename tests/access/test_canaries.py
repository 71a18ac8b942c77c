"""Promise 41: what is secret is in no answer, no log, no error and no frame, for whomever."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.accounts.models import User
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import unseal
from portal.db import db
from portal.web.access import anyone
from portal.web.pages import guarded
from tests.access import canaries
from tests.access.people import World
from tests.access.table import LINES

FORM = re.compile(r'<form\b(?=[^>]*method="post")[^>]*action="([^"]*)"')
HREF = re.compile(r'(?:href|src|action|data-refresh-url|hx-get)="(/[^"#]*)')


def test_the_canaries_are_there(world: World) -> None:
    """Promise 41: the six sealed columns open to the mark, and the search sees what it is to see."""
    session, owner = db.session(), world.people["owner"]
    stored = session.get_one(User, owner).two_factor_secret or ""
    keys = data_keys(world.app.config["SETTINGS"])
    assert canaries.MARK in unseal(keys, User.two_factor_secret, owner, stored).lower()
    assert session.scalar(sa.text("SELECT count(*) FROM subscriptions WHERE stripe_customer_id LIKE 'cus_canary77%'"))
    for text in (stored, "sub_canary77", '{"retainedPlatformBps": 1}', "owner@people.example", world.tokens["owner"]):
        assert canaries.found(text, "fan", world.tokens), text
    assert not canaries.found("owner@people.example", "admin", world.tokens)
    assert not canaries.found("owner@people.example", "owner", world.tokens)


@pytest.mark.walk
def test_following_every_link(world: World) -> None:
    """Promise 41: beside the matrix, every link of every page that these get to see; `World.ask` searches.

    A form sends to an address that there is.
    """
    addresses = world.app.url_map.bind("localhost")
    starts = {line.rule for line in LINES if line.method == "GET" and "<" not in line.rule}
    for kind in ("anonymous", "owner", "admin"):
        seen, waiting = set[str](), sorted(starts)
        while waiting and len(seen) < 100:
            path = waiting.pop()
            shape = re.sub(r"[0-9a-f-]{36}|\d+|=[^&]*", "*", path)
            if shape in seen:
                continue
            seen.add(shape)
            answer = world.ask(kind, "GET", path)
            assert answer.status_code < 500 or answer.status_code == 503, (kind, path, answer.status_code)
            if answer.mimetype == "text/html":
                links = {found.replace("&amp;", "&") for found in HREF.findall(answer.text)}
                waiting += sorted(link for link in links if not urlsplit(link).path.startswith("/static/"))
                lost = [to for to in FORM.findall(answer.text) if to and not addresses.test(urlsplit(to).path, "POST")]
                assert lost == [], path


def test_an_error_tells_nothing(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promises 41 and 72: an error with secrets in its words reaches neither the page, the program nor the log."""
    words = f"?token={canaries.MARK} gcm1.k1.aGVsbG8= SELECT name FROM users WHERE email = 'owner@people.example'"

    def broken() -> None:
        raise RuntimeError(words)

    for endpoint in ("marketplace.help", "accounts_api.get_me_v1", "accounts_api.get_me_v2"):
        view: Any = guarded(broken, anyone)
        view.declared = getattr(app.view_functions[endpoint], "declared", None)
        monkeypatch.setitem(app.view_functions, endpoint, view)
    for path in ("/help", "/api/v1/me", "/api/v2/me"):
        answer = world.ask("fan", "GET", path)
        assert answer.status_code == 500
        assert not re.search(r"Traceback|RuntimeError|SELECT|psycopg|/portal/|Werkzeug/|Python/", answer.text), path
        assert answer.headers["X-Request-Id"] in answer.text or path == "/api/v1/me"
