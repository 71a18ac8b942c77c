"""Limits on tries, counted in PostgreSQL: they hold across processes and survive the loss of the cache.

A window starts with the first try; past the limit everything is refused until it ends. Each try is counted in a
transaction of its own, so that a refused act's rollback does not give it back.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import RateLimit
from portal.audit.context import actor
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event
from portal.config import Settings
from portal.crypto import keyed_hash
from portal.db import transaction
from portal.errors import TooMany
from portal.web import rates


@dataclass(frozen=True)
class Limit:
    """At most `most` of `action` in `seconds` by one `identifier` of a kind (person, email or network)."""

    action: str
    kind: str
    identifier: str
    most: int
    seconds: int


def sign_in_limits(action: str, settings: Settings, email: str = "") -> list[Limit]:
    """Ten in five minutes for an address (kept as a keyed hash) and for a network."""
    most, seconds = settings.sign_in_tries, settings.tries_window_seconds
    limits = [Limit(action, "email", keyed_hash(settings.secret_key, email), most, seconds)] if email else []
    return limits + _network(action, most, settings)


def code_limits(user_id: uuid.UUID, settings: Settings) -> list[Limit]:
    """Five wrong codes in five minutes for a person and for a network."""
    person = Limit("code", "person", str(user_id), settings.code_tries, settings.tries_window_seconds)
    return [person, *_network("code", settings.code_tries, settings)]


def spend(limits: list[Limit]) -> None:
    """Count one try against each. Raises TooMany when one of them is used up."""
    for limit in limits:
        with transaction() as session:
            count, left = _count(session, limit)
        if count > limit.most:
            _refuse(limit, count, left)


def give_back(session: Session, limits: list[Limit]) -> None:
    """The try was right: it does not count."""
    for limit in limits:
        session.execute(
            sa.update(RateLimit)
            .where(*_open(limit), RateLimit.request_count > 0)
            .values(request_count=RateLimit.request_count - 1)
        )


def _network(action: str, most: int, settings: Settings) -> list[Limit]:
    name = rates.network(actor().ip_address, settings)
    return [Limit(action, "network", name, most, settings.tries_window_seconds)] if name else []


def _open(limit: Limit) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RateLimit.identifier == limit.identifier,
        RateLimit.identifier_type == limit.kind,
        RateLimit.action == limit.action,
        RateLimit.window_end > sa.func.now(),
    )


def _count(session: Session, limit: Limit) -> tuple[int, int]:
    """(tries in the open window with this one, seconds until it ends)."""
    name = f"{limit.kind}:{limit.identifier}:{limit.action}"
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 2))))
    count = RateLimit.request_count + 1
    blocked = {"is_blocked": count > limit.most, "blocked_until": sa.case((count > limit.most, RateLimit.window_end))}
    row = session.execute(
        sa.update(RateLimit)
        .where(*_open(limit))
        .values(request_count=count, **blocked)
        .returning(RateLimit.request_count, sa.extract("epoch", RateLimit.window_end - sa.func.now()))
    ).first()
    if row is not None:
        return int(row[0]), math.ceil(row[1])
    now = session.execute(sa.select(sa.func.now())).scalar_one()
    session.add(
        RateLimit(
            identifier=limit.identifier,
            identifier_type=limit.kind,
            action=limit.action,
            window_start=now,
            window_end=now + dt.timedelta(seconds=limit.seconds),
            request_count=1,
            rate_limit=limit.most,
        )
    )
    return 1, limit.seconds


def _refuse(limit: Limit, count: int, left: int) -> None:
    """Told to the security team once a window."""
    if count == limit.most + 1:
        log_security_event(
            SecurityEventType.RATE_LIMIT_EXCEEDED,
            SecuritySeverity.MEDIUM,
            f"Too many tries: {limit.action}",
            data={"kind": limit.kind, "action": limit.action, "limit": limit.most},
        )
    minutes = max(1, round(left / 60))
    raise TooMany(f"Too many tries. Please wait {minutes} minute{'s' if minutes > 1 else ''}.", retry_after=left)
