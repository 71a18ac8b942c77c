"""No bad input is a server error: every route, odd paths, queries, bodies and forms; what was typed stays."""

from __future__ import annotations

import html
import itertools
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.app import create_app
from portal.config import Settings
from portal.revenue import service as revenue
from portal.web import openapi
from tests import factories
from tests.conftest import Client
from tests.revenue import helpers
from tests.undone import undone
from tests.vstudio import studio
from tests.web import odd

SignIn = Callable[[Client, User], str]
RULES = sorted(create_app(Settings(database_url="postgresql+psycopg://")).url_map.iter_rules(), key=lambda r: r.rule)
API = [rule for rule in RULES if rule.rule.startswith("/api/v")]
PAGES = [rule for rule in RULES if rule not in API and "static" not in rule.rule and "logout" not in rule.rule]
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
Known = dict[str, list[str]]
FEW = settings(
    deadline=None,
    max_examples=60,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
MANY = settings(FEW, max_examples=1500)


@pytest.fixture
def known(app: Flask, session: Session, client: Client, sign_in: SignIn) -> Known:
    """Somebody who may do everything, signed in, and the ids of one of each thing of theirs."""
    artist = factories.artist(session, "Ines Okoro-Vale", user=factories.person(session, roles=[UserRole.ADMIN]))
    owner, artist_id = artist.user, artist.id
    link_wallet(session, owner.id, "0x" + "ab" * 20, "31337", "Main")
    ready, bare = factories.master(session, artist), factories.master(session, artist, ipo=False, rights=False)
    masters = [str(ready.id), str(bare.id)]
    event = revenue.record_revenue(owner.id, ready.id, helpers.report(currency="EUR"), app.config["SETTINGS"])
    room = studio.room(session, session.get_one(type(artist), artist_id))
    decision = studio.poll(room)
    sign_in(client, session.get_one(User, room.owner_id))
    return {
        "master_id": masters,
        "event_id": [str(event.id)],
        "session_id": [str(room.id)],
        "decision_id": [str(decision.id)],
        "slug": ["ines-okoro-vale"],
    }


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def path(rule: Rule, known: Known, data: st.DataObject | None = None) -> str:
    """The rule with known ids, and now and then with a stranger's or with nonsense."""

    def fill(found: re.Match[str]) -> str:
        kind, name = found[1] or "", found[2]
        if kind.startswith("any"):
            return kind[4:-1].split(",")[0].strip()
        own = known.get(name, [])
        if own and (data is None or data.draw(st.integers(0, 5))):
            return own[0] if data is None else data.draw(st.sampled_from(own))
        if kind == "uuid":
            return str(uuid.UUID(int=7))
        return quote("nobody" if data is None else data.draw(odd.texts.filter(bool))[:300], safe="", errors="replace")

    return re.sub(r"<(?:([^<>]+):)?([^<>]+)>", fill, rule.rule)


def hold(answer: TestResponse, rule: Rule) -> None:
    """No server error (a silent chain is 503); an API's refusal is in its envelope, which the client has checked."""
    assert answer.status_code < 500 or answer.status_code == 503, (rule.rule, answer.status_code, answer.text[:500])
    if rule in API and answer.status_code >= 400:
        legacy = rule.rule.startswith("/api/v1/")
        assert answer.mimetype == ("application/json" if legacy else "application/problem+json"), rule.rule


def test_malformed_bodies(client: Client, known: Known) -> None:
    """Four of them for each route, all of them for the API: the routes share their reader."""
    bodies = itertools.cycle(itertools.zip_longest(*[iter(odd.BODIES * 2)] * 4, fillvalue=odd.BODIES[0]))
    for rule in API:
        for method in methods(rule):
            for body, kind in next(bodies) if method in UNSAFE else ():
                hold(client.open(path(rule, known), method=method, data=body, content_type=kind), rule)


@pytest.mark.walk
def test_unknown_ids_and_methods(client: Client, known: Known) -> None:
    for rule in RULES:
        if "logout" not in rule.rule:
            hold(client.open(path(rule, {}), method=methods(rule)[0]), rule)
            assert client.open(path(rule, known), method="TRACE").status_code in {404, 405}, rule.rule


@FEW
@given(st.data())
def test_bodies_near_the_document(client: Client, known: Known, data: st.DataObject) -> None:
    body_near_the_document(client, known, data)


@pytest.mark.slow
@MANY
@given(st.data())
def test_many_bodies_near_the_document(client: Client, known: Known, data: st.DataObject) -> None:
    body_near_the_document(client, known, data)


def body_near_the_document(client: Client, known: Known, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([rule for rule in API if UNSAFE & set(methods(rule))]))
    document = openapi.document(int(rule.rule[6]))
    operation = document["paths"][openapi.path_of(rule)][methods(rule)[0].lower()]
    sent: dict[str, Any] = {}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        sent = {"data": odd.encoded(data.draw(odd.near(schema, document))), "content_type": "application/json"}
    with undone():
        hold(client.open(path(rule, known, data), method=methods(rule)[0], **sent), rule)


@FEW
@given(st.data())
def test_odd_questions(client: Client, known: Known, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([rule for rule in (*API, *PAGES) if "GET" in methods(rule)]))
    names = ("limit", "after", "genre", "artist", "minPrice", "maxPrice", "currency", "sort", "q", "tab", "next")
    names += ("wallet", "masterId", "hash", "status", "view", "range", "cursor", "page", "step")
    query = data.draw(st.dictionaries(st.sampled_from(names), odd.texts.map(lambda t: t[:500]), max_size=3))
    asked = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query.items())
    headers = data.draw(st.sampled_from([{}, {"HX-Request-Type": "partial"}, {"Accept": "application/json"}]))
    hold(client.get(f"{path(rule, known, data)}?{asked}", headers=headers), rule)


