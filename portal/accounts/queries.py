"""Reads about people, their sessions, roles and wallets."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.enums import AccountStatus, AuthProvider
from portal.accounts.models import (
    Account,
    MagicLinkToken,
    PermissionGrant,
    Role,
    RoleGrant,
    User,
    UserSession,
    UserWallet,
)
from portal.crypto import token_hash

NOTHING = sa.text("'[]'::jsonb")
Whose = uuid.UUID | sa.orm.InstrumentedAttribute[uuid.UUID]


@dataclass(frozen=True)
class SessionRow:
    """A live session with its person and what the person may do now."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    email: str
    display_name: str
    avatar_url: str | None
    last_seen_at: dt.datetime
    step_up_at: dt.datetime | None
    two_factor: bool
    roles: frozenset[str]
    permissions: frozenset[str]


def live_session(session: Session, token: str, idle_seconds: int, privileged_idle_seconds: int) -> SessionRow | None:
    """The session of this token, unless revoked, idle too long, past its end, or the account is not active."""
    row = session.execute(
        sa.select(
            UserSession.id,
            UserSession.last_seen_at,
            User.id,
            User.email,
            User.display_name,
            User.avatar_url,
            UserSession.step_up_at,
            User.two_factor_enabled,
            _roles(User.id),
            _granted(User.id),
        )
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == token_hash(token), *_in_force(idle_seconds, privileged_idle_seconds))
    ).one_or_none()
    if row is None:
        return None
    session_id, seen, user_id, email, name, avatar, step_up, two_factor, granted, single = row
    return SessionRow(
        session_id,
        user_id,
        email,
        name,
        avatar,
        seen,
        step_up,
        two_factor,
        frozenset(n for n, _ in granted),
        _permissions(granted, single),
    )


def permissions_of(session: Session, user_id: uuid.UUID) -> frozenset[str]:
    """What a person may do now, by their roles and by single grants; nothing that has expired."""
    held, single = session.execute(sa.select(_roles(user_id), _granted(user_id))).one()
    return _permissions(held, single)


def _roles(user: Whose) -> sa.ScalarSelect[list[tuple[str, str | None]]]:
    """[[role, its permissions as JSON text], ...] of the roles that have not expired."""
    listed = sa.func.jsonb_agg(sa.func.jsonb_build_array(Role.name, Role.permissions))
    statement = sa.select(sa.func.coalesce(listed, NOTHING)).select_from(RoleGrant).join(Role)
    return statement.where(RoleGrant.user_id == user, _unexpired(RoleGrant.expires_at)).scalar_subquery()


def _granted(user: Whose) -> sa.ScalarSelect[list[str]]:
    """[permission, ...] of the grants that have not expired."""
    statement = sa.select(sa.func.coalesce(sa.func.jsonb_agg(PermissionGrant.permission), NOTHING))
    mine = PermissionGrant.user_id == user, _unexpired(PermissionGrant.expires_at)
    return statement.where(*mine).scalar_subquery()


def _unexpired(end: sa.orm.InstrumentedAttribute[dt.datetime | None]) -> sa.ColumnElement[bool]:
    return sa.or_(end.is_(None), end > sa.func.now())


def _permissions(roles: list[tuple[str, str | None]], single: list[str]) -> frozenset[str]:
    return frozenset(single).union(*(json.loads(listed) for _, listed in roles if listed))


def sessions_in_force(
    session: Session, session_ids: set[uuid.UUID], idle_seconds: int, privileged_idle_seconds: int
) -> dict[uuid.UUID, frozenset[str]]:
    """Those of these sessions that `live_session` would still find, with the roles and permissions held now."""
    rows = session.execute(
        sa.select(UserSession.id, _roles(User.id), _granted(User.id))
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.id.in_(session_ids), *_in_force(idle_seconds, privileged_idle_seconds))
    )
    return {key: frozenset(name for name, _ in roles) | _permissions(roles, single) for key, roles, single in rows}


def _in_force(idle_seconds: int, privileged_idle_seconds: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Not revoked, not past its end, not idle too long, not waiting for a code, and the account is active."""
    idle = sa.case((UserSession.privileged, privileged_idle_seconds), else_=idle_seconds)
    return (
        UserSession.revoked_at.is_(None),
        sa.not_(UserSession.waits_for_code),
        UserSession.expires_at > sa.func.now(),
        UserSession.last_seen_at > sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, idle),
        User.status == AccountStatus.ACTIVE,
    )


def user_by_email(session: Session, email: str) -> User | None:
    return session.scalars(sa.select(User).where(User.email == email.lower())).one_or_none()


def usable_link(session: Session, token: str) -> MagicLinkToken | None:
    """The unused, unexpired sign-in link of this token."""
    return session.scalars(
        sa.select(MagicLinkToken).where(
            MagicLinkToken.token_hash == token_hash(token),
            MagicLinkToken.used_at.is_(None),
            MagicLinkToken.expires_at > sa.func.now(),
        )
    ).one_or_none()


def user_by_way(session: Session, provider: AuthProvider, account_id: str) -> User | None:
    """The person who signs in by this e-mail address, wallet or identity."""
    return session.scalars(
        sa.select(User).join(Account).where(Account.provider == provider, Account.provider_account_id == account_id)
    ).one_or_none()


def wallets_of(session: Session, user_id: uuid.UUID) -> list[UserWallet]:
    """Linked wallets, primary first."""
    return list(
        session.scalars(
            sa.select(UserWallet)
            .where(UserWallet.user_id == user_id)
            .order_by(UserWallet.is_primary.desc(), UserWallet.created_at)
        )
    )


def wallet_owners(session: Session, addresses: list[str], chain_id: str) -> dict[str, uuid.UUID]:
    """Address -> person, for those addresses that are linked."""
    rows = session.execute(
        sa.select(UserWallet.wallet_address, UserWallet.user_id).where(
            UserWallet.wallet_address.in_(addresses), UserWallet.chain_id == chain_id, UserWallet.verified
        )
    )
    return {row.wallet_address: row.user_id for row in rows}


def linked_among(session: Session, addresses: list[str], chain_id: str) -> set[str]:
    """Those of the addresses that somebody has linked."""
    return set(
        session.scalars(
            sa.select(UserWallet.wallet_address).where(
                UserWallet.wallet_address.in_(addresses), UserWallet.chain_id == chain_id
            )
        )
    )


def same_person(one: Any, other: Any) -> sa.ColumnElement[bool]:
    """Whether two columns of wallet addresses belong to one person, by the wallets that are linked now."""
    first, second = sa.orm.aliased(UserWallet), sa.orm.aliased(UserWallet)
    return (
        sa.select(first.id)
        .join(second, second.user_id == first.user_id)
        .where(first.wallet_address == one, second.wallet_address == other)
        .exists()
    )
