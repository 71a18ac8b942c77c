"""Promises 37, 38, 39, 48: every address and room, for every kind of person, as declared by hand in `table`."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import cycle

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.accounts.models import UserSession
from portal.db import db, utcnow
from portal.web.pages import static_url
from tests.access.people import KINDS, SOMEBODY, World
from tests.access.table import CONFIRMED, IN, LINES, NO, NONE, WHO, YES, Line

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
CONFIRM = "confirms"


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    """What the placeholders of the table stand for."""
    _, _, digest, file = static_url("css/app.css").split("/", 3)
    plain = {"slug": "ines-okoro-vale", "hash": "0x" + "0" * 64, "token": "t" * 43, "provider": "google"}
    more = {"version": "1", "number": "1", "owner": str(world.people["owner"]), "other": str(uuid.uuid4())}
    return world.ids | plain | more | {"digest": digest, "file": file}


def outcome(answer: TestResponse) -> str:
    location = answer.headers.get("Location", "")
    if answer.status_code == 401 or location.startswith("/login?next="):
        return IN
    if location.startswith("/login/again"):
        return CONFIRM
    if location.startswith("/me/security/authenticator?"):
        return "sets up a second factor"
    return {403: NO, 404: NONE}.get(answer.status_code, YES)


def asked(world: World, ids: dict[str, str], line: Line, kind: str) -> TestResponse:
    return world.ask(kind, line.method, line.path(ids), **line.sent(ids))


def wrong(world: World, ids: dict[str, str], line: Line, kind: str) -> str | None:
    """What is not as declared, in words."""
    answer = asked(world, ids, line, kind)
    declared, found = WHO[line.who][kind], outcome(answer)
    if found == declared and (found != YES or answer.status_code in line.statuses):
        return None
    what = f"{line.method} {line.path(ids)} as {kind}"
    return f"{what}: {found} {answer.status_code}, not {declared} {set(line.statuses)}"


def test_every_route_is_declared(app: Flask) -> None:
    """Promise 37: a route that the table does not name fails the build, and so does a name without a route."""
    routes = {(m, rule.rule) for rule in app.url_map.iter_rules() for m in (rule.methods or set()) & METHODS}
    assert {line.key for line in LINES} == routes
    for rule in app.url_map.iter_rules():
        assert hasattr(app.view_functions[rule.endpoint], "access"), rule


def test_somebody_gets_what_is_declared(world: World, ids: dict[str, str]) -> None:
    """Promise 37, in short: each address asked by one kind of person, in turn."""
    faults = [wrong(world, ids, line, kind) for line, kind in zip(LINES, cycle(KINDS), strict=False)]
    assert not any(faults), "\n".join(filter(None, faults))


@pytest.mark.walk
def test_everybody_gets_what_is_declared(world: World, ids: dict[str, str]) -> None:
    """Promises 37 and 39: ten kinds of people at every address, with the ids of somebody's own things."""
    faults = [wrong(world, ids, line, kind) for line in LINES for kind in KINDS]
    assert not any(faults), "\n".join(filter(None, faults))


def test_both_versions_decide_alike() -> None:
    """Promise 48: v1 has nothing that v2 has not, and the test above held both against the same declaration."""
    declared = {line.key: (line.who, line.statuses) for line in LINES if not line.things}
    for method, rule in (key for key in declared if key[1].startswith("/api/v1/")):
        assert declared[method, rule] == declared[method, rule.replace("/v1/", "/v2/")], rule


def test_bare_addresses_decide_as_the_api(world: World, ids: dict[str, str]) -> None:
    """Promise 37: a page's address asked for JSON by name is the API's, with the API's door."""
    json = {"Accept": "application/json"}
    for line in (line for line in LINES if line.method == "GET" and line.rule.startswith("/api/v2/")):
        for kind in KINDS:
            answer = world.ask(kind, "GET", line.path(ids).removeprefix("/api/v2"), headers=json)
            assert outcome(answer) == WHO[line.who][kind], (line.rule, kind, answer.status_code)
            assert outcome(answer) != YES or answer.is_json


def test_other_methods(world: World, ids: dict[str, str]) -> None:
    """Promise 37: HEAD is GET without a body; OPTIONS tells methods and nothing else."""
    for line in LINES:
        told = world.ask("anonymous", "OPTIONS", line.path(ids))
        assert (told.status_code, told.data) == (200, b""), line.rule
        if line.method == "GET":
            head = world.ask("fan", "HEAD", line.path(ids))
            assert (outcome(head), head.data) == (WHO[line.who]["fan"], b""), line.rule


def test_what_asks_for_a_fresh_proof(world: World, ids: dict[str, str]) -> None:
    """Promise 47: an hour after the last proof these addresses ask again, and no other does."""
    session = db.session()
    session.execute(sa.update(UserSession).values(step_up_at=utcnow() - dt.timedelta(hours=1)))
    session.commit()
    for line in (line for line in LINES if line.method != "GET"):
        for kind in ("finance", "admin") if line.who in {"finance", "books", "admin", "security"} else ("owner",):
            answer, expected = asked(world, ids, line, kind), WHO[line.who][kind]
            asks = line.key in CONFIRMED and expected != NO
            if asks and line.rule.startswith("/api/"):
                said = answer.json.get("error") or {"code": answer.json["type"].rpartition("-")[2]}
                assert (answer.status_code, said["code"]) == (403, "step_up_needed"), (line.rule, kind)
            else:
                assert outcome(answer) == (CONFIRM if asks else expected), (line.rule, kind)
    recorded = next(line for line in LINES if line.who == "books" and line.method == "POST")
    assert asked(world, ids, recorded, "owner").status_code == 201


def test_somebody_elses_is_as_nothing(world: World, ids: dict[str, str]) -> None:
    """Promise 39: another's id and an id that never was get the same status and the same words."""
    nothing = ids | dict.fromkeys(world.ids, str(uuid.uuid4()))
    for line in (line for line in LINES if WHO[line.who]["other"] == NONE and "<uuid:" in line.rule):
        found = [world.ask("other", line.method, line.path(k), **line.sent(ids)) for k in (ids, nothing)]
        assert [answer.status_code for answer in found] == [404, 404], line.rule
        if found[0].is_json:
            told = [{k: v for k, v in answer.json.items() if k not in {"instance", "requestId"}} for answer in found]
            assert told[0] == told[1], line.rule


def test_no_kind_of_person_is_left_out() -> None:
    assert set(SOMEBODY) | {"anonymous", "suspended"} == set(KINDS)
    assert all(set(who) == set(KINDS) for who in WHO.values())
