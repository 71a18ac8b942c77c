"""Commands on people: open and end a session, grant a role or a permission, link a wallet."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import db
from portal.accounts import queries
from portal.accounts.enums import AuthProvider, Permission, UserRole
from portal.accounts.models import (
    Account,
    PermissionGrant,
    Role,
    RoleGrant,
    User,
    UserSession,
    UserWallet,
)
from portal.audit.context import Actor, acting_as, actor
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.crypto import new_token, token_hash
from portal.db import must_hit, transaction, utcnow
from portal.errors import Conflict, NotFound

CODE_SECONDS = 10 * 60
PRIVILEGED = {UserRole.ADMIN}

db.explain("uq_user_wallets_wallet_address_chain_id", lambda: Conflict("This wallet is linked to another account."))


def open_session(session: Session, user: User, settings: Settings, *, waits_for_code: bool = False) -> str:
    """Write a session row for this person and browser; returns the token that only the cookie keeps.

    One that waits for the second factor signs nobody in and lasts for `CODE_SECONDS`.
    """
    token = new_token()
    privileged, seconds = lifetime(session, user.id, settings)
    who = actor()
    session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user.id,
            expires_at=utcnow() + dt.timedelta(seconds=CODE_SECONDS if waits_for_code else seconds),
            privileged=privileged,
            user_agent=who.user_agent,
            ip_address=who.ip_address,
            step_up_at=None if waits_for_code else utcnow(),
            waits_for_code=waits_for_code,
        )
    )
    return token


def lifetime(session: Session, user_id: uuid.UUID, settings: Settings) -> tuple[bool, int]:
    """(whether this person's sessions are those of staff, seconds until a session ends however it is used)."""
    privileged = bool(_role_names(session, user_id) & PRIVILEGED or queries.permissions_of(session, user_id))
    return privileged, settings.privileged_absolute_seconds if privileged else settings.session_absolute_seconds


def sign_out(token: str) -> None:
    """Kill the session on the server: every copy of the cookie dies with it."""
    with transaction() as session:
        row = session.execute(
            sa.update(UserSession)
            .where(UserSession.token_hash == token_hash(token), UserSession.revoked_at.is_(None))
            .values(revoked_at=sa.func.now())
            .returning(UserSession.user_id)
        ).one_or_none()
        if row is not None:
            record(
                session,
                "sign_out",
                AuditActionCategory.AUTHENTICATION,
                target=("user", row.user_id, actor().identifier),
            )


def touch_session(session_id: uuid.UUID) -> None:
    """Note that the session was used; called at most once a minute."""
    with transaction() as session:
        session.execute(sa.update(UserSession).where(UserSession.id == session_id).values(last_seen_at=sa.func.now()))


def grant_role(
    session: Session,
    user_id: uuid.UUID,
    role: UserRole,
    *,
    by: uuid.UUID | None = None,
    expires_at: dt.datetime | None = None,
) -> None:
    """Give a role inside the caller's transaction; a role held already gets the new end.

    With a role of staff, sessions from before end: they may last longer than those of staff.
    """
    role_id = sa.select(Role.id).where(Role.name == role).scalar_subquery()
    session.execute(
        insert(RoleGrant)
        .values(id=uuid.uuid4(), user_id=user_id, role_id=role_id, assigned_by=by, expires_at=expires_at)
        .on_conflict_do_update(
            index_elements=["user_id", "role_id"], set_={"expires_at": expires_at, "assigned_by": by}
        )
    )
    if role in PRIVILEGED:
        _end_long_sessions(session, user_id)
    record(
        session,
        "grant_role",
        AuditActionCategory.AUTHORIZATION,
        target=("user", user_id, role.value),
        after={"role": role.value, "expiresAt": expires_at.isoformat() if expires_at else None},
    )


def grant_permission(
    session: Session,
    user_id: uuid.UUID,
    permission: Permission,
    *,
    by: uuid.UUID | None = None,
    expires_at: dt.datetime | None = None,
) -> None:
    """Give one permission inside the caller's transaction; one held already gets the new end.

    Sessions from before end: they may last longer than those of somebody who holds a permission.
    """
    session.execute(
        insert(PermissionGrant)
        .values(id=uuid.uuid4(), user_id=user_id, permission=permission, assigned_by=by, expires_at=expires_at)
        .on_conflict_do_update(
            index_elements=["user_id", "permission"], set_={"expires_at": expires_at, "assigned_by": by}
        )
    )
    _end_long_sessions(session, user_id)
    record(
        session,
        "grant_permission",
        AuditActionCategory.AUTHORIZATION,
        target=("user", user_id, permission.value),
        after={"permission": permission.value, "expiresAt": expires_at.isoformat() if expires_at else None},
    )


def _end_long_sessions(session: Session, user_id: uuid.UUID) -> None:
    session.execute(
        sa.update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None), sa.not_(UserSession.privileged))
        .values(revoked_at=sa.func.now())
    )


