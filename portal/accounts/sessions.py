"""A person's signed-in browsers: list them, end one or all others, and give one a new id."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import queries
from portal.accounts.devices import words
from portal.accounts.models import UserSession
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.crypto import new_token, token_hash
from portal.db import transaction
from portal.errors import NotFound


@dataclass(frozen=True)
class Device:
    """One browser; `network` is the address it was signed in from."""

    id: uuid.UUID
    name: str
    network: str | None
    since: dt.datetime
    last_seen: dt.datetime


def devices(session: Session, user_id: uuid.UUID, settings: Settings) -> list[Device]:
    """Sessions in force, the last seen first."""
    mine = set(session.scalars(sa.select(UserSession.id).where(UserSession.user_id == user_id)))
    alive = queries.sessions_in_force(
        session, mine, settings.session_idle_seconds, settings.privileged_idle_seconds
    )
    rows = session.scalars(
        sa.select(UserSession).where(UserSession.id.in_(alive)).order_by(UserSession.last_seen_at.desc())
    )
    return [Device(r.id, words(r.user_agent), r.ip_address, r.created_at, r.last_seen_at) for r in rows]


def revoke(user_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """End one of the person's own sessions; its open pages lose their line within a second. Raises NotFound."""
    with transaction() as session:
        if not _end(session, UserSession.user_id == user_id, UserSession.id == session_id):
            raise NotFound
        _record(session, user_id, "end_session", 1)


def revoke_others(user_id: uuid.UUID, keep: uuid.UUID) -> int:
    """End every other session of the person; returns how many."""
    with transaction() as session:
        return end_others(session, user_id, keep)


def end_others(session: Session, user_id: uuid.UUID, keep: uuid.UUID) -> int:
    """The same inside the caller's transaction; halves that wait for a code end too."""
    ended = _end(session, UserSession.user_id == user_id, UserSession.id != keep)
    if ended:
        _record(session, user_id, "end_other_sessions", ended)
    return ended


def renew(session: Session, session_id: uuid.UUID) -> str:
    """A new token for a session whose person has just proved who they are; the old token is dead. Returns it."""
    token = new_token()
    session.execute(
        sa.update(UserSession)
        .where(UserSession.id == session_id)
        .values(token_hash=token_hash(token), step_up_at=sa.func.now(), last_seen_at=sa.func.now())
    )
    return token


def _end(session: Session, *which: sa.ColumnElement[bool]) -> int:
    result = session.execute(
        sa.update(UserSession).where(UserSession.revoked_at.is_(None), *which).values(revoked_at=sa.func.now())
    )
    return int(getattr(result, "rowcount", 0))


def _record(session: Session, user_id: uuid.UUID, action: str, count: int) -> None:
    record(
        session,
        action,
        AuditActionCategory.AUTHENTICATION,
        target=("user", user_id, ""),
        after={"sessionsEnded": count},
    )
