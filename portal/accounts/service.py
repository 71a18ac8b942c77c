"""Commands on people: sign in by link, sign out, grant a role or a permission, link a wallet."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import db, outbox
from portal.accounts import queries
from portal.accounts.enums import AccountStatus, AuthProvider, Permission, UserRole
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
from portal.audit.context import Actor, acting_as, actor
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.crypto import new_token, token_hash
from portal.db import must_hit, transaction, utcnow
from portal.errors import Conflict, Gone, NotFound, TooMany

MOST_LINKS = 10
LINKS_WINDOW = dt.timedelta(minutes=5)
PRIVILEGED = {UserRole.ADMIN}

db.explain("uq_user_wallets_wallet_address_chain_id", lambda: Conflict("This wallet is linked to another account."))


def request_magic_link(email: str, browser: str, next_path: str, settings: Settings) -> None:
    """Ask for a sign-in link; the answer is the same whether the address is known or not.

    The link works once, within `settings.magic_link_seconds`. Raises TooMany past 10 links in 5 minutes.
    """
    email = email.lower()
    with transaction() as session:
        if queries.links_asked_for(session, email, utcnow() - LINKS_WINDOW) >= MOST_LINKS:
            raise TooMany("Too many links were asked for. Please wait five minutes.", retry_after=300)
        link_id = uuid.uuid4()
        session.add(
            MagicLinkToken(
                id=link_id,
                email=email,
                token_hash=token_hash(link_token(link_id, settings)),
                browser_hash=token_hash(browser),
                next_path=next_path,
                expires_at=utcnow() + dt.timedelta(seconds=settings.magic_link_seconds),
                requested_ip=actor().ip_address,
            )
        )
        outbox.add(session, "send_magic_link", {"link_id": str(link_id)}, dedupe=f"magic-link:{link_id}")


def link_token(link_id: uuid.UUID, settings: Settings) -> str:
    """The 256-bit token of a link: made from the row's random id by the secret key, so that a mail that is sent
    again holds the same link while the database and the queue hold only its hash."""
    digest = hmac.new(settings.secret_key.encode(), b"magic-link:" + link_id.bytes, hashlib.sha256)
    return digest.hexdigest()


def sign_in_with_link(token: str, settings: Settings) -> tuple[str, str]:
    """Use up a link: (session token, where to go next). A first sign-in creates the person.

    Raises Gone for a link that was used, has expired or never was.
    """
    with transaction() as session:
        link = session.scalars(
            sa.update(MagicLinkToken)
            .where(
                MagicLinkToken.token_hash == token_hash(token),
                MagicLinkToken.used_at.is_(None),
                MagicLinkToken.expires_at > sa.func.now(),
            )
            .values(used_at=sa.func.now())
            .returning(MagicLinkToken)
        ).one_or_none()
        if link is None:
            raise Gone("This link was used before or is too old. Ask for a new one.")
        user = _person_of(session, link.email)
        if user.status is not AccountStatus.ACTIVE:
            raise Gone("This account is not active. Write to us if you think it should be.")
        user.email_verified, user.last_login_at = True, utcnow()
        with acting_as(_as_person(user)):
            session_token = open_session(session, user, settings)
            record(session, "sign_in", AuditActionCategory.AUTHENTICATION, target=("user", user.id, user.email))
        return session_token, link.next_path or "/"


def open_session(session: Session, user: User, settings: Settings) -> str:
    """Write a session row for this person and browser; returns the token that only the cookie keeps."""
    token = new_token()
    privileged = bool(_role_names(session, user.id) & PRIVILEGED or queries.permissions_of(session, user.id))
    seconds = settings.privileged_absolute_seconds if privileged else settings.session_absolute_seconds
    who = actor()
    session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user.id,
            expires_at=utcnow() + dt.timedelta(seconds=seconds),
            privileged=privileged,
            user_agent=who.user_agent,
            ip_address=who.ip_address,
        )
    )
    return token


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
    """Give a role inside the caller's transaction; a role held already gets the new end."""
    role_id = sa.select(Role.id).where(Role.name == role).scalar_subquery()
    session.execute(
        insert(RoleGrant)
        .values(id=uuid.uuid4(), user_id=user_id, role_id=role_id, assigned_by=by, expires_at=expires_at)
        .on_conflict_do_update(
            index_elements=["user_id", "role_id"], set_={"expires_at": expires_at, "assigned_by": by}
        )
    )
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
    session.execute(
        sa.update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None), sa.not_(UserSession.privileged))
        .values(revoked_at=sa.func.now())
    )
    record(
        session,
        "grant_permission",
        AuditActionCategory.AUTHORIZATION,
        target=("user", user_id, permission.value),
        after={"permission": permission.value, "expiresAt": expires_at.isoformat() if expires_at else None},
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
    with acting_as(_as_person(user)):
        grant_role(session, user.id, UserRole.VIEWER)
        record(session, "create_user", AuditActionCategory.AUTHENTICATION, target=("user", user.id, user.email))
    return user


def _person_of(session: Session, email: str) -> User:
    """The person of this address; a first sign-in creates them, beside whoever else does so right now."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(email, 1))))
    return queries.user_by_email(session, email) or create_person(session, email, email.split("@")[0][:100])


def _as_person(user: User) -> Actor:
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
