"""Sealing against a bare INSERT of the same rows, in the same run: only the ratio means something."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit import sealing
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.audit.verifying import verify
from portal.db import db, transaction, use_database

pytestmark = pytest.mark.bench
ROWS = 5_000
BULK = sa.text(
    "INSERT INTO audit_logs (actor_type, actor_identifier, action_category, action, target_type, target_identifier,"
    " previous_state, new_state, changed_fields, ip_address, user_agent, request_id) SELECT 'user',"
    " 'mira@example.org', 'ipo', 'launch_ipo', 'master', 'Song ' || n, '{\"status\": \"draft\"}',"
    " '{\"status\": \"scheduled\"}', '[\"status\"]', '192.0.2.1', repeat('Mozilla ', 12), md5(n::text)"
    " FROM generate_series(1, :rows) n"
)


def rate(act: Callable[[], object], rows: int = ROWS) -> float:
    """Rows a second."""
    start = time.perf_counter()
    act()
    return rows / (time.perf_counter() - start)


def one_by_one() -> None:
    """As commands write them, many in one transaction here so that the disk is left out."""
    with transaction() as session:
        for number in range(ROWS):
            after = {"status": "scheduled"}
            record(session, "launch_ipo", AuditActionCategory.IPO, before={"n": number}, after=after)


def in_bulk() -> None:
    db.session.execute(BULK, {"rows": ROWS})
    db.session.commit()


def test_sealing_and_verifying(live_app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    settings = live_app.config["SETTINGS"]
    use_database(settings.for_worker())
    inserted, bulk = rate(one_by_one), rate(in_bulk)
    sealed = rate(lambda: sealing.seal(settings), 2 * ROWS)
    report = None

    def check() -> None:
        nonlocal report
        report = verify(settings)

    verified = rate(check, 2 * ROWS)
    with capsys.disabled():
        print(
            f"\nsealing {sealed:,.0f} rows/s; record() {inserted:,.0f}/s, ratio {sealed / inserted:.1f}; bulk INSERT"
            f" {bulk:,.0f}/s, ratio {sealed / bulk:.2f}; verifying {verified:,.0f} rows/s"
        )
    assert report is not None
    assert (report.findings, report.rows) == ([], 2 * ROWS)
