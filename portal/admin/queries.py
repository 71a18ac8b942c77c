"""Reads about people and masters for staff."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from portal.accounts import ways
from portal.accounts.enums import AccountStatus, UserRole
from portal.accounts.models import PermissionGrant, Role, RoleGrant, User, UserSession, UserWallet
from portal.accounts.queries import wallets_of
from portal.artists.queries import of_user
from portal.audit.models import AuditLog
from portal.masters.enums import MasterStatus
from portal.masters.models import Master

Place = tuple[dt.datetime, uuid.UUID]


@dataclass(frozen=True)
class UserRow:
    id: uuid.UUID
    email: str
    display_name: str
    status: str
    roles: list[str]
    created_at: dt.datetime
    last_login_at: dt.datetime | None


@dataclass(frozen=True)
class Wanted:
    """Which people: `text` in the name or the address, or a whole id or wallet; "" asks for all."""

    text: str = ""
    status: str = ""
    role: str = ""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.text:
            found.append(_named(self.text))
        if self.status:
            found.append(User.status == AccountStatus(self.status))
        if self.role:
            held = sa.select(RoleGrant.user_id).join(Role).where(Role.name == UserRole(self.role), _in_force())
            found.append(User.id.in_(held))
        return found


def contains(text: str) -> str:
    """LIKE pattern of a text that somebody typed."""
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


def as_id(text: str) -> uuid.UUID | None:
    """The id that a text is, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _named(text: str) -> sa.ColumnElement[bool]:
    if (found := as_id(text)) is not None:
        return User.id == found
    if text.lower().startswith("0x"):
        return User.id.in_(sa.select(UserWallet.user_id).where(UserWallet.wallet_address == text.lower()))
    like = contains(text)
    return sa.or_(User.email.ilike(like, escape="\\"), User.display_name.ilike(like, escape="\\"))


def _in_force() -> sa.ColumnElement[bool]:
    return sa.or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > sa.func.now())


def users(session: Session, limit: int, after: Place | None, wanted: Wanted | None = None) -> list[UserRow]:
    """People, newest first, with the roles that are in force; one statement."""
    roles = (
        sa.select(sa.func.coalesce(sa.func.array_agg(Role.name.cast(sa.Text)), sa.text("'{}'::text[]")))
        .select_from(RoleGrant)
        .join(Role)
        .where(RoleGrant.user_id == User.id, _in_force())
        .scalar_subquery()
    )
    statement = (
        sa.select(User.id, User.email, User.display_name, User.status, roles, User.created_at, User.last_login_at)
        .where(*(wanted.conditions() if wanted else []))
        .order_by(User.created_at.desc(), User.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(User.created_at, User.id) < after)
    rows = session.execute(statement)
    return [UserRow(i, email, name, s.value, sorted(held), made, seen) for i, email, name, s, held, made, seen in rows]


@dataclass(frozen=True)
class Grant:
    """A role or a permission that somebody holds; `over` when its end has passed."""

    name: str
    since: dt.datetime
    until: dt.datetime | None
    by: str | None
    over: bool


def roles_of(session: Session, user_id: uuid.UUID) -> list[Grant]:
    giver = aliased(User)
    rows = session.execute(
        sa.select(Role.name, RoleGrant.assigned_at, RoleGrant.expires_at, giver.email, sa.not_(_in_force()))
        .join(RoleGrant, RoleGrant.role_id == Role.id)
        .outerjoin(giver, giver.id == RoleGrant.assigned_by)
        .where(RoleGrant.user_id == user_id)
        .order_by(RoleGrant.assigned_at)
    )
    return [Grant(name.value, since, until, by, bool(over)) for name, since, until, by, over in rows]


def permissions_of(session: Session, user_id: uuid.UUID) -> list[Grant]:
    giver, grant = aliased(User), PermissionGrant
    over = sa.func.coalesce(grant.expires_at <= sa.func.now(), False)
    rows = session.execute(
        sa.select(grant.permission, grant.assigned_at, grant.expires_at, giver.email, over)
        .outerjoin(giver, giver.id == grant.assigned_by)
        .where(grant.user_id == user_id)
        .order_by(grant.permission)
    )
    return [Grant(*row) for row in rows]


@dataclass(frozen=True)
class Someone:
    """One person with everything staff decide by; no secret of theirs."""

    user: User
    roles: list[Grant]
    permissions: list[Grant]
    ways: list[ways.Way]
    wallets: list[UserWallet]
    artist: Any
    sessions: int
    latest: list[AuditLog]


def someone(session: Session, user_id: uuid.UUID) -> Someone | None:
    user = session.get(User, user_id)
    if user is None:
        return None
    open_ = UserSession.revoked_at.is_(None), UserSession.expires_at > sa.func.now()
    count = sa.select(sa.func.count()).select_from(UserSession).where(UserSession.user_id == user_id, *open_)
    return Someone(
        user,
        roles_of(session, user_id),
        permissions_of(session, user_id),
        ways.of(session, user_id),
        wallets_of(session, user_id),
        of_user(session, user_id),
        session.scalar(count) or 0,
        _latest(session, user_id),
    )


def _latest(session: Session, user_id: uuid.UUID) -> list[AuditLog]:
    """What was last done by this person or to them."""
    both = sa.or_(AuditLog.user_id == user_id, AuditLog.target_id == user_id)
    return list(session.scalars(sa.select(AuditLog).where(both).order_by(AuditLog.created_at.desc()).limit(20)))


def waiting_masters(session: Session, limit: int, after: Place | None) -> list[Master]:
    """Masters of unverified artists that wait for staff, the oldest first."""
    statement = sa.select(Master).options(joinedload(Master.artist), joinedload(Master.ipo))
    if after is not None:
        statement = statement.where(sa.tuple_(Master.updated_at, Master.id) > after)
    waiting = statement.where(Master.status == MasterStatus.PENDING)
    return list(session.scalars(waiting.order_by(Master.updated_at, Master.id).limit(limit)))


def masters_waiting(session: Session) -> int:
    waiting = sa.select(sa.func.count()).select_from(Master).where(Master.status == MasterStatus.PENDING)
    return session.scalar(waiting) or 0
