"""Promises 42, 43, 44: nobody writes what is not theirs to write; what was taken away is gone with the next request."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from pydantic.alias_generators import to_camel

from portal.accounts import service
from portal.accounts.enums import AccountStatus, Permission
from portal.accounts.models import RoleGrant, User
from portal.db import Model, db, utcnow
from portal.web import sockets
from portal.web.bodies import NOT_FIELDS
from tests.access.people import World
from tests.access.table import LINES, WHO, YES, Line
from tests.access.test_matrix import asked, ids  # noqa: F401  (fixture)
from tests.access.test_rooms import connected, fresh, line  # noqa: F401  (fixture)

WRITES = [each for each in LINES if each.method != "GET" and not each.rule.startswith(("/login", "/logout"))]
FORM = "application/x-www-form-urlencoded"
PROTECTED = (
    "SELECT id, user_id, is_verified FROM artists ORDER BY id",
    "SELECT id, status, email_verified FROM users ORDER BY id",
    "SELECT user_id, role_id, expires_at FROM user_roles ORDER BY 1, 2",
    "SELECT user_id, permission, expires_at FROM permission_grants ORDER BY 1, 2",
    "SELECT id, artist_id FROM masters ORDER BY id",
    "SELECT master_id, retained_platform_bps FROM master_ipos ORDER BY 1",
    "SELECT user_id, plan_id, status FROM subscriptions ORDER BY 1, 2",
    "SELECT id, user_id, wallet_address, verified FROM user_wallets ORDER BY id",
    "SELECT id, master_id, status, verified_by FROM revenue_events ORDER BY id",
    "SELECT id, artist_id FROM vstudio_sessions ORDER BY id",
)
"""What no form writes: whose things are, what people may, how they stand, and the platform's part."""
BOOKS = "SELECT (SELECT count(*) FROM ledger_entries), (SELECT jsonb_agg(r ORDER BY id) FROM revenue_events r)"


def columns() -> set[str]:
    """Every column of every table, as the database and as the API would spell it, and what people try."""
    names = {column.name for table in Model.metadata.tables.values() for column in table.columns}
    return names | {to_camel(name) for name in names} | {"role", "roles", "permissions", "isAdmin"}


def protected() -> list[Any]:
    connection: Any = db.engines[None]
    return [connection.exec_driver_sql(statement).all() for statement in PROTECTED]


def own_fields(world: World, each: Line) -> set[str]:
    """The fields of the body that the address declares."""
    rule = next(r for r in world.app.url_map.iter_rules() if (each.rule, True) == (r.rule, each.method in r.methods))
    body = world.app.view_functions[rule.endpoint].declared.body  # type: ignore[attr-defined]
    return {to_camel(name) for name in body.model_fields} if body else set()