def forms(client: Client, known: Known) -> list[odd.Form]:
    """The forms of all pages, once each."""
    found: dict[tuple[str, tuple[str, ...]], odd.Form] = {}
    for rule in PAGES:
        if "GET" not in methods(rule):
            continue
        for master in known["master_id"][: 2 if "master_id" in rule.arguments else 1]:
            here = path(rule, known | {"master_id": [master]})
            answer = client.get(here, follow_redirects=True)
            for form in odd.Forms(answer.text, answer.request.path).found if answer.mimetype == "text/html" else ():
                if "logout" not in form.action:
                    found.setdefault((form.action, tuple(form.fields)), form)
    return list(found.values())


@pytest.mark.walk
def test_what_was_typed_stays(app: Flask, client: Client, known: Known) -> None:
    """A form whose every typed field is wrong or odd comes back with all of it."""
    adapter, found, refused = app.url_map.bind(""), forms(client, known), 0
    actions = {form.action.partition("?")[0] for form in found}
    seen = {adapter.match(action, "POST", return_rule=True)[0].rule for action in actions}
    assert len(seen) >= 10, seen
    for form in (form for form in found if form.typed):
        typed = {name: f"kept <{number}>" for number, name in enumerate(sorted(form.typed))}
        answer = client.post(form.action, data=form.fields | typed)
        if answer.status_code >= 400:
            lost = [name for name, value in typed.items() if html.escape(value) not in answer.text]
            assert not lost, (form.action, answer.status_code, lost)
            refused += 1
    assert refused >= 5


@pytest.mark.walk
@FEW
@given(st.data())
def test_odd_forms(client: Client, known: Known, data: st.DataObject) -> None:
    odd_form(client, known, data)


@pytest.mark.slow
@MANY
@given(st.data())
def test_many_odd_forms(client: Client, known: Known, data: st.DataObject) -> None:
    odd_form(client, known, data)


def odd_form(client: Client, known: Known, data: st.DataObject) -> None:
    if not (found := FORMS.setdefault(known["session_id"][0], [])):
        found += forms(client, known)
    form = data.draw(st.sampled_from(found))
    changed = data.draw(st.dictionaries(st.sampled_from([*form.fields, "extra"]), odd.texts, max_size=4))
    sent = {name: value.encode("utf-8", "replace") for name, value in (form.fields | changed).items()}
    with undone():
        answer = client.post(form.action, data=sent)
        assert answer.status_code < 500 or answer.status_code == 503, (form.action, answer.text[:500])


FORMS: dict[str, list[odd.Form]] = {}
"""By the room of the test that found them: one crawl for all examples."""
