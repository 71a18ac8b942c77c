"""Deleting an account: asked for, taken back by signing in, and after the grace anonymised.

What others rely on stays without a name: the chain and its mirrors, the ledger, revenue and invoices within their
term, votes in their tally, consents. The audit log keeps commitments whose keys are destroyed, so its seals hold.
"""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import notices
from portal.accounts.enums import AccountStatus
from portal.accounts.models import User, UserSession
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.service import forget, log_security_event, log_system_event, record
from portal.db import db, transaction, utcnow
from portal.errors import FieldError, Invalid
from portal.privacy import queries

NAME = "Deleted person"
ON_CHAIN = (
    "EXISTS (SELECT FROM master_contracts c JOIN masters m ON m.id = c.master_id JOIN artists a ON a.id = m.artist_id"
    " WHERE a.user_id = :user)"
)
NOT_ON_CHAIN = "NOT EXISTS (SELECT FROM master_contracts c WHERE c.master_id = {})"
"""A token's metadata names the cover: whoever holds a share keeps the picture of it."""
THEIR_ARTIST = "(SELECT id FROM artists WHERE user_id = :user)"

EMPTYING = (
    "UPDATE artists SET follower_count = follower_count - 1"
    " WHERE id IN (SELECT artist_id FROM artist_follows WHERE follower_id = :user)",
    "DELETE FROM artist_follows WHERE follower_id = :user",
    f"UPDATE masters SET status = 'archived' WHERE status IN ('draft', 'pending') AND artist_id IN {THEIR_ARTIST}",  # noqa: S608
    f"UPDATE masters SET cover_image_url = NULL, cover_image_ipfs_hash = NULL WHERE artist_id IN {THEIR_ARTIST}"  # noqa: S608
    f" AND {NOT_ON_CHAIN.format('masters.id')}",
    f"UPDATE masters SET audio_file_name = NULL, audio_ipfs_hash = NULL WHERE artist_id IN {THEIR_ARTIST}"  # noqa: S608
    f" AND {NOT_ON_CHAIN.format('masters.id')}",
    "DELETE FROM media_uploads WHERE owner_id = :user",
    f"DELETE FROM media_recordings WHERE owner_id = :user AND {NOT_ON_CHAIN.format('media_recordings.master_id')}",  # noqa: S608
    f"UPDATE vstudio_sessions SET cover_image_url = NULL WHERE artist_id IN {THEIR_ARTIST}",  # noqa: S608
    f"DELETE FROM media_files WHERE owner_id = :user AND {NOT_ON_CHAIN.format('media_files.master_id')}",  # noqa: S608
    "UPDATE artists SET bio = NULL, short_bio = NULL, location = NULL, profile_image_url = NULL,"
    " banner_image_url = NULL, social_links = NULL, music_platforms = NULL WHERE user_id = :user",
    "UPDATE artists SET artist_name = 'Deleted artist', slug = 'deleted-' || id, is_active = false"  # noqa: S608
    f" WHERE user_id = :user AND NOT {ON_CHAIN}",
    "UPDATE producers SET producer_name = 'Deleted producer', slug = 'deleted-' || id, bio = NULL, specialty = NULL,"
    " profile_image_url = NULL, social_links = NULL, is_active = false WHERE user_id = :user",
    "UPDATE subscriptions SET status = 'canceled', canceled_at = now()"
    " WHERE user_id = :user AND status IN ('active', 'trialing', 'past_due')",
    "UPDATE vstudio_votes SET user_agent = NULL, client_ip_hash = NULL WHERE user_id = :user",
    "UPDATE vstudio_engagement_events SET user_id = NULL, wallet_address = NULL, event_data = NULL"
    " WHERE user_id = :user",
    "DELETE FROM idempotency_keys WHERE actor = :text",
    "DELETE FROM outbox WHERE done_at IS NOT NULL AND payload ->> 'user_id' = :text",
    "DELETE FROM magic_link_tokens WHERE user_id = :user OR email IN"
    " (SELECT provider_account_id FROM accounts WHERE user_id = :user AND provider = 'magic_link')",
    *(
        f"DELETE FROM {table} WHERE user_id = :user"  # noqa: S608
        for table in (
            "data_exports",
            "wallet_changes",
            "user_wallets",
            "accounts",
            "user_sessions",
            "second_factors",
            "recovery_codes",
            "user_preferences",
            "user_roles",
            "permission_grants",
        )
    ),
)
"""In this order: each statement needs what the later ones delete."""


def ask(user_id: uuid.UUID, email: str) -> dt.datetime:
    """Ask for the end of one's account; every session ends. Returns when it will be anonymised.

    Raises Invalid when `email` is not the account's.
    """
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if email.lower() != user.email:
            raise Invalid(FieldError("email", "This is not the address of your account."))
        user.deleted_at = utcnow()
        due = user.deleted_at + queries.GRACE
        session.execute(
            sa.update(UserSession)
            .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
            .values(revoked_at=sa.func.now())
        )
        session.flush()
        record(
            session,
            "ask_deletion",
            AuditActionCategory.AUTHENTICATION,
            target=("user", user_id, user.email),
            after={"due": due.isoformat()},
        )
        notices.notify(session, user_id, "deletion_asked", when=f"{due:%-d %B %Y}")
    log_security_event(SecurityEventType.ADMIN_ACTION, SecuritySeverity.INFO, "An account is to be deleted")
    return due


def keep_promises() -> int:
    """Anonymise everybody whose grace is over; returns how many. Needs the worker's rights."""
    ids = queries.due(db.session())
    db.session.rollback()
    return sum(anonymise(user_id) for user_id in ids)


def anonymise(user_id: uuid.UUID) -> bool:
    """Empty one person's personal fields, for good; False when they came back meanwhile."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user_id not in queries.due(session):
            return False
        artist = session.scalar(sa.text("SELECT id FROM artists WHERE user_id = :user"), {"user": user_id})
        forget(session, user_id, [artist] if artist else [])
        for statement in EMPTYING:
            session.execute(sa.text(statement), {"user": user_id, "text": str(user_id)})
        _empty(user)
        session.flush()
        _tell(session, user_id)
    return True


def _empty(user: User) -> None:
    user.email, user.display_name = f"deleted+{user.id}@invalid", NAME
    user.avatar_url = user.bio = user.two_factor_secret = user.last_login_at = None
    user.email_verified = user.two_factor_enabled = False
    user.status = AccountStatus.DELETED


def _tell(session: Session, user_id: uuid.UUID) -> None:
    """After `forget`, whose lock the sealer holds while it waits for whoever has written a record."""
    record(
        session, "delete_user", AuditActionCategory.SYSTEM, target=("user", user_id, ""), after={"status": "deleted"}
    )
    log_system_event(session, "anonymised", "privacy", "An account was anonymised.", entity=("user", user_id))
