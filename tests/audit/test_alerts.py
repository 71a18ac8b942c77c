"""Security events outlive the refusal they tell of, and high and critical ones reach the team once per channel."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts.models import User
from portal.audit import jobs
from portal.audit.context import Actor, acting_as
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.models import SecurityEvent, SystemEvent
from portal.audit.service import log_security_event, log_system_event
from portal.audit.verifying import Report
from portal.config import Settings
from portal.db import transaction, use_database
from portal.errors import Forbidden
from tests.factories import person
from tests.smtp import Inbox, inbox  # noqa: F401  (fixture)

KIND, HIGH, LOW = SecurityEventType.UNAUTHORIZED_ACCESS, SecuritySeverity.HIGH, SecuritySeverity.LOW


class Hook:
    """A webhook receiver on loopback; answers `status` to what it gets."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[tuple[dict[str, str], bytes]]()
        hook = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(hook.status)
                if hook.status == 302:
                    self.send_header("location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def team(live_app: Flask, inbox: Inbox, hook: Hook) -> Iterator[None]:  # noqa: F811
    """The application as a worker, with both channels set."""
    settings: Settings = live_app.config["SETTINGS"]
    use_database(settings.for_worker())
    live_app.config["SETTINGS"] = replace(
        settings,
        smtp_url=inbox.url,
        security_mail="team@example.org",
        security_webhook=hook.url,
        security_webhook_secret="whsec",
        outbound_loopback=True,
    )
    yield
    live_app.config["SETTINGS"] = settings


def events(session: Session) -> list[SecurityEvent]:
    found = list(session.scalars(sa.select(SecurityEvent).order_by(SecurityEvent.created_at)))
    session.rollback()
    return found


def jobs_left(session: Session) -> dict[str, bool]:
    """{channel: done}"""
    asked = sa.text("SELECT payload->>'channel', done_at IS NOT NULL FROM outbox WHERE job LIKE 'alert%'")
    found = {row[0]: row[1] for row in session.execute(asked)}
    session.rollback()
    return found


def carry_out(session: Session) -> None:
    """Every undone job once, whatever becomes of it, without the pause before another try."""
    rows = session.scalars(sa.text("UPDATE outbox SET not_before = NULL WHERE done_at IS NULL RETURNING id")).all()
    session.commit()
    for row in rows:
        outbox.perform(str(row))


# --- written by themselves --------------------------------------------------------------------------------


def test_a_refusal_takes_its_changes_back_but_not_its_event(live_app: Flask, session: Session) -> None:
    user = person(session)
    with contextlib.suppress(Forbidden), transaction() as changing:
        changing.execute(sa.update(User).where(User.id == user.id).values(display_name="Changed"))
        log_security_event(KIND, LOW, "Somebody tried", data={"rule": "test"})
        raise Forbidden
    assert [event.title for event in events(session)] == ["Somebody tried"]
    assert session.scalar(sa.select(User.display_name).where(User.id == user.id)) != "Changed"


def test_the_event_says_who_where_and_what(live_app: Flask, session: Session) -> None:
    user = person(session)
    with acting_as(Actor("user", user.id, user.email, "192.0.2.1", "A browser", "/admin", "GET")):
        log_security_event(KIND, LOW, "Somebody tried", wallet_address="0x01")
    (event,) = events(session)
    assert (event.user_id, event.ip_address, event.user_agent) == (user.id, "192.0.2.1", "A browser")
    assert (event.request_path, event.request_method, event.wallet_address) == ("/admin", "GET", "0x01")


def test_an_event_about_a_locked_person_is_written_without_waiting(live_app: Flask, session: Session) -> None:
    user = person(session)
    with acting_as(Actor("user", user.id)), transaction() as holding:
        holding.execute(sa.select(User).where(User.id == user.id).with_for_update())
        log_security_event(KIND, LOW, "Somebody tried")
    (event,) = events(session)
    assert (event.user_id, event.event_data) == (None, {"userId": str(user.id)})


def test_an_event_that_cannot_be_written_fails_nobody(live_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Promise 78: a failed alert never fails the request."""
    log_security_event(KIND, LOW, "x" * 300)
    assert "could not be written" in caplog.text


# --- told -------------------------------------------------------------------------------------------------


def test_a_high_event_reaches_both_channels_once(team: None, session: Session, inbox: Inbox, hook: Hook) -> None:  # noqa: F811
    """Promise 78: however often the jobs run, one mail and one call."""
    log_security_event(KIND, HIGH, "Two keys\r\nBcc: everybody@example.org", description="Look at once.")
    for _ in range(3):
        carry_out(session)
    (event,) = events(session)
    ((_, receivers, mail),) = inbox.got
    assert receivers == ["team@example.org"]
    assert mail["Subject"] == "AudiFi security: Two keys Bcc: everybody@example.org"
    assert mail["Message-ID"].startswith(f"<{event.id}@")
    assert "Look at once." in str(mail.get_payload(decode=True), "utf-8")
    ((headers, body),) = hook.got
    assert json.loads(body)["data"]["id"] == headers["webhook-id"] == str(event.id)
    signed = f"{event.id}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(b"whsec", signed, "sha256")).decode()
    assert b"192.0.2" not in body


def test_a_lost_channel_is_tried_again_and_does_not_repeat_the_other(
    team: None, session: Session, inbox: Inbox, hook: Hook  # noqa: F811
) -> None:  # fmt: skip
    """Promise 78: a channel that fails costs the other nothing."""
    hook.status = 500
    log_security_event(KIND, SecuritySeverity.CRITICAL, "Two keys")
    carry_out(session)
    assert jobs_left(session) == {"log": True, "mail": True, "webhook": False}
    hook.status = 302
    carry_out(session)
    assert jobs_left(session)["webhook"] is False, "a redirect is followed nowhere and is no success"
    hook.status = 204
    carry_out(session)
    assert jobs_left(session)["webhook"] is True
    assert (len(inbox.got), len(hook.got)) == (1, 3)


def test_a_lost_mail_server_is_tried_again(team: None, session: Session, inbox: Inbox, hook: Hook) -> None:  # noqa: F811
    """Promise 78: nothing is lost with the mail server."""
    inbox.refuse = True
    log_security_event(KIND, HIGH, "Two keys")
    carry_out(session)
    assert jobs_left(session) == {"log": True, "mail": False, "webhook": True}
    inbox.refuse = False
    carry_out(session)
    assert (len(inbox.got), len(hook.got)) == (1, 1)


def test_a_try_again_comes_within_a_minute(team: None, session: Session, hook: Hook) -> None:
    """Promise 78: within 60 s."""
    hook.status = 500
    log_security_event(KIND, HIGH, "Two keys")
    for _ in range(5):
        carry_out(session)
    due = "SELECT max(extract(epoch FROM not_before - now())) FROM outbox WHERE done_at IS NULL"
    assert 0 < session.scalar(sa.text(due)) < 60


def test_a_low_event_alerts_nobody(team: None, session: Session, inbox: Inbox, hook: Hook) -> None:  # noqa: F811
    for severity in (SecuritySeverity.INFO, LOW, SecuritySeverity.MEDIUM):
        log_security_event(KIND, severity, "Somebody tried")
    carry_out(session)
    assert (len(events(session)), inbox.got, hook.got) == (3, [], [])


def test_without_channels_the_log_tells(
    live_app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    use_database(live_app.config["SETTINGS"].for_worker())
    log_security_event(KIND, HIGH, "Two keys")
    carry_out(session)
    assert set(jobs_left(session).values()) == {True}
    assert [record.levelname for record in caplog.records if record.message == "security event"] == ["CRITICAL"]


# --- system events ----------------------------------------------------------------------------------------


def test_a_job_that_gives_up_becomes_a_system_event(
    team: None, session: Session, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 2)
    hook.status = 500
    log_security_event(KIND, HIGH, "Two keys")
    for _ in range(4):
        carry_out(session)
    (event,) = session.scalars(sa.select(SystemEvent).where(SystemEvent.event_type == "job_failed")).all()
    assert (event.source, event.message, event.success) == ("outbox", "alert_security_team", False)
    assert "did not take the event" in str(event.error_message)
    assert session.scalar(sa.select(outbox.OutboxJob.id).where(outbox.OutboxJob.failed_at.is_not(None)))


def test_a_changed_audit_log_raises_the_alarm(
    live_app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report(findings=["row 1 was changed", "row 2 was deleted"])
    monkeypatch.setattr(jobs.verifying, "verify", lambda _settings: report)
    jobs.verify_audit_log()
    (event,) = events(session)
    assert event.severity is SecuritySeverity.CRITICAL
    assert event.event_data == {"rule": "audit", "indicators": ["row 1 was changed", "row 2 was deleted"]}


def test_a_system_event_belongs_to_its_transaction(live_app: Flask, session: Session) -> None:
    with contextlib.suppress(Forbidden), transaction() as writing:
        log_system_event(writing, "job_completed", "test", "never")
        raise Forbidden
    assert session.scalar(sa.select(sa.func.count()).select_from(SystemEvent)) == 0
