"""TOTP and recovery codes: used once, counted, and asked for where staff work and money moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import mail
from portal.accounts import second_factor
from portal.accounts.enums import Permission, UserRole
from portal.accounts.models import User, UserSession
from portal.accounts.service import grant_permission
from portal.accounts.sign_in_models import RecoveryCode
from portal.audit.models import AuditLog, SecurityEvent
from portal.db import db
from portal.errors import DomainError
from tests import factories
from tests.accounts.steps import Jobs, SignIn, ask, code, enrol, forget_steps, last_mail
from tests.conftest import Client, browser


@pytest.fixture
def person(session: Session) -> User:
    return factories.person(session, "mira@example.org")


@pytest.fixture
def codes(client: Client, person: User, sign_in: SignIn) -> list[str]:
    """The person has a second factor: their recovery codes. The browser is signed in."""
    sign_in(client, person)
    return enrol(client, person.id)


@pytest.fixture
def outside(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not a newcomer's own machine any more."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], bind="0.0.0.0:5000"))
    return


def half(client: Client, run_jobs: Jobs) -> None:
    """The first way in was right; the code is still to come."""
    assert client.post(ask(client, run_jobs, "mira@example.org", next="/vstudio")).location == "/login/code"


def test_enrolling(client: Client, person: User, codes: list[str], session: Session, run_jobs: Jobs) -> None:
    """Promise 59: the seed is encrypted, ten recovery codes are hashed and shown once."""
    assert len(set(codes)) == second_factor.CODES
    stored = db.session().execute(sa.text("SELECT two_factor_secret FROM users")).scalars().all()
    assert all(s.startswith("gcm1.") for s in stored if s)
    hashes = set(db.session().scalars(sa.select(RecoveryCode.code_hash)))
    assert len(hashes) == second_factor.CODES
    assert not any(c.replace("-", "") in "".join(hashes) for c in codes)
    assert codes[0] not in client.get("/me/security").text
    run_jobs()
    assert last_mail()["subject"] == "Your second factor is on"
    actions = set(db.session().scalars(sa.select(AuditLog.action)))
    assert {"begin_second_factor", "second_factor_on"} <= actions


def test_a_link_does_not_skip_the_second_factor(client: Client, codes: list[str], run_jobs: Jobs, app: Flask) -> None:
    """Promises 58 and 59: after the link the browser is nobody until the code is right."""
    other = browser(app)
    half(other, run_jobs)
    assert other.get("/api/v2/me").status_code == 401
    assert other.get("/me/security").status_code == 302
    assert b'autocomplete="one-time-code"' in other.get("/login/code").data
    answer = other.post("/login/code", data={"code": code_of()})
    assert (answer.status_code, answer.location) == (303, "/vstudio")
    assert other.get("/api/v2/me").json["twoFactorEnabled"] is True


def code_of(steps: int = 0) -> str:
    user_id = db.session().scalars(sa.select(User.id).where(User.email == "mira@example.org")).one()
    return code(user_id, steps)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift(
    client: Client, codes: list[str], run_jobs: Jobs, app: Flask, steps: int, right: bool
) -> None:
    """Promise 59: one step before or after now, no more."""
    other = browser(app)
    half(other, run_jobs)
    assert other.post("/login/code", data={"code": code_of(steps)}).status_code == (303 if right else 422)


def test_a_code_is_accepted_once(client: Client, codes: list[str], run_jobs: Jobs, app: Flask, person: User) -> None:
    """Promise 59: a replay is refused, also of an earlier step."""
    used, earlier = code_of(), code_of(-1)
    first, second = browser(app), browser(app)
    half(first, run_jobs)
    assert first.post("/login/code", data={"code": used}).status_code == 303
    half(second, run_jobs)
    for again in (used, earlier, f"{used[:3]} {used[3:]}"):
        assert second.post("/login/code", data={"code": again}).status_code == 422
    assert second.post("/login/code", data={"code": code_of(1)}).status_code == 303


def test_a_recovery_code_is_accepted_once(client: Client, codes: list[str], run_jobs: Jobs, app: Flask) -> None:
    """Promise 59: the phone is lost; each code opens the account once, however it is typed."""
    first, second = browser(app), browser(app)
    half(first, run_jobs)
    assert first.post("/login/code", data={"code": codes[0].lower().replace("-", " ")}).status_code == 303
    run_jobs()
    assert "A recovery code was used" in {m["subject"] for m in mail.kept(app.config["SETTINGS"])[:2]}
    assert "9 of 10" in first.get("/me/security").text
    half(second, run_jobs)
    assert second.post("/login/code", data={"code": codes[0]}).status_code == 422
    assert second.post("/login/code", data={"code": codes[1]}).status_code == 303


def test_twenty_at_once_with_one_code(live_app: Flask, client: Client, sign_in: SignIn) -> None:
    """Promise 59: 20 threads, one accepted; the same for a recovery code."""
    settings = replace(live_app.config["SETTINGS"], code_tries=1000)
    live_app.config["SETTINGS"] = settings
    user = factories.person(db.session())
    sign_in(client, user)
    recovery = enrol(client, user.id)[0]
    session_id = db.session().scalars(sa.select(UserSession.id).where(UserSession.revoked_at.is_(None))).one()
    db.session.rollback()
    for given in (code(user.id), recovery):
        accepted: list[str] = []

        def give(given: str = given, accepted: list[str] = accepted) -> None:
            with live_app.app_context():
                try:
                    accepted.append(second_factor.step_up(user.id, session_id, given, settings))
                except DomainError:
                    pass
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=give) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(accepted) == 1


def test_wrong_codes_are_counted_and_noted(
    client: Client, codes: list[str], run_jobs: Jobs, app: Flask, person: User
) -> None:
    """Promises 56 and 78: five wrong codes in five minutes, each an event; a right sixth one is refused too."""
    other = browser(app)
    half(other, run_jobs)
    for _ in range(5):
        assert other.post("/login/code", data={"code": "000000"}).status_code == 422
    assert other.post("/login/code", data={"code": code_of()}).status_code == 429
    events = db.session().scalars(sa.select(SecurityEvent)).all()
    assert [e.event_type.value for e in events].count("failed_login") == 5
    assert [e.event_type.value for e in events].count("rate_limit_exceeded") == 1
    assert all(e.user_id == person.id for e in events)


def test_right_codes_do_not_use_up_the_tries(client: Client, codes: list[str], person: User) -> None:
    for _ in range(7):
        assert client.post("/login/again", data={"code": code_of(), "next": "/me"}).status_code == 303
        forget_steps(person.id)


def test_rubbish_is_no_code(client: Client, codes: list[str]) -> None:
    for rubbish in ("", "١٢٣٤٥٦"):
        assert client.post("/login/again", data={"code": rubbish}).status_code == 422
    for rubbish in ("x" * 5000, "12345", "1234567"):
        assert client.post("/login/again", data={"code": rubbish}).status_code == 422


def test_turning_it_off_wants_a_fresh_proof(client: Client, codes: list[str], person: User) -> None:
    """Promise 50: a stolen open browser does not turn the second factor off."""
    db.session().execute(sa.update(UserSession).values(step_up_at=None))
    db.session.commit()
    answer = client.post("/me/security/authenticator/off", headers={"Referer": "http://localhost/me/security"})
    assert answer.location == "/login/again?next=/me/security"
    assert client.get("/api/v2/me").json["twoFactorEnabled"] is True
    client.post("/login/again", data={"code": code_of()})
    assert client.post("/me/security/authenticator/off").location == "/me/security"
    assert client.get("/api/v2/me").json["twoFactorEnabled"] is False
    assert db.session().scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 0


def test_staff_pages_ask_for_a_second_factor(
    client: Client, session: Session, sign_in: SignIn, outside: None
) -> None:
    """Promise 47 and rules.md: no second factor, no staff page; on a newcomer's own machine staff may look around."""
    staff = factories.person(session)
    grant_permission(session, staff.id, Permission.FINANCE_VERIFY)
    session.commit()
    sign_in(client, staff)
    answer = client.get("/admin/revenue")
    assert (answer.status_code, answer.location) == (303, "/me/security/authenticator?next=/admin/revenue")
    assert client.get("/api/v2/admin/users").status_code == 403
    enrol(client, staff.id)
    assert client.get("/admin/revenue").status_code == 200


def test_the_demo_s_staff_work_at_once(client: Client, session: Session, sign_in: SignIn) -> None:
    sign_in(client, factories.person(session, roles=[UserRole.ADMIN]))
    assert client.get("/admin/revenue").status_code == 200
    assert "second factor" in client.get("/me/security").text


def test_the_pages(client: Client, person: User, sign_in: SignIn) -> None:
    sign_in(client, person)
    client.post("/me/security/authenticator/start")
    page = client.get("/me/security/authenticator")
    assert "data:image/svg+xml" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "otpauth://totp/AudiFi" in page.text
    wrong = client.post("/me/security/authenticator", data={"code": "1"})
    assert wrong.status_code == 422
    assert "Error: " in wrong.text
    assert client.get("/me/security/codes").location == "/me/security"
