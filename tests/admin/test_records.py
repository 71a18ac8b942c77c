"""The records as staff read them: filters, differences, seals; and what staff do about events and jobs."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts.enums import Permission, UserRole
from portal.accounts.models import User
from portal.accounts.service import link_demo_wallet
from portal.audit import sealing
from portal.audit.context import Actor, acting_as
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLog, SecurityEvent
from portal.audit.service import log_security_event, record
from portal.db import db, transaction, utcnow
from portal.masters.launch import launch_ipo
from portal.masters.models import Master
from portal.outbox import OutboxJob
from portal.webhooks.models import WebhookLog
from tests import factories
from tests.admin.test_people import clerk, fresh, last
from tests.conftest import Client

SignIn = Callable[[Client, User], str]
WALLET = "0x" + "0a" * 20


@pytest.fixture
def admin(client: Client, session: Session, sign_in: SignIn) -> User:
    found = factories.person(session, "ada@example.org", roles=[UserRole.ADMIN])
    sign_in(client, found)
    return found


def write(action: str, by: User, price: int = 20) -> uuid.UUID:
    """One row of the audit log by somebody, about a thing called Salt."""
    target = uuid.uuid4()
    with acting_as(Actor("user", by.id, by.email)), transaction() as session:
        about = ("master", target, "Salt on the Wire")
        before, after = {"price": 10, "title": "Salt"}, {"price": price, "title": "Salt"}
        record(session, action, AuditActionCategory.MASTER, target=about, before=before, after=after)
    return target


# --- the audit log ----------------------------------------------------------------------------------------


def test_the_log_is_searched(client: Client, session: Session, admin: User) -> None:
    mina, target = factories.person(session, "mina@example.org"), None
    target = write("edit_salt", mina)
    write("edit_pepper", admin)

    def found(**query: str) -> set[str]:
        page = client.get("/admin/audit", query_string=query).text
        return {action for action in ("edit_salt", "edit_pepper") if f"<b>{action}</b>" in page}

    today = f"{utcnow():%Y-%m-%d}"
    assert found() == {"edit_salt", "edit_pepper"}
    assert found(actor="mina@") == found(actor=str(mina.id)) == found(action="salt") == {"edit_salt"}
    assert found(target=str(target)) == {"edit_salt"}
    assert found(target="salt on", category="master", since=today, until=today) == {"edit_salt", "edit_pepper"}
    assert found(until="2020-01-01") == found(category="revenue") == set()
    assert found(since="tomorrow") == {"edit_salt", "edit_pepper"}


def test_a_row_shows_before_and_after(client: Client, session: Session, admin: User) -> None:
    write("edit_salt", admin, price=31)
    row = last("edit_salt")
    page = client.get(f"/admin/audit/{row.id}").text
    assert "<del>10</del>" in page
    assert "<ins>31</ins>" in page
    assert "<del>Salt</del>" not in page
    assert client.get(f"/admin/audit/{uuid.uuid4()}").status_code == 404


def test_a_row_knows_its_seal(live_app: object, client: Client, sign_in: SignIn, run_jobs: Callable[[], int]) -> None:
    admin = factories.person(db.session(), "ada@example.org", roles=[UserRole.ADMIN])
    sign_in(client, admin)
    write("edit_salt", admin)
    page = client.get("/admin/audit?action=edit_salt").text
    assert "Next seal" in page
    assert "Never verified" in page
    assert sealing.seal(client.application.config["SETTINGS"]) > 0
    assert "Seal 1" in client.get("/admin/audit?action=edit_salt").text
    assert client.post("/admin/audit/verify").status_code == 303
    run_jobs()
    page = client.get("/admin/audit").text
    assert "Verified" in page
    assert "rows under 1 seals" in page


def test_a_row_that_came_after_its_seal_is_named(live_app: object, client: Client, sign_in: SignIn) -> None:
    admin = factories.person(db.session(), "ada@example.org", roles=[UserRole.ADMIN])
    sign_in(client, admin)
    write("edit_salt", admin)
    sealing.seal(client.application.config["SETTINGS"])
    owner = sa.create_engine(client.application.config["SETTINGS"].owner_database_url)
    with owner.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO audit_logs (actor_type, action_category, action, created_at)"
                " VALUES ('user', 'admin', 'smuggled_in', now() - interval '1 hour')"
            )
        )
    owner.dispose()
    assert "In no seal" in client.get("/admin/audit?action=smuggled_in").text


def test_addresses_are_for_those_who_look_after_people(client: Client, session: Session, sign_in: SignIn) -> None:
    write("edit_salt", factories.person(session, "mina@example.org"))
    sign_in(client, clerk(session, Permission.AUDIT_READ))
    page = client.get("/admin/audit?action=edit_salt").text
    assert "mina@example.org" not in page
    assert "mi…@…" in page


# --- security events --------------------------------------------------------------------------------------


def event(severity: SecuritySeverity, title: str) -> uuid.UUID:
    db.session.remove()  # an open read would take the event with it
    log_security_event(SecurityEventType.SUSPICIOUS_ACTIVITY, severity, title)
    found = fresh().scalar(sa.select(SecurityEvent.id).where(SecurityEvent.title == title))
    assert found
    return found


def test_urgent_events_come_first_until_they_are_resolved(client: Client, session: Session, admin: User) -> None:
    urgent = event(SecuritySeverity.CRITICAL, "The log was changed")
    event(SecuritySeverity.INFO, "Portfolio exported")
    assert "The log was changed" in client.get("/admin").text
    assert client.get("/admin/security-events").text.count("The log was changed") == 2
    here = f"/admin/security-events/{urgent}"
    assert client.post(f"{here}/investigate", data={}).status_code == 422
    assert client.post(f"{here}/investigate", data={"notes": "It was a drill."}).status_code == 303
    assert "It was a drill." in client.get(here).text
    assert client.post(f"{here}/resolve", data={"resolution": "Drill"}).status_code == 303
    assert client.post(f"{here}/resolve", data={"resolution": "Drill"}).status_code == 409
    assert last("resolve_security_event").new_state == {"resolved": True, "resolution": "Drill"}
    assert last("investigate_security_event").user_id == admin.id
    assert client.get("/admin/security-events").text.count("The log was changed") == 1
    assert "The log was changed" not in client.get("/admin/security-events?state=open").text
    assert "Portfolio exported" not in client.get("/admin/security-events?severity=critical").text


# --- masters ----------------------------------------------------------------------------------------------


def waiting(session: Session) -> Master:
    """A launched offer of an artist who is not verified."""
    artist = factories.artist(session, verified=False)
    master = factories.master(session, artist)
    link_demo_wallet(artist.user_id, WALLET, "31337", "Proceeds")
    launch_ipo(artist.user_id, master.id)
    return master


def test_masters_are_sent_back_and_approved(client: Client, session: Session, sign_in: SignIn) -> None:
    master = waiting(session)
    sign_in(client, clerk(session, Permission.ADMIN_MASTERS))
    assert master.title in client.get("/admin/masters").text
    here = f"/admin/masters/{master.id}"
    assert client.post(f"{here}/send-back", data={}).status_code == 422
    assert client.post(f"{here}/send-back", data={"reason": "No cover"}).status_code == 303
    assert last("master_draft").description == "No cover"
    launch_ipo(master.artist.user_id, master.id)
    assert client.post(f"{here}/approve").status_code == 303
    assert client.post(f"{here}/approve").status_code == 409
    assert "Nothing waits" in client.get("/admin/masters").text


# --- jobs and webhooks ------------------------------------------------------------------------------------


def test_a_failed_job_runs_again(client: Client, session: Session, admin: User) -> None:
    outbox.add(session, "forget_sign_ins", {"user_id": "7", "facts": "secret"}, dedupe="one")
    session.commit()
    row = session.scalars(sa.select(OutboxJob).where(OutboxJob.dedupe == "one")).one()
    here = f"/admin/jobs/{row.id}"
    assert client.post(f"{here}/retry").status_code == 409
    gave_up = {"failed_at": utcnow(), "last_error": "the node is away", "attempts": 12}
    fresh().execute(sa.update(OutboxJob).where(OutboxJob.id == row.id).values(gave_up))
    db.session.commit()
    assert "the node is away" in client.get("/admin/jobs").text
    page = client.get(here).text
    assert "the node is away" in page
    assert "secret" not in page
    assert client.post(f"{here}/retry").status_code == 303
    assert fresh().get_one(OutboxJob, row.id).failed_at is None
    assert last("retry_job").previous_state == {"attempts": 12, "error": "the node is away"}
    assert "forget_sign_ins" in client.get("/admin/jobs?state=waiting&q=forget").text
    assert "forget_sign_ins" in client.get("/admin/jobs?state=done").text, "the clock names it"


def test_webhooks_show_no_secret(client: Client, session: Session, admin: User) -> None:
    payload = {"type": "invoice.paid", "customer": "cus_9", "object": {"amount": 1500, "email": "m@example.org"}}
    told = {"provider_name": "stripe", "event_type": "invoice.paid", "event_id": "evt_1234567890"}
    session.add(WebhookLog(**told, payload_metadata=payload))
    session.commit()
    assert "invoice.paid" in client.get("/admin/webhooks?provider=stripe").text
    hook = session.scalars(sa.select(WebhookLog)).one()
    page = client.get(f"/admin/webhooks/{hook.id}").text
    assert "1500" in page
    assert not [secret for secret in ("cus_9", "m@example.org", "evt_1234567890") if secret in page]


def test_every_empty_list_says_so(client: Client, admin: User) -> None:
    for path in ("security-events", "jobs?state=failed", "jobs/events", "webhooks", "masters"):
        assert 'class="empty"' in client.get(f"/admin/{path}").text, path


def test_reading_writes_nothing(client: Client, session: Session, admin: User) -> None:
    count = sa.select(sa.func.count()).select_from(AuditLog)
    before = session.scalar(count)
    for path in ("", "/users", f"/users/{admin.id}", "/audit", "/security-events", "/jobs", "/webhooks", "/masters"):
        assert client.get(f"/admin{path}").status_code == 200, path
    assert fresh().scalar(count) == before
