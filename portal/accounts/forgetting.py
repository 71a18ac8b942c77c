"""What signing in leaves behind goes after its time: links and proofs after a day, ended sessions after a month."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts.models import MagicLinkToken, RateLimit, UserSession
from portal.accounts.sign_in_models import IdentityProof, OAuthAttempt, SiweNonce
from portal.audit.service import log_system_event
from portal.db import transaction, utcnow

DAY = dt.timedelta(days=1)
MONTH = dt.timedelta(days=30)


def forget() -> int:
    """Delete what is over; returns how many rows went. Running again finds nothing."""
    now = utcnow()
    over = (
        (MagicLinkToken, MagicLinkToken.created_at < now - DAY),
        (SiweNonce, SiweNonce.expires_at < now - DAY),
        (OAuthAttempt, OAuthAttempt.expires_at < now - DAY),
        (IdentityProof, IdentityProof.expires_at < now - DAY),
        (RateLimit, RateLimit.window_end < now - DAY),
        (UserSession, sa.or_(UserSession.expires_at < now - MONTH, UserSession.revoked_at < now - MONTH)),
    )
    with transaction() as session:
        gone = sum(_deleted(session, model, rule) for model, rule in over)
        if gone:
            log_system_event(session, "forget_sign_ins", "accounts", "Old sign-ins were deleted.", records=gone)
        outbox.finish(session)
    return gone


def _deleted(session: Session, model: type, rule: sa.ColumnElement[bool]) -> int:
    return int(getattr(session.execute(sa.delete(model).where(rule)), "rowcount", 0))
