"""Reads of the records for staff: the audit log with its seals, security events, webhooks."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.admin.queries import Place, as_id, contains
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLeaf, AuditLog, AuditSeal, SecurityEvent, SystemEvent
from portal.webhooks.enums import WebhookStatus
from portal.webhooks.models import WebhookLog

MOST_PEOPLE = 50
URGENT = (SecuritySeverity.CRITICAL, SecuritySeverity.HIGH)
VERIFIED = "verify_audit_log"


# --- the audit log ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Which rows of the audit log; "" and None ask for all."""

    actor: str = ""
    action: str = ""
    target: str = ""
    category: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def conditions(self, session: Session) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.actor:
            who = _people(session, self.actor)
            found.append(sa.or_(AuditLog.user_id.in_(who), AuditLog.actor_identifier == self.actor))
        if self.action:
            found.append(AuditLog.action.like(contains(self.action), escape="\\"))
        if self.target:
            found.append(_about(session, self.target))
        if self.category:
            found.append(AuditLog.action_category == AuditActionCategory(self.category))
        if self.since:
            found.append(AuditLog.created_at >= self.since)
        if self.until:
            found.append(AuditLog.created_at < self.until + dt.timedelta(days=1))
        return found


@dataclass(frozen=True)
class LogRow:
    """One row with the number of its seal; `forgotten` when personal fields of it were emptied."""

    row: AuditLog
    seal: int | None
    forgotten: bool

    @property
    def id(self) -> uuid.UUID:
        return self.row.id

    @property
    def created_at(self) -> dt.datetime:
        return self.row.created_at


def audit_rows(session: Session, limit: int, after: Place | None, asked: Asked) -> list[LogRow]:
    """The audit log, newest first."""
    statement = _with_leaf().where(*asked.conditions(session))
    if after is not None:
        statement = statement.where(sa.tuple_(AuditLog.created_at, AuditLog.id) < after)
    rows = session.execute(statement.order_by(AuditLog.created_at.desc(), AuditLog.id.desc()).limit(limit))
    return [LogRow(*row) for row in rows]


def audit_row(session: Session, row_id: uuid.UUID) -> LogRow | None:
    row = session.execute(_with_leaf().where(AuditLog.id == row_id)).one_or_none()
    return None if row is None else LogRow(*row)


def _with_leaf() -> sa.Select[AuditLog, int, bool]:
    emptied = sa.or_(AuditLeaf.actor_key.is_(None), AuditLeaf.subject_key.is_(None))
    forgotten = sa.and_(AuditLeaf.audit_id.is_not(None), emptied)
    joined = sa.select(AuditLog, AuditLeaf.seal_number, forgotten)
    return joined.outerjoin(AuditLeaf, AuditLeaf.audit_id == AuditLog.id)


def _people(session: Session, text: str) -> list[uuid.UUID]:
    if (found := as_id(text)) is not None:
        return [found]
    named = sa.select(User.id).where(User.email.ilike(contains(text), escape="\\")).limit(MOST_PEOPLE)
    return list(session.scalars(named))


def _about(session: Session, text: str) -> sa.ColumnElement[bool]:
    """A target by its id, a person's address, its kind, or a part of its name."""
    if (found := as_id(text)) is not None:
        return AuditLog.target_id == found
    named = AuditLog.target_identifier.ilike(contains(text), escape="\\")
    return sa.or_(AuditLog.target_id.in_(_people(session, text)), AuditLog.target_type == text, named)


def last_seal(session: Session) -> AuditSeal | None:
    return session.scalars(sa.select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).one_or_none()


def last_verification(session: Session) -> SystemEvent | None:
    statement = sa.select(SystemEvent).where(SystemEvent.event_type == VERIFIED)
    return session.scalars(statement.order_by(SystemEvent.created_at.desc()).limit(1)).one_or_none()


# --- security events --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Suspect:
    """Which security events: `state` is open, investigated or resolved; `text` a person, an address or words."""

    state: str = ""
    severity: str = ""
    kind: str = ""
    text: str = ""

    def conditions(self, session: Session) -> list[sa.ColumnElement[bool]]:
        states = {
            "open": sa.not_(SecurityEvent.is_resolved),
            "investigated": sa.and_(SecurityEvent.is_investigated, sa.not_(SecurityEvent.is_resolved)),
            "resolved": sa.true() == SecurityEvent.is_resolved,
        }
        found = [states[self.state]] if self.state else []
        if self.severity:
            found.append(SecurityEvent.severity == SecuritySeverity(self.severity))
        if self.kind:
            found.append(SecurityEvent.event_type == SecurityEventType(self.kind))
        if self.text:
            words = SecurityEvent.title.ilike(contains(self.text), escape="\\")
            place = sa.func.host(SecurityEvent.ip_address) == self.text
            found.append(sa.or_(SecurityEvent.user_id.in_(_people(session, self.text)), words, place))
        return found


def security_events(session: Session, limit: int, after: Place | None, suspect: Suspect) -> list[SecurityEvent]:
    """Security events, newest first."""
    statement = sa.select(SecurityEvent).where(*suspect.conditions(session))
    if after is not None:
        statement = statement.where(sa.tuple_(SecurityEvent.created_at, SecurityEvent.id) < after)
    newest = SecurityEvent.created_at.desc(), SecurityEvent.id.desc()
    return list(session.scalars(statement.order_by(*newest).limit(limit)))


def urgent_events(session: Session, limit: int = 10) -> list[SecurityEvent]:
    """High and critical ones that nobody has resolved, newest first."""
    open_ = SecurityEvent.severity.in_(URGENT), sa.not_(SecurityEvent.is_resolved)
    newest = SecurityEvent.created_at.desc(), SecurityEvent.id.desc()
    return list(session.scalars(sa.select(SecurityEvent).where(*open_).order_by(*newest).limit(limit)))


def emails(session: Session, ids: set[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Person -> e-mail, of those that are there."""
    rows = session.execute(sa.select(User.id, User.email).where(User.id.in_({i for i in ids if i})))
    return {row.id: row.email for row in rows}


# --- webhooks ---------------------------------------------------------------------------------------------


def webhooks(session: Session, limit: int, after: Place | None, provider: str, status: str) -> list[WebhookLog]:
    """Incoming webhooks, newest first."""
    statement = sa.select(WebhookLog)
    if provider:
        statement = statement.where(WebhookLog.provider_name == provider)
    if status:
        statement = statement.where(WebhookLog.status == WebhookStatus(status))
    if after is not None:
        statement = statement.where(sa.tuple_(WebhookLog.created_at, WebhookLog.id) < after)
    return list(session.scalars(statement.order_by(WebhookLog.created_at.desc(), WebhookLog.id.desc()).limit(limit)))


def providers(session: Session) -> list[str]:
    """Names that webhooks came from."""
    return list(session.scalars(sa.select(WebhookLog.provider_name).distinct().order_by(WebhookLog.provider_name)))
