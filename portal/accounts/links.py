"""Signing in by a link in a mail, and adding an e-mail address by one."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts import limits, queries, ways
from portal.accounts.entry import Admission, admit, failures_noted
from portal.accounts.enums import AuthProvider
from portal.accounts.models import MagicLinkToken, User
from portal.accounts.service import as_person, create_person
from portal.audit.context import acting_as, actor
from portal.config import Settings
from portal.crypto import same, token_hash
from portal.db import transaction, utcnow
from portal.errors import Conflict, Gone

OVER = "This link was used before or is too old. Ask for a new one."


def request_magic_link(
    email: str,
    browser: str,
    next_path: str,
    settings: Settings,
    *,
    user_id: uuid.UUID | None = None,
    proof_id: uuid.UUID | None = None,
) -> None:
    """Ask for a link; what happens is the same whether the address is known or not.

    It works once, within `settings.magic_link_seconds`. With `user_id` it adds the address to that person instead
    of signing in; with `proof_id` the same browser's proof becomes a way in too. Raises TooMany.
    """
    email = email.lower()
    limits.spend(limits.sign_in_limits("link", settings, email))
    link_id = uuid.uuid4()
    who = actor()
    link = MagicLinkToken(
        id=link_id,
        email=email,
        token_hash=token_hash(link_token(link_id, settings.secret_key)),
        browser_hash=token_hash(browser),
        next_path=next_path,
        expires_at=utcnow() + dt.timedelta(seconds=settings.magic_link_seconds),
        requested_ip=who.ip_address,
        requested_agent=who.user_agent,
        user_id=user_id,
        proof_id=proof_id,
    )
    with transaction() as session:
        session.add(link)
        outbox.add(session, "send_magic_link", {"link_id": str(link_id)}, dedupe=f"magic-link:{link_id}")


def link_token(link_id: uuid.UUID, secret_key: str) -> str:
    """The 256-bit token of a link: made from the row's random id by the secret key, so that a mail that is sent
    again holds the same link while the database and the queue hold only its hash."""
    return hmac.new(secret_key.encode(), b"magic-link:" + link_id.bytes, hashlib.sha256).hexdigest()


def token_of(link: MagicLinkToken, settings: Settings) -> str | None:
    """The token whose hash the row has, also when the secret key was changed since."""
    made = (link_token(link.id, key) for key in (settings.secret_key, *settings.secret_key_fallbacks))
    return next((token for token in made if same(token_hash(token), link.token_hash)), None)


def sign_in_with_link(token: str, browser: str, settings: Settings) -> tuple[Admission, str]:
    """Use up a link: (the way in, where to go next). A first sign-in creates the person.

    Raises Gone for a link that was used, has expired or never was, and for an account that is not active.
    """
    with failures_noted("A sign-in link was refused"), transaction() as session:
        link = _used_up(session, token, MagicLinkToken.user_id.is_(None))
        user = person_of(session, link.email)
        user.email_verified = True
        admission = admit(session, user, "link", settings)
        if link.proof_id and admission.complete and same(link.browser_hash or "", token_hash(browser)):
            with acting_as(as_person(user)):
                ways.link_proof(session, user.id, link.proof_id, browser)
        return admission, link.next_path or "/"


def add_email(token: str, user_id: uuid.UUID) -> str:
    """The signed-in person confirms another address as a way in; returns it. Raises Gone or Conflict."""
    with transaction() as session:
        link = _used_up(session, token, MagicLinkToken.user_id == user_id)
        if queries.user_by_email(session, link.email) not in {None, session.get(User, user_id)}:
            raise Conflict("This e-mail address is in use by another account.")
        ways.link(session, user_id, AuthProvider.MAGIC_LINK, link.email)
        return link.email


def person_of(session: Session, email: str) -> User:
    """The person of this address; a first sign-in creates them, beside whoever else does so right now."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(email, 1))))
    known = queries.user_by_way(session, AuthProvider.MAGIC_LINK, email) or queries.user_by_email(session, email)
    return known or create_person(session, email, email.split("@")[0][:100])


def _used_up(session: Session, token: str, meant: sa.ColumnElement[bool]) -> MagicLinkToken:
    link = session.scalars(
        sa.update(MagicLinkToken)
        .where(
            MagicLinkToken.token_hash == token_hash(token),
            MagicLinkToken.used_at.is_(None),
            MagicLinkToken.expires_at > sa.func.now(),
            meant,
        )
        .values(used_at=sa.func.now())
        .returning(MagicLinkToken)
    ).one_or_none()
    if link is None:
        raise Gone(OVER)
    return link
