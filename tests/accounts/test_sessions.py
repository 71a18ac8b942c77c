"""Sessions live on the server: new ids, limits, the list of devices."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.devices import words
from portal.accounts.enums import Permission, UserRole
from portal.accounts.forgetting import forget
from portal.accounts.models import MagicLinkToken, User, UserSession
from portal.accounts.service import grant_permission, grant_role
from portal.audit.models import AuditLog
from portal.db import db
from portal.web import sockets
from tests import factories
from tests.accounts.steps import Jobs, SignIn, by_link, code, enrol, last_mail
from tests.conftest import Client, browser

MINUTE = dt.timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def person(session: Session) -> User:
    return factories.person(session)


def signed_in(client: Client) -> bool:
    return client.get("/api/v2/me").status_code == 200


def replayed(thief: Client) -> int:
    """What a copied cookie gets, from the API; pages lead it to the door."""
    assert str(thief.get("/me/security").location).startswith("/login?next=")
    return thief.get("/api/v2/me").status_code


def thief_of(client: Client) -> Client:
    """Another browser with a copy of this one's cookie."""
    thief, cookie = browser(client.application), client.get_cookie("audifi")
    assert cookie is not None
    thief.set_cookie("audifi", cookie.value)
    return thief


def test_each_sign_in_step_up_and_sign_out_kills_the_old_cookie(client: Client, run_jobs: Jobs) -> None:
    """Promise 49: a new session id at sign-in, step-up and sign-out; the old one is dead."""
    by_link(client, run_jobs)
    first = thief_of(client)
    assert signed_in(first)
    by_link(client, run_jobs)
    assert replayed(first) == 401

    user_id = db.session().scalars(sa.select(User.id)).one()
    enrol(client, user_id)
    before = thief_of(client)
    assert client.post("/login/again", data={"code": code(user_id), "next": "/me/wallets"}).location == "/me/wallets"
    assert signed_in(client)
    assert replayed(before) == 401

    last = thief_of(client)
    client.post("/logout")
    assert replayed(last) == 401


@pytest.mark.parametrize(
    ("staff", "idle", "alive"),
    [(False, 29 * 1440, True), (False, 30 * 1440 + 1, False), (True, 29, True), (True, 31, False)],
)
def test_idle_limits(
    client: Client, session: Session, person: User, sign_in: SignIn, staff: bool, idle: int, alive: bool
) -> None:
    """Promise 50: 30 days idle, 30 minutes for whoever holds a permission."""
    if staff:
        grant_permission(session, person.id, Permission.FINANCE_READ)
    sign_in(client, person)
    db.session().execute(sa.update(UserSession).values(last_seen_at=sa.func.now() - idle * MINUTE))
    db.session.commit()
    assert signed_in(client) is alive


@pytest.mark.parametrize(("staff", "hours"), [(False, 90 * 24), (True, 12)])
def test_absolute_limits(
    client: Client, session: Session, person: User, sign_in: SignIn, staff: bool, hours: int
) -> None:
    """Promise 50: 90 days at most, 12 hours for an admin, however busy the session is."""
    if staff:
        grant_role(session, person.id, UserRole.ADMIN)
    sign_in(client, person)
    row = db.session().scalars(sa.select(UserSession)).one()
    assert abs((row.expires_at - row.created_at) - dt.timedelta(hours=hours)) < MINUTE
    row.created_at, row.expires_at = row.created_at - dt.timedelta(days=1), row.created_at - MINUTE
    db.session.commit()
    assert not signed_in(client)


def test_devices_are_listed_and_ended(app: Flask, client: Client, person: User, sign_in: SignIn) -> None:
    """Promise 50: list and revoke devices."""
    phone = browser(app)
    for one in (client, phone):
        sign_in(one, person)
    db.session().execute(sa.update(UserSession).values(user_agent=FIREFOX))
    db.session.commit()
    page = client.get("/me/sessions").text
    assert page.count("<b>Firefox on Linux</b>") == 2
    assert page.count("this browser") == 1
    assert client.post("/me/sessions/end-others").location == "/me/sessions"
    assert signed_in(client)
    assert not signed_in(phone)
    actions = db.session().scalars(sa.select(AuditLog.action).where(AuditLog.user_id == person.id))
    assert "end_other_sessions" in set(actions)


