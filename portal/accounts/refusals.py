"""People who were refused become security events: once a minute for the same person and address."""

from __future__ import annotations

import time
from threading import Lock

from portal.audit.context import actor
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event
from portal.db import db

AGAIN_SECONDS = 60
MOST_KEPT = 1000

_told: dict[tuple[str, str], float] = {}
_lock = Lock()


def note(needed: str) -> None:
    """Somebody who is signed in asked for what takes `needed`, such as "permission audit:read"."""
    who = actor()
    if _is_new((str(who.user_id), who.path or "")):
        db.session.rollback()  # gives its connection back: the event takes one of its own
        log_security_event(
            SecurityEventType.UNAUTHORIZED_ACCESS,
            SecuritySeverity.LOW,
            "Somebody asked for what is not theirs",
            data={"needed": needed},
        )


def _is_new(key: tuple[str, str]) -> bool:
    now = time.monotonic()
    with _lock:
        for old in [kept for kept, at in _told.items() if at < now - AGAIN_SECONDS][:MOST_KEPT]:
            del _told[old]
        if key in _told or len(_told) >= MOST_KEPT:
            return False
        _told[key] = now
        return True
