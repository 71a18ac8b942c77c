"""Reads for staff."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Role, RoleGrant, User
from portal.masters.enums import MasterStatus
from portal.masters.models import Master


@dataclass(frozen=True)
class UserRow:
    id: uuid.UUID
    email: str
    display_name: str
    status: str
    roles: list[str]
    created_at: dt.datetime
    last_login_at: dt.datetime | None


def users(session: Session, limit: int, after: tuple[dt.datetime, uuid.UUID] | None) -> list[UserRow]:
    """People, newest first, with the roles that are in force; one statement."""
    roles = (
        sa.select(sa.func.coalesce(sa.func.array_agg(Role.name.cast(sa.Text)), sa.text("'{}'::text[]")))
        .select_from(RoleGrant)
        .join(Role)
        .where(
            RoleGrant.user_id == User.id, sa.or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > sa.func.now())
        )
        .scalar_subquery()
    )
    statement = (
        sa.select(User.id, User.email, User.display_name, User.status, roles, User.created_at, User.last_login_at)
        .order_by(User.created_at.desc(), User.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(User.created_at, User.id) < after)
    rows = session.execute(statement)
    return [UserRow(i, email, name, s.value, sorted(held), made, seen) for i, email, name, s, held, made, seen in rows]


def waiting_masters(session: Session) -> list[Master]:
    """Masters of unverified artists that wait for staff, the oldest first."""
    return list(
        session.scalars(
            sa.select(Master)
            .options(joinedload(Master.artist), joinedload(Master.ipo))
            .where(Master.status == MasterStatus.PENDING)
            .order_by(Master.updated_at, Master.id)
        )
    )
