"""What signing in leaves behind: second factors, proofs on the way in, and changes of wallet that wait."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.enums import AuthProvider
from portal.db import S64, S255, Created, Identified, Model, Yes, addresses, text_enum

WAITING = sa.text("cancelled_at IS NULL AND applied_at IS NULL")


class _OfPerson:
    """A row that a person has at most once."""

    user_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, sort_order=-10
    )


class SecondFactor(_OfPerson, Created, Model):
    """A person's authenticator; the seed is `users.two_factor_secret`. A time step is accepted once and never an
    earlier one after it: `last_step` is the last accepted (Unix time in units of 30 seconds)."""

    __tablename__ = "second_factors"

    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"))
    confirmed_at: Mapped[dt.datetime | None]


class RecoveryCode(Identified, Created, Model):
    """A code for the day the phone is lost: SHA-256 of its 80 bits, accepted once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (sa.UniqueConstraint("user_id", "code_hash"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[S64]
    used_at: Mapped[dt.datetime | None]


class SiweNonce(Identified, Created, Model):
    """A message that one browser may have signed by one wallet, once, within minutes (EIP-4361)."""

    __tablename__ = "siwe_nonces"
    __table_args__ = addresses("wallet_address")

    nonce: Mapped[S64] = mapped_column(unique=True)
    browser_hash: Mapped[S64]
    wallet_address: Mapped[S255]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]


class IdentityProof(Identified, Created, Model):
    """A wallet or an identity that this browser has proved and nobody has linked yet.

    It becomes a way in of whoever opens a link from their mail in the same browser; what a provider says about the
    e-mail address is a hint for the form and decides nothing.
    """

    __tablename__ = "identity_proofs"

    provider: Mapped[AuthProvider] = mapped_column(text_enum(AuthProvider))
    provider_account_id: Mapped[S255]
    email_hint: Mapped[S255 | None]
    browser_hash: Mapped[S64]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]


class OAuthAttempt(Identified, Created, Model):
    """A visit to an identity provider, begun in one browser and answered once."""

    __tablename__ = "oauth_attempts"

    provider_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("identity_providers.id", ondelete="CASCADE"))
    browser_hash: Mapped[S64]
    next_path: Mapped[str | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]


class WalletChange(Identified, Created, Model):
    """Another primary wallet, asked for and not yet in force: money goes to the old one until `effective_at`."""

    __tablename__ = "wallet_changes"
    __table_args__ = (
        sa.Index("uq_wallet_changes_waiting", "user_id", unique=True, postgresql_where=WAITING),
        sa.CheckConstraint("cancelled_at IS NULL OR applied_at IS NULL", name="one_end"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    wallet_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("user_wallets.id", ondelete="CASCADE"))
    effective_at: Mapped[dt.datetime]
    cancelled_at: Mapped[dt.datetime | None]
    applied_at: Mapped[dt.datetime | None]


class Preferences(_OfPerson, Created, Model):
    """What a person wants to be told by mail; news about money and the second factor always comes."""

    __tablename__ = "user_preferences"

    mail_on_sign_in: Mapped[Yes]
