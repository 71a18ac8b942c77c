"""The last step of every way in: a session, or half of one while the second factor is still to come."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import notices
from portal.accounts.enums import AccountStatus
from portal.accounts.models import User, UserSession
from portal.accounts.service import as_person, open_session
from portal.audit.context import acting_as
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, record
from portal.config import Settings
from portal.crypto import token_hash
from portal.db import db, utcnow
from portal.errors import DomainError, Gone, TooMany


@dataclass(frozen=True)
class Admission:
    """`token` is for the cookie. Not `complete`: it opens nothing until a code was given.

    `stays`: signing in took back the wish to be deleted. `codes_left`: after a recovery code, how many are left.
    """

    token: str
    complete: bool
    stays: bool = False
    codes_left: int | None = None


def admit(session: Session, user: User, way: str, settings: Settings) -> Admission:
    """Let a person in who proved one `way`, inside the caller's transaction. Raises Gone for an inactive account."""
    if user.status is not AccountStatus.ACTIVE:
        raise Gone("This account is not active. Write to us if you think it should be.")
    with acting_as(as_person(user)):
        if user.two_factor_enabled:
            return Admission(open_session(session, user, settings, waits_for_code=True), complete=False)
        stays = note_sign_in(session, user, way)
        return Admission(open_session(session, user, settings), complete=True, stays=stays)


def note_sign_in(session: Session, user: User, way: str) -> bool:
    """Written down when a person is in, before their session is opened; whether it kept an account from deletion."""
    stays = user.deleted_at is not None
    if stays:
        _stay(session, user)
    user.last_login_at = utcnow()
    notices.notify_of_new_browser(session, user.id)
    record(
        session,
        "sign_in",
        AuditActionCategory.AUTHENTICATION,
        target=("user", user.id, user.email),
        after={"way": way},
    )
    return stays


def _stay(session: Session, user: User) -> None:
    """Signing in takes back the wish to be deleted. Raises Gone when it has been carried out meanwhile."""
    session.refresh(user, with_for_update=True)
    if user.status is not AccountStatus.ACTIVE:
        raise Gone("This account was deleted.")
    asked, user.deleted_at = user.deleted_at, None
    session.flush()
    record(
        session,
        "take_back_deletion",
        AuditActionCategory.AUTHENTICATION,
        target=("user", user.id, user.email),
        before={"asked": asked.isoformat() if asked else None},
    )
    notices.notify(session, user.id, "deletion_taken_back")


def waiting(session: Session, token: str) -> tuple[uuid.UUID, User] | None:
    """(session id, person) of half a session that waits for a code."""
    row = session.execute(
        sa.select(UserSession.id, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.token_hash == token_hash(token),
            UserSession.waits_for_code,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > sa.func.now(),
            User.status == AccountStatus.ACTIVE,
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


@contextmanager
def failures_noted(title: str, kind: SecurityEventType = SecurityEventType.FAILED_LOGIN) -> Iterator[None]:
    """A refusal in here is a security event; one for too many tries has been noted already."""
    try:
        yield
    except TooMany:
        raise
    except DomainError as error:
        db.session.rollback()  # gives its connection back: the event takes one of its own
        log_security_event(kind, SecuritySeverity.LOW, title, description=error.detail)
        raise
