"""Staff's long lists, page by page: nothing comes twice and nothing is lost, also of rows that came in one moment."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import live
from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.admin import paging
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event
from portal.db import db
from portal.masters.enums import MasterStatus
from portal.revenue import views as revenue
from tests import factories
from tests.conftest import Client

SignIn = Callable[[Client, User], str]
MADE = 7
FROM = " FROM generate_series(1, 7)"
ROWS = {
    "audit_logs": "INSERT INTO audit_logs (actor_type, action_category, action) SELECT 'user', 'admin', 'scribble'",
    "security_events": "INSERT INTO security_events (event_type, severity, title) SELECT 'failed_login', 'low', 'No'",
    "system_events": "INSERT INTO system_events (event_type, source, message) SELECT 'test', 'test', 'Done'",
    "webhooks_log": (
        "INSERT INTO webhooks_log (id, provider_name, event_type) SELECT gen_random_uuid(), 'stripe', 'invoice.paid'"
    ),
    "outbox": (
        "INSERT INTO outbox (id, job, payload, dedupe) SELECT gen_random_uuid(), 'none', '{}', gen_random_uuid()::text"
    ),
}
PAGES = {
    "/admin/audit": "audit_logs",
    "/admin/security-events?state=open": "security_events",
    "/admin/jobs/events": "system_events",
    "/admin/webhooks": "webhooks_log",
    "/admin/jobs?state=waiting": "outbox",
    "/admin/masters": "masters",
    "/admin/revenue": "revenue_events",
}
LISTS = {
    "/api/v2/admin/audit-logs": "audit_logs",
    "/api/v2/admin/security-events": "security_events",
    "/api/v2/admin/webhooks": "webhooks_log",
    "/api/v2/admin/jobs": "outbox",
    "/api/v2/admin/masters": "masters",
}


@pytest.fixture
def filled(client: Client, session: Session, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Seven of everything, of one moment each; three fill a page."""
    for module in (paging, revenue):
        monkeypatch.setattr(module, "ROWS", 3)
    sign_in(client, factories.person(session, "ada@example.org", roles=[UserRole.ADMIN]))
    artist = factories.artist(session)
    for _ in range(MADE):
        factories.master(session, artist, ipo=False).status = MasterStatus.PENDING
    reported = "INSERT INTO revenue_events (id, master_id, source_type, amount, currency) SELECT gen_random_uuid(), id"
    for statement in (*(made + FROM for made in ROWS.values()), f"{reported}, 'sync', 1, 'USDC' FROM masters"):
        session.execute(sa.text(statement))
    session.commit()
    return session


def ids_of(table: str) -> set[uuid.UUID]:
    db.session.remove()
    return set(db.session().scalars(sa.text(f"SELECT id FROM {table}")))


@pytest.mark.parametrize("start", PAGES)
def test_pages(filled: Session, client: Client, start: str) -> None:
    seen, path, pages = list[str](), start, 0
    while path:
        page = client.get(path).text
        body, _, more = page.partition('class="more"')
        found = re.findall(r'(?:<tr><td>.*?href="/admin/|<tr id="revenue-|id="master-)[^"]*?([0-9a-f-]{36})"', body)
        seen += found or re.findall(r"<b>(test)</b>", body)
        path, pages = html.unescape(more.partition('href="')[2].partition('"')[0]), pages + 1
    assert pages > 2
    if start != "/admin/jobs/events":
        assert len(seen) == len(set(seen))
        assert {uuid.UUID(one) for one in seen} == ids_of(PAGES[start])
    else:
        assert seen == ["test"] * MADE


@pytest.mark.parametrize("path", LISTS)
def test_lists_of_the_api(filled: Session, client: Client, path: str) -> None:
    seen, after, pages = list[str](), "", 0
    while after is not None:
        answer = client.get(path, query_string={"limit": 3, "after": after} if after else {"limit": 3}).json
        seen += [(row.get("master") or row)["id"] for row in answer["data"]]
        after, pages = answer["page"]["next"], pages + 1
    assert pages > 2
    assert len(seen) == len(set(seen))
    assert {uuid.UUID(one) for one in seen} == ids_of(LISTS[path])


def test_another_list_s_place_is_refused(filled: Session, client: Client) -> None:
    cursor = client.get("/api/v2/admin/jobs?limit=1").json["page"]["next"]
    assert client.get(f"/api/v2/admin/jobs?after={cursor}x").status_code == 400
    assert client.get("/api/v2/admin/jobs?limit=0").status_code == 400


def test_staff_s_pages_hear_that_something_came(
    live_app: object, client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    heard = live.publisher()
    monkeypatch.setattr(heard, "put", lambda room, _entity, payload: told.append((room, payload["type"])))
    log_security_event(SecurityEventType.FAILED_LOGIN, SecuritySeverity.LOW, "Refused")
    assert told == [("admin", "admin.security")]
    sign_in(client, factories.person(db.session(), "ada@example.org", roles=[UserRole.ADMIN]))
    page = client.get("/admin/security-events").text
    assert 'data-room="admin" data-news-on="admin.security" hidden' in page
    assert 'data-refresh-on="admin.security admin.jobs' in client.get("/admin").text
