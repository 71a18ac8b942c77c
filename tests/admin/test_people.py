"""What staff do about people: it acts at once, is written down, and nobody rises by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.enums import Permission, UserRole
from portal.accounts.models import User, UserSession
from portal.accounts.queries import permissions_of
from portal.accounts.service import grant_permission
from portal.audit.models import AuditLog
from portal.db import db, utcnow
from tests import factories
from tests.conftest import Client, browser

SignIn = Callable[[Client, User], str]


@pytest.fixture
def admin(client: Client, session: Session, sign_in: SignIn) -> User:
    found = factories.person(session, "ada@example.org", roles=[UserRole.ADMIN])
    sign_in(client, found)
    return found


@pytest.fixture
def mina(session: Session) -> User:
    return factories.person(session, "mina@example.org")


def clerk(session: Session, *permissions: Permission) -> User:
    """Somebody with single permissions and no role of staff."""
    user = factories.person(session)
    for permission in permissions:
        grant_permission(session, user.id, permission)
    session.commit()
    return user


def fresh() -> Session:
    """What the database holds now, whatever the test read before."""
    db.session.remove()
    return db.session()


def last(action: str) -> AuditLog:
    newest = sa.select(AuditLog).where(AuditLog.action == action).order_by(AuditLog.created_at.desc()).limit(1)
    return fresh().scalars(newest).one()


def test_suspending_ends_everything_at_once(
    client: Client, session: Session, admin: User, mina: User, sign_in: SignIn, run_jobs: Callable[[], int]
) -> None:
    phone = browser(client.application)
    sign_in(phone, mina)
    assert phone.get("/api/v2/me").status_code == 200
    answer = client.post(f"/admin/users/{mina.id}/suspend", data={"reason": "Sells what is not theirs"})
    assert answer.status_code == 303
    said = client.get(answer.location).text
    assert "Suspended. Every session of this person has ended." in said
    assert f'<a href="/admin/audit/{last("suspend_user").id}">See its record</a>' in said
    assert phone.get("/api/v2/me").status_code == 401
    row = last("suspend_user")
    assert (row.user_id, row.description) == (admin.id, "Sells what is not theirs")
    assert (row.previous_state, row.new_state) == ({"status": "active"}, {"status": "suspended"})
    run_jobs()
    assert client.post(f"/admin/users/{mina.id}/suspend", data={"reason": "Again"}).status_code == 409
    assert client.post(f"/admin/users/{mina.id}/reactivate", data={"reason": "It was theirs"}).status_code == 303
    assert phone.get("/api/v2/me").status_code == 401, "ended sessions stay ended"
    sign_in(phone, mina)
    assert phone.get("/api/v2/me").status_code == 200


def test_a_suspension_needs_a_reason(client: Client, session: Session, admin: User, mina: User) -> None:
    answer = client.post(f"/admin/users/{mina.id}/suspend", data={})
    assert (answer.status_code, "This is needed." in answer.text) == (422, True)
    assert fresh().get_one(User, mina.id).status == "active"


def test_roles_and_permissions_with_an_end(client: Client, session: Session, admin: User, mina: User) -> None:
    here = f"/admin/users/{mina.id}"
    tomorrow = f"{utcnow() + dt.timedelta(days=1):%Y-%m-%d}"
    assert client.post(f"{here}/roles", data={"role": "producer", "until": tomorrow}).status_code == 303
    given = client.post(f"{here}/permissions", data={"permission": "finance:verify", "until": tomorrow})
    assert given.status_code == 303
    page = client.get(here).text
    assert "producer" in page
    assert "finance:verify" in page
    assert last("grant_permission").new_state == {
        "permission": "finance:verify",
        "expiresAt": f"{tomorrow}T00:00:00+00:00",
    }
    assert client.post(f"{here}/roles", data={"role": "producer", "until": "2020-01-01"}).status_code == 422
    assert client.post(f"{here}/roles", data={"role": "emperor"}).status_code == 422
    assert client.post(f"{here}/permissions/finance:verify/revoke").status_code == 303
    assert client.post(f"{here}/roles/producer/revoke").status_code == 303
    assert last("revoke_role").previous_state == {"role": "producer"}
    assert client.post(f"{here}/roles/producer/revoke").status_code == 404
    assert client.post(f"{here}/roles/viewer/revoke").status_code == 409
    assert permissions_of(fresh(), mina.id) == frozenset()


def test_nobody_rises_by_it(client: Client, session: Session, mina: User, sign_in: SignIn) -> None:
    boss = factories.person(session, roles=[UserRole.ADMIN])
    helper = clerk(session, Permission.ADMIN_USERS)
    sign_in(client, helper)
    assert client.post(f"/admin/users/{mina.id}/roles", data={"role": "admin"}).status_code == 409
    refused = client.post(f"/admin/users/{mina.id}/permissions", data={"permission": "finance:verify"})
    assert refused.status_code == 409
    assert client.post(f"/admin/users/{helper.id}/roles", data={"role": "producer"}).status_code == 409
    assert client.post(f"/admin/users/{boss.id}/suspend", data={"reason": "A coup"}).status_code == 409
    assert client.post(f"/admin/users/{boss.id}/roles/admin/revoke").status_code == 409
    assert permissions_of(fresh(), mina.id) == frozenset()
    assert "finance:verify" in permissions_of(fresh(), boss.id)


def test_acts_ask_who_it_is(client: Client, session: Session, admin: User, mina: User) -> None:
    session.execute(sa.update(UserSession).values(step_up_at=utcnow() - dt.timedelta(minutes=6)))
    session.commit()
    answer = client.post(f"/admin/users/{mina.id}/suspend", data={"reason": "Spam"})
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login/again")
    assert fresh().get_one(User, mina.id).status == "active"
    assert client.get("/admin/users").status_code == 200


def test_search_and_filters(client: Client, session: Session, admin: User, mina: User) -> None:
    factories.artist(session, user=factories.person(session, "b_100%@example.org"))

    def found(**query: str) -> str:
        return client.get("/admin/users", query_string=query).text

    assert "mina@example.org" in found(q="MINA@")
    assert "mina@example.org" in found(q=str(mina.id))
    assert "b_100%@" in found(q="_100%")
    assert "mina@example.org" not in found(q="_100%")
    assert "mina@example.org" not in found(role="artist")
    assert "Nobody matches" in found(status="suspended")
    assert found(status="nonsense", role="emperor").count("mina@example.org") == 1


def test_pages_of_people_neither_repeat_nor_lose(client: Client, session: Session, admin: User) -> None:
    people = {factories.person(session).email for _ in range(60)} | {admin.email}
    seen: list[str] = []
    path: str | None = "/admin/users"
    while path:
        page = client.get(path).text
        seen += [email for email in people if f"<b>{email}</b>" in page]
        following = page.partition('class="more"')[2].partition('href="')[2].partition('"')[0]
        path = following.replace("&amp;", "&") or None
    assert sorted(seen) == sorted(people)


PARTS = {
    "/admin/users": Permission.ADMIN_USERS,
    "/admin/masters": Permission.ADMIN_MASTERS,
    "/admin/security-events": Permission.SECURITY_READ,
    "/admin/audit": Permission.AUDIT_READ,
    "/admin/jobs": Permission.JOBS_READ,
    "/admin/jobs/events": Permission.JOBS_READ,
    "/admin/webhooks": Permission.WEBHOOKS_READ,
}


@pytest.mark.parametrize("permission", sorted(set(PARTS.values())))
def test_each_part_is_for_its_permission(
    client: Client, session: Session, sign_in: SignIn, permission: Permission
) -> None:
    sign_in(client, clerk(session, permission))
    for path, needed in PARTS.items():
        assert client.get(path).status_code == (200 if needed is permission else 403), path
    home = client.get("/admin").text
    links = {path for path in PARTS if f'href="{path}"' in home and path.count("/") == 2}
    assert links == {path for path, needed in PARTS.items() if needed is permission and path.count("/") == 2}


def test_staff_is_no_place_for_others(client: Client, mina: User, sign_in: SignIn) -> None:
    assert client.get("/admin").location == "/login?next=/admin"
    sign_in(client, mina)
    assert client.get("/admin").status_code == 403
    assert 'href="/admin"' not in client.get("/").text


@pytest.fixture
def strict(app: Flask) -> Iterator[Flask]:
    """A portal that is nobody's own machine: staff need a second factor."""
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, embedded=False)
    yield app
    app.config["SETTINGS"] = settings


def test_a_second_factor_is_asked_of_staff(strict: Any, client: Client, admin: User) -> None:
    answer = client.get("/admin")
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/me/security/authenticator")
