"""The clock's look at the invariants."""

from __future__ import annotations

from flask import current_app

from portal import checking, live, outbox
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, log_system_event
from portal.checking import Result
from portal.db import transaction
from portal.queue import job

NAME = "check_invariants"
MOST_NAMED = 20


@job(NAME)
def check_invariants() -> None:
    """Hold every invariant of the database every night, and raise the alarm where one is broken.

    The chain is not asked: a silent node is no news at night, and `flask check` asks it.
    """
    results = checking.run(current_app.config["SETTINGS"], chain=False)
    broken = [_told(result) for result in results if result.broken]
    if broken:
        log_security_event(
            SecurityEventType.SUSPICIOUS_ACTIVITY,
            SecuritySeverity.CRITICAL,
            "Invariants are broken",
            description=f"{len(broken)} of {len(results)}; `flask check` names every row.",
            data={"rule": "invariants", "indicators": broken[:MOST_NAMED]},
        )
    said = f"{len(results)} invariants" + (f", {len(broken)} broken" if broken else "")
    error = "\n".join(broken[:MOST_NAMED]) or None
    with transaction() as session:
        log_system_event(session, NAME, "check", said, success=not broken, records=len(results), error=error)
        live.tell_staff(session, "jobs")
        outbox.finish(session)


def _told(result: Result) -> str:
    """The invariant, how many rows break it, and the first of them."""
    first = result.findings[0]
    return f"{result.check.name}: {result.broken}, first {first.table} {first.id}"