def revoke_permission(session: Session, user_id: uuid.UUID, permission: Permission) -> None:
    """Take a single permission back inside the caller's transaction; it ends with the next request.

    What a role carries stays. Raises NotFound when it was not granted.
    """
    gone = session.execute(
        sa.delete(PermissionGrant).where(PermissionGrant.user_id == user_id, PermissionGrant.permission == permission)
    )
    must_hit(gone, NotFound("This permission was not granted."))
    record(
        session,
        "revoke_permission",
        AuditActionCategory.AUTHORIZATION,
        target=("user", user_id, permission.value),
        before={"permission": permission.value},
    )


def revoke_role(session: Session, user_id: uuid.UUID, role: UserRole) -> None:
    """Take a role back inside the caller's transaction; what it carries ends with the next request.

    Raises NotFound when it was not granted.
    """
    role_id = sa.select(Role.id).where(Role.name == role).scalar_subquery()
    gone = session.execute(sa.delete(RoleGrant).where(RoleGrant.user_id == user_id, RoleGrant.role_id == role_id))
    must_hit(gone, NotFound("This role was not granted."))
    record(
        session,
        "revoke_role",
        AuditActionCategory.AUTHORIZATION,
        target=("user", user_id, role.value),
        before={"role": role.value},
    )


def link_wallet(session: Session, user_id: uuid.UUID, address: str, chain_id: str, label: str) -> UserWallet:
    """Link a wallet whose ownership was proved, inside the caller's transaction; the first one is the primary.

    Linking the same wallet again changes nothing. Raises Conflict when another person has it.
    """
    address = address.lower()
    known = session.scalars(
        sa.select(UserWallet).where(UserWallet.wallet_address == address, UserWallet.chain_id == chain_id)
    ).one_or_none()
    if known is not None and known.user_id == user_id:
        return known
    first = not queries.wallets_of(session, user_id)
    wallet = UserWallet(
        user_id=user_id,
        wallet_address=address,
        chain_id=chain_id,
        label=label,
        is_primary=first,
        verified=True,
        verified_at=utcnow(),
    )
    session.add(wallet)
    record(
        session,
        "link_wallet",
        AuditActionCategory.AUTHENTICATION,
        target=("user", user_id, address),
        after={"wallet": address, "primary": first},
    )
    return wallet


def link_demo_wallet(user_id: uuid.UUID, address: str, chain_id: str, label: str) -> UserWallet:
    """Link a wallet of the development chain, whose key the portal itself holds. Raises Conflict when it is taken."""
    with transaction() as session:
        return link_wallet(session, user_id, address, chain_id, label)


def create_person(session: Session, email: str, display_name: str) -> User:
    """A new person with the viewer's role and their e-mail as the way in, inside the caller's transaction."""
    user = User(id=uuid.uuid4(), email=email.lower(), display_name=display_name, email_verified=True)
    session.add(user)
    session.flush()
    session.add(Account(user_id=user.id, provider=AuthProvider.MAGIC_LINK, provider_account_id=user.email))
    with acting_as(as_person(user)):
        grant_role(session, user.id, UserRole.VIEWER)
        record(session, "create_user", AuditActionCategory.AUTHENTICATION, target=("user", user.id, user.email))
    return user


def as_person(user: User) -> Actor:
    """Audit rows and events from here on name this person, who is about to be signed in."""
    who = actor()
    return Actor("user", user.id, user.email, who.ip_address, who.user_agent, who.path, who.method)


def _role_names(session: Session, user_id: uuid.UUID) -> set[UserRole]:
    return set(
        session.scalars(
            sa.select(Role.name)
            .join(RoleGrant)
            .where(
                RoleGrant.user_id == user_id,
                sa.or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > sa.func.now()),
            )
        )
    )
