"""What a browser has proved and nobody has linked yet; it waits for an e-mail address."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.enums import AuthProvider
from portal.accounts.sign_in_models import IdentityProof
from portal.crypto import token_hash
from portal.db import utcnow

LIFETIME = dt.timedelta(minutes=30)


def keep(
    session: Session, provider: AuthProvider, account_id: str, browser: str, email_hint: str | None = None
) -> uuid.UUID:
    """Remember a proof of this browser, inside the caller's transaction; its id is no secret."""
    proof = IdentityProof(
        id=uuid.uuid4(),
        provider=provider,
        provider_account_id=account_id,
        email_hint=email_hint,
        browser_hash=token_hash(browser),
        expires_at=utcnow() + LIFETIME,
    )
    session.add(proof)
    return proof.id


def waiting(session: Session, proof_id: str, browser: str) -> IdentityProof | None:
    """A proof of this browser that can still become a way in."""
    try:
        wanted = uuid.UUID(proof_id)
    except ValueError:
        return None
    return session.scalars(
        sa.select(IdentityProof).where(
            IdentityProof.id == wanted,
            IdentityProof.browser_hash == token_hash(browser),
            IdentityProof.used_at.is_(None),
            IdentityProof.expires_at > sa.func.now(),
        )
    ).one_or_none()