def test_one_device_is_ended_and_nobody_elses(
    app: Flask, client: Client, session: Session, person: User, sign_in: SignIn
) -> None:
    phone, stranger = browser(app), browser(app)
    sign_in(client, person)
    sign_in(phone, person)
    sign_in(stranger, factories.person(session))
    ids = {row.user_id: row.id for row in db.session().scalars(sa.select(UserSession).order_by(UserSession.created_at))}
    assert stranger.post(f"/me/sessions/{ids[person.id]}/end").status_code == 404
    other = next(i for u, i in ids.items() if u != person.id)
    assert client.post(f"/me/sessions/{other}/end").status_code == 404
    assert signed_in(stranger)
    for row_id in db.session().scalars(sa.select(UserSession.id).where(UserSession.user_id == person.id)).all():
        client.post(f"/me/sessions/{row_id}/end")
    assert signed_in(client)
    assert not signed_in(phone)


def test_a_second_factor_ends_the_other_sessions(
    app: Flask, client: Client, person: User, sign_in: SignIn
) -> None:
    """Promise 50: a change of the second factor ends the others, on and off."""
    sign_in(client, person)
    for turn in (lambda: enrol(client, person.id), lambda: client.post("/me/security/authenticator/off")):
        phone = browser(app)
        sign_in(phone, db.session().get_one(User, person.id))
        assert signed_in(phone)
        turn()
        assert signed_in(client)
        assert not signed_in(phone)
    assert client.get("/api/v2/me").json["twoFactorEnabled"] is False


def test_sockets_of_an_ended_session_are_over(
    app: Flask, client: Client, person: User, sign_in: SignIn
) -> None:
    """Promise 50: what `sockets.sweep` asks says that the session is over."""
    sign_in(client, person)
    row_id = db.session().scalars(sa.select(UserSession.id)).one()
    assert sockets._Check.alive({row_id}) == {row_id: frozenset({"viewer"})}
    client.post("/logout")
    assert sockets._Check.alive({row_id}) == {}


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome on Android"),
        ("curl/8.9.1", "curl"),
        ("<script>/1", "<script>"),
        ("", "A browser"),
        (None, "A browser"),
    ],
)
def test_devices_in_words(agent: str | None, said: str) -> None:
    assert words(agent) == said


def test_a_new_browser_is_told_by_mail(client: Client, run_jobs: Jobs, app: Flask) -> None:
    by_link(client, run_jobs)
    run_jobs()
    assert "link" in str(last_mail()["subject"])
    other = browser(app)
    other.environ_base["HTTP_USER_AGENT"] = FIREFOX
    by_link(other, run_jobs)
    run_jobs()
    assert last_mail()["subject"] == "A new sign-in to AudiFi"
    assert "Firefox on Linux" in str(last_mail()["text"])
    assert app.config["SETTINGS"].public_url in str(last_mail()["text"])


def test_what_is_over_is_forgotten(client: Client, run_jobs: Jobs, person: User, sign_in: SignIn) -> None:
    """Rules: links after a day, ended sessions after a month; what is in use stays."""
    by_link(client, run_jobs)
    old = dt.timedelta(days=2)
    db.session().execute(sa.update(MagicLinkToken).values(created_at=MagicLinkToken.created_at - old))
    sign_in(browser(client.application), person)
    mine = UserSession.user_id == person.id
    db.session().execute(sa.update(UserSession).where(mine).values(revoked_at=sa.func.now() - 20 * old))
    db.session.commit()
    assert forget() == 2
    assert forget() == 0
    assert signed_in(client)


def test_the_profile(client: Client, person: User, sign_in: SignIn) -> None:
    sign_in(client, person)
    before = client.get("/me/profile").text
    assert person.display_name in before
    fields = {"displayName": "Mira", "bio": "I listen.", "picture": "3"}
    assert client.post("/me/profile", data=fields).location == "/me/profile"
    me = client.get("/api/v2/me").json
    assert (me["displayName"], me["bio"]) == ("Mira", "I listen.")
    assert me["avatarUrl"].startswith("/avatars/")
    assert client.get(me["avatarUrl"]).mimetype == "image/svg+xml"
    row = db.session().scalars(sa.select(AuditLog).where(AuditLog.action == "update_profile")).one()
    assert {"displayName", "bio", "avatarUrl", "mailOnSignIn"} == set(row.changed_fields or [])
    for wrong in ({"displayName": ""}, {"displayName": "x" * 101}, {"picture": "8"}, {"status": "active"}):
        answer = client.post("/me/profile", data=fields | wrong)
        assert answer.status_code == 422
        assert "Error: " in answer.text
    assert client.get("/api/v2/me").json["displayName"] == "Mira"


def test_who_becomes_staff_signs_in_anew(client: Client, person: User, sign_in: SignIn) -> None:
    """Promise 50: a session that may last for months ends when its person becomes an admin."""
    sign_in(client, person)
    grant_role(db.session(), person.id, UserRole.ADMIN)
    db.session.commit()
    assert not signed_in(client)
