"""The clock's look at the invariants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from flask import current_app

from portal import checking, live, outbox
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, log_system_event
from portal.checking import Result
from portal.db import transaction, utcnow
from portal.queue import job

NAME = "check_invariants"
MOST_NAMED = 20
LOOK_AGAIN = dt.timedelta(minutes=10)


@job(NAME)
def check_invariants(again: Sequence[str] = ()) -> None:
    """Hold every invariant of the database every night; what is broken ten minutes later too raises the alarm.

    `again`: what was broken at the first look. A portal that slept wakes with work that is late and soon done. The
    chain is not asked: a silent node is no news at night, and `flask check` asks it.
    """
    results = checking.run(current_app.config["SETTINGS"], again, chain=False)
    broken = [result for result in results if result.broken]
    told = [_told(result) for result in broken]
    if broken and again:
        _alarm(told)
    said = f"{len(results)} invariants" + (f", {len(broken)} broken" if broken else "")
    with transaction() as session:
        if broken and not again:
            payload, at = {"again": [result.check.name for result in broken]}, utcnow() + LOOK_AGAIN
            outbox.add(session, NAME, payload, dedupe=f"{NAME}:again:{at.isoformat()}", not_before=at)
        error = "\n".join(told[:MOST_NAMED]) or None
        log_system_event(session, NAME, "check", said, success=not broken, records=len(results), error=error)
        live.tell_staff(session, "jobs")
        outbox.finish(session)


def _alarm(told: list[str]) -> None:
    log_security_event(
        SecurityEventType.SUSPICIOUS_ACTIVITY,
        SecuritySeverity.CRITICAL,
        "Invariants are broken",
        description=f"{len(told)} of them; `flask check` names every row.",
        data={"rule": "invariants", "indicators": told[:MOST_NAMED]},
    )


def _told(result: Result) -> str:
    """The invariant, how many rows break it, and the first of them."""
    first = result.findings[0]
    return f"{result.check.name}: {result.broken}, first {first.table} {first.id}"
