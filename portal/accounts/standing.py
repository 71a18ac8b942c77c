"""What staff do about people: suspend and reactivate an account, give and take roles and single permissions.

Nobody does any of it to their own account, gives what they may not do themselves, or touches somebody who may more
than they: whoever holds `admin:users` alone cannot make themselves, or a friend, an administrator.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import notices, queries
from portal.accounts.enums import AccountStatus, Permission, UserRole
from portal.accounts.models import Role, User, UserSession
from portal.accounts.service import grant_permission, grant_role, revoke_permission, revoke_role
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, record
from portal.db import transaction, utcnow
from portal.errors import Conflict, FieldError, Invalid, NotFound


def suspend(by: uuid.UUID, user_id: uuid.UUID, reason: str) -> None:
    """Shut an account: every session ends at once, open pages lose their line within a second, a mail says why.

    Raises NotFound, or Conflict for one that is not active.
    """
    with transaction() as session:
        user = _of_staff(session, by, user_id)
        if user.status is not AccountStatus.ACTIVE:
            raise Conflict("This account is not active.")
        user.status = AccountStatus.SUSPENDED
        session.execute(
            sa.update(UserSession)
            .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
            .values(revoked_at=sa.func.now())
        )
        _record(session, user, "suspend_user", AccountStatus.ACTIVE, reason)
        notices.tell(session, user_id, "suspended", reason=reason)
    _note("An account was suspended", user_id)


def reactivate(by: uuid.UUID, user_id: uuid.UUID, reason: str) -> None:
    """Open a suspended account again; its sessions stay ended. Raises NotFound, Conflict."""
    with transaction() as session:
        user = _of_staff(session, by, user_id)
        if user.status is not AccountStatus.SUSPENDED:
            raise Conflict("This account is not suspended.")
        user.status = AccountStatus.ACTIVE
        _record(session, user, "reactivate_user", AccountStatus.SUSPENDED, reason)
        notices.tell(session, user_id, "reactivated")
    _note("An account was reactivated", user_id)


def give_role(by: uuid.UUID, user_id: uuid.UUID, role: UserRole, until: dt.datetime | None) -> None:
    """Raises NotFound, Conflict, or Invalid for an end that has passed."""
    with transaction() as session:
        _of_staff(session, by, user_id)
        listed = session.scalar(sa.select(Role.permissions).where(Role.name == role))
        _must_hold(session, by, set(json.loads(listed or "[]")))
        grant_role(session, user_id, role, by=by, expires_at=_future(until))
    _note(f"The role {role.value} was given", user_id)


def take_role(by: uuid.UUID, user_id: uuid.UUID, role: UserRole) -> None:
    """Raises NotFound, or Conflict for the viewer's, which everybody has."""
    if role is UserRole.VIEWER:
        raise Conflict("Everybody is a viewer. Suspend the account instead.")
    with transaction() as session:
        _of_staff(session, by, user_id)
        revoke_role(session, user_id, role)
    _note(f"The role {role.value} was taken back", user_id)


def give_permission(by: uuid.UUID, user_id: uuid.UUID, permission: Permission, until: dt.datetime | None) -> None:
    """Raises NotFound, Conflict, or Invalid for an end that has passed."""
    with transaction() as session:
        _of_staff(session, by, user_id)
        _must_hold(session, by, {permission.value})
        grant_permission(session, user_id, permission, by=by, expires_at=_future(until))
    _note(f"The permission {permission.value} was given", user_id)


def take_permission(by: uuid.UUID, user_id: uuid.UUID, permission: Permission) -> None:
    """Raises NotFound, Conflict."""
    with transaction() as session:
        _of_staff(session, by, user_id)
        revoke_permission(session, user_id, permission)
    _note(f"The permission {permission.value} was taken back", user_id)


def _of_staff(session: Session, by: uuid.UUID, user_id: uuid.UUID) -> User:
    """The person, locked, when `by` may act on them."""
    user = session.get(User, user_id, with_for_update=True)
    if user is None or user.status is AccountStatus.DELETED:
        raise NotFound
    if user_id == by:
        raise Conflict("Somebody else has to do this to your own account.")
    _must_hold(session, by, set(queries.permissions_of(session, user_id)))
    return user


def _must_hold(session: Session, by: uuid.UUID, wanted: set[str]) -> None:
    if lacking := sorted(wanted - queries.permissions_of(session, by)):
        raise Conflict(f"You may not do this: it takes {', '.join(lacking)}, which you do not have yourself.")


def _future(until: dt.datetime | None) -> dt.datetime | None:
    if until is not None and until <= utcnow():
        raise Invalid(FieldError("until", "Choose a day in the future."))
    return until


def _record(session: Session, user: User, action: str, before: AccountStatus, reason: str) -> None:
    session.flush()
    record(
        session,
        action,
        AuditActionCategory.ADMIN,
        target=("user", user.id, user.email),
        before={"status": before.value},
        after={"status": user.status.value},
        description=reason,
    )


def _note(title: str, user_id: uuid.UUID) -> None:
    data = {"userId": str(user_id)}
    log_security_event(SecurityEventType.ADMIN_ACTION, SecuritySeverity.INFO, title, data=data)
