"""Single permissions: in force with the next request, gone with their end, written down, and short sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import Session

from portal.accounts import queries, refusals
from portal.accounts.enums import Permission, UserRole
from portal.accounts.models import User, UserSession
from portal.accounts.service import grant_permission, open_session, revoke_permission
from portal.audit.models import AuditLog, SecurityEvent
from portal.db import db, utcnow
from portal.errors import NotFound
from portal.revenue import queries as revenue
from tests import factories
from tests.conftest import Client
from tests.raw import Raw

HOUR = dt.timedelta(hours=1)
READ, VERIFY = Permission.FINANCE_READ, Permission.FINANCE_VERIFY
SignIn = Callable[[Client, User], str]


@pytest.fixture
def clerk(session: Session) -> User:
    return factories.person(session)


def test_a_grant_is_in_force_until_it_expires(session: Session, clerk: User) -> None:
    grant_permission(session, clerk.id, READ, expires_at=utcnow() + HOUR)
    grant_permission(session, clerk.id, VERIFY, expires_at=utcnow() - HOUR)
    assert queries.permissions_of(session, clerk.id) == {"finance:read"}
    assert revenue.may(session, clerk.id, "finance:read")
    assert not revenue.may(session, clerk.id, "finance:verify")


def test_roles_and_grants_add_up(session: Session) -> None:
    admin = factories.person(session, roles=[UserRole.ADMIN])
    grant_permission(session, admin.id, READ)
    assert queries.permissions_of(session, admin.id) == set(Permission)
    revoke_permission(session, admin.id, READ)
    assert queries.permissions_of(session, admin.id) == set(Permission)


def test_granting_twice_keeps_one_row_with_the_new_end(session: Session, clerk: User) -> None:
    for end in (None, utcnow() - HOUR):
        grant_permission(session, clerk.id, READ, expires_at=end)
    assert queries.permissions_of(session, clerk.id) == set()
    assert session.scalar(sa.text("SELECT count(*) FROM permission_grants")) == 1


def test_every_change_is_written_down(session: Session, clerk: User) -> None:
    grant_permission(session, clerk.id, VERIFY)
    revoke_permission(session, clerk.id, VERIFY)
    rows = session.scalars(sa.select(AuditLog).where(AuditLog.target_identifier == "finance:verify")).all()
    assert {(row.action, row.target_id) for row in rows} == {
        ("grant_permission", clerk.id),
        ("revoke_permission", clerk.id),
    }
    with pytest.raises(NotFound):
        revoke_permission(session, clerk.id, VERIFY)


def test_the_next_request_knows(client: Client, session: Session, clerk: User, sign_in: SignIn) -> None:
    grant_permission(session, clerk.id, VERIFY)
    session.commit()
    sign_in(client, clerk)
    assert client.get("/admin/revenue").status_code == 200
    revoke_permission(db.session(), clerk.id, VERIFY)
    db.session.commit()
    assert client.get("/admin/revenue").status_code == 403


def test_sessions_are_those_of_staff_from_the_grant_on(app: Flask, session: Session, clerk: User) -> None:
    settings = current_app.config["SETTINGS"]
    before = open_session(session, clerk, settings)
    grant_permission(session, clerk.id, READ)
    after = open_session(session, clerk, settings)
    assert queries.live_session(session, before, 10**6, 10**6) is None
    found = queries.live_session(session, after, 10**6, 10**6)
    assert found is not None
    assert found.permissions == {"finance:read"}
    row = session.get_one(UserSession, found.session_id)
    assert row.privileged
    assert row.expires_at - utcnow() <= dt.timedelta(seconds=settings.privileged_absolute_seconds)


def test_what_the_database_refuses(raw: Raw) -> None:
    raw.add("permission_grants")
    raw.refuses("permission_grants", "ck_permission_grants_permission", permission="Anything goes")


def test_a_refusal_is_noted_once(client: Client, session: Session, clerk: User, sign_in: SignIn) -> None:
    """Promise 78: who asks for what is not theirs becomes a security event; asking on adds none for a minute."""
    refusals._told.clear()
    sign_in(client, clerk)
    for _ in range(3):
        assert client.get("/admin/audit").status_code == 403
    assert client.get("/api/v2/admin/users").status_code == 403
    events = db.session().scalars(sa.select(SecurityEvent).order_by(SecurityEvent.created_at)).all()
    assert [(e.event_type.value, e.user_id, e.request_path, e.event_data) for e in events] == [
        ("unauthorized_access", clerk.id, "/admin/audit", {"needed": "permission audit:read"}),
        ("unauthorized_access", clerk.id, "/api/v2/admin/users", {"needed": "permission admin:users"}),
    ]
