"""The database makes ids and times of the audit log, and its seals hang together."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from portal.audit.enums import AuditActionCategory
from portal.audit.models import AuditLog
from tests.raw import LATER, NOW, Raw


def test_the_application_sends_neither_id_nor_time(session: Session) -> None:
    row = AuditLog(actor_type="user", action_category=AuditActionCategory.IPO, action="launch_ipo", ip_address="::1")
    session.add(row)
    session.flush()
    session.refresh(row)
    assert row.id.version == 4
    assert abs(row.created_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert row.ip_address == "::1"


def test_only_the_first_seal_has_no_seal_before_it(raw: Raw) -> None:
    raw.add("audit_seals")
    later = {"number": 2, "range_start": LATER, "range_end": LATER + (LATER - NOW), "seal_hash": "1" * 64}
    raw.refuses("audit_seals", "ck_audit_seals_chained", **later)
    raw.add("audit_seals", **later, previous_hash="0" * 64)