@pytest.mark.walk
def test_no_program_writes_a_column_by_naming_it(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 42: whichever column a body names beside its own fields, it is 422 and says which."""
    tried = 0
    for each in (each for each in WRITES if each.body.startswith("{")):
        mine = next(kind for kind in ("owner", "host", "admin") if WHO[each.who][kind] == YES)
        extra = dict.fromkeys(columns() - own_fields(world, each), "x")
        body = json.loads(each.sent(ids)["data"])
        answer = world.ask(mine, each.method, each.path(ids), json=body | extra, echoes=True)
        assert answer.status_code == 422, (each.rule, answer.status_code, answer.text[:200])
        if each.rule.startswith("/api/v2/"):
            assert extra.keys() <= {error["field"] for error in answer.json["errors"]}, each.rule
            tried += 1
    assert tried > 10


@pytest.mark.walk
def test_no_form_writes_a_column_that_it_has_not(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 42: every form with every column beside its own fields: refused, or as if they had not been sent."""
    odd = {"user_id": str(world.people["other"]), "artist_id": ids["hosts"], "retained_platform_bps": "1"}
    odd |= {"is_verified": "on", "status": "suspended", "role": "admin", "permissions[]": "admin:users"}
    odd |= {to_camel(name): value for name, value in odd.items()}
    for each in (each for each in WRITES if not each.body.startswith("{") and WHO[each.who]["owner"] == YES):
        own = dict(pair.split("=") for pair in each.sent(ids).get("data", "").split("&") if pair)
        extra = dict.fromkeys(columns() - NOT_FIELDS - own.keys(), "x") | odd
        before = protected()
        plain, more = (_left_by(world, each, ids, fields) for fields in (own, extra | own))
        assert more in (plain, before), each.rule


def _left_by(world: World, each: Line, known: dict[str, str], fields: dict[str, str]) -> list[Any]:
    """The protected columns after the owner has sent this form."""
    with world.undone():
        sent: Any = {"data": urlencode(fields), "content_type": FORM}
        world.ask("owner", each.method, each.path(known), keep=True, echoes=True, **sent)
        db.session.remove()
        return protected()


# --- what is taken away -----------------------------------------------------------------------------------


def test_a_lost_role_is_lost_with_the_next_request(world: World, line: None) -> None:  # noqa: F811
    """Promise 43: role, permission and account, taken away or expired; open sockets within a second (one sweep)."""
    doors = {"admin": "/api/v2/admin/users", "finance": "/admin/revenue", "owner": "/studio", "fan": "/me/profile"}
    open_lines = {kind: connected(world, kind) for kind in (*doors, "host")}
    fresh()
    assert {world.ask(kind, "GET", path).status_code for kind, path in doors.items()} == {200}
    assert sockets.sweep() == 0
    session = db.session()
    past = {"expires_at": utcnow() - dt.timedelta(hours=1)}
    session.execute(sa.update(RoleGrant).where(RoleGrant.user_id == world.people["admin"]).values(past))
    session.execute(sa.delete(RoleGrant).where(RoleGrant.user_id == world.people["owner"]))
    service.revoke_permission(session, world.people["finance"], Permission.FINANCE_VERIFY)
    session.execute(sa.update(User).where(User.id == world.people["fan"]).values(status=AccountStatus.SUSPENDED))
    session.commit()
    after = {kind: world.ask(kind, "GET", path).status_code for kind, path in doors.items()}
    assert after == {"admin": 403, "finance": 403, "owner": 403, "fan": 302}
    fresh()
    started = time.monotonic()
    assert sockets.sweep() == 4
    assert sockets.EVERY_SECONDS + time.monotonic() - started < 1
    assert {kind for kind, socket in open_lines.items() if socket.is_connected()} == {"host"}


def test_finance_that_may_read_writes_nothing(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 44: `finance:read` reads the books of every master and changes none of them."""
    session = db.session()
    service.revoke_permission(session, world.people["finance"], Permission.FINANCE_VERIFY)
    session.commit()
    path = f"/api/v2/masters/{ids['live']}/revenue-events"
    connection: Any = db.engines[None]
    before = connection.exec_driver_sql(BOOKS).all()
    assert world.ask("finance", "GET", path).status_code == 200
    for each in (each for each in WRITES if each.who in {"books", "finance"}):
        with world.undone():
            answer = world.ask("finance", each.method, each.path(ids), keep=True, **each.sent(ids))
            assert answer.status_code in {403, 404}, each.rule
            db.session.remove()
            assert connection.exec_driver_sql(BOOKS).all() == before, each.rule


def test_books_and_records_are_for_those_they_are_for(world: World, ids: dict[str, str]) -> None:  # noqa: F811
    """Promise 44: whoever is neither owner nor finance finds no books; records change by these acts alone."""
    path = f"/api/v2/masters/{ids['live']}/revenue-events"
    for kind in ("fan", "other", "host", "producer", "security"):
        assert world.ask(kind, "GET", path).status_code == 404
    records = ("audit", "security-events", "webhooks", "invoices", "jobs")
    assert {each.rule for each in WRITES if any(f"/{name}" in each.rule for name in records)} == {
        "/admin/security-events/<uuid:alert_id>/investigate",
        "/admin/security-events/<uuid:alert_id>/resolve",
        "/admin/audit/verify",
        "/admin/jobs/<uuid:job_id>/retry",
    }
