"""People, their ways of signing in, roles, wallets and sessions, and the limits that outlive a cache."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.enums import AccountStatus, AuthProvider, UserRole
from portal.crypto.sealed import Sealed
from portal.db import (
    S50,
    S64,
    S100,
    S255,
    S500,
    Count,
    Created,
    Flag,
    Identified,
    Ip,
    Model,
    Stamped,
    Yes,
    addresses,
    counts,
    text_enum,
)


class User(Identified, Stamped, Model):
    """A person; deletion is soft and anonymises, because money rows point here (T1 users)."""

    __tablename__ = "users"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("status <> 'deleted' OR deleted_at IS NOT NULL", name="deleted_at"),
    )

    email: Mapped[S255] = mapped_column(unique=True)
    display_name: Mapped[S100]
    avatar_url: Mapped[str | None]
    bio: Mapped[str | None]
    status: Mapped[AccountStatus] = mapped_column(
        text_enum(AccountStatus), default=AccountStatus.ACTIVE, server_default="active", index=True
    )
    email_verified: Mapped[Flag]
    two_factor_enabled: Mapped[Flag]
    two_factor_secret: Mapped[str | None] = mapped_column(Sealed(255))
    last_login_at: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]

    accounts: Mapped[list[Account]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    role_grants: Mapped[list[RoleGrant]] = relationship(
        back_populates="user",
        foreign_keys="RoleGrant.user_id",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    wallets: Mapped[list[UserWallet]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class Account(Identified, Stamped, Model):
    """One way a person signs in; the tokens are AES-256-GCM ciphertext (T2 accounts)."""

    __tablename__ = "accounts"
    __table_args__ = (
        sa.UniqueConstraint("provider", "provider_account_id"),
        sa.CheckConstraint(
            "provider <> 'magic_link' OR provider_account_id = lower(provider_account_id)", name="email_lower"
        ),
        sa.CheckConstraint(
            "provider <> 'wallet' OR lower(left(provider_account_id, 2)) <> '0x'"
            " OR provider_account_id = lower(provider_account_id)",
            name="wallet_lower",
        ),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[AuthProvider] = mapped_column(text_enum(AuthProvider))
    provider_account_id: Mapped[S255]
    access_token: Mapped[str | None] = mapped_column(Sealed())
    refresh_token: Mapped[str | None] = mapped_column(Sealed())
    access_token_expires: Mapped[dt.datetime | None]
    provider_metadata: Mapped[str | None]

    user: Mapped[User] = relationship(back_populates="accounts")


class IdentityProvider(Identified, Stamped, Model):
    """A configured sign-in service; `client_secret` is AES-256-GCM ciphertext (T3 identity_providers)."""

    __tablename__ = "identity_providers"

    name: Mapped[S100]
    provider: Mapped[AuthProvider] = mapped_column(text_enum(AuthProvider), unique=True)
    client_id: Mapped[S255 | None]
    client_secret: Mapped[str | None] = mapped_column(Sealed())
    enabled: Mapped[Yes]
    config_json: Mapped[str | None]


class Role(Identified, Stamped, Model):
    """A role and its permissions, a JSON array of strings such as "finance:read" (T4 roles)."""

    __tablename__ = "roles"

    name: Mapped[UserRole] = mapped_column(text_enum(UserRole), unique=True)
    description: Mapped[str | None]
    permissions: Mapped[str | None]


class RoleGrant(Identified, Model):
    """A person's role, until it expires: `expires_at` is checked on every authorisation (T5 user_roles)."""

    __tablename__ = "user_roles"
    __table_args__ = (sa.UniqueConstraint("user_id", "role_id"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("roles.id", ondelete="CASCADE"), index=True)
    assigned_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    assigned_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    expires_at: Mapped[dt.datetime | None]

    user: Mapped[User] = relationship(back_populates="role_grants", foreign_keys=[user_id])
    role: Mapped[Role] = relationship()


class PermissionGrant(Identified, Model):
    """A single permission of a person beside their roles, such as "finance:verify", until it expires.

    `expires_at` is checked on every authorisation. A permission that no role carries alone needs no role of its own:
    whoever works in finance or security stays the viewer or artist that they are.
    """

    __tablename__ = "permission_grants"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "permission"),
        sa.CheckConstraint("permission ~ '^[a-z]+:[a-z]+$'", name="permission"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    permission: Mapped[S50]
    assigned_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    assigned_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    expires_at: Mapped[dt.datetime | None]


class UserWallet(Identified, Stamped, Model):
    """A wallet linked to a person; `chain_id` is the decimal EVM chain id as text (T6 user_wallets)."""

    __tablename__ = "user_wallets"
    __table_args__ = (
        sa.UniqueConstraint("wallet_address", "chain_id"),
        sa.Index("uq_user_wallets_primary", "user_id", unique=True, postgresql_where=sa.text("is_primary")),
        sa.CheckConstraint("verified = (verified_at IS NOT NULL)", name="verified_at"),
        *addresses("wallet_address"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    wallet_address: Mapped[S255] = mapped_column(index=True)
    chain_id: Mapped[S50]
    is_primary: Mapped[Flag]
    verified: Mapped[Flag]
    verified_at: Mapped[dt.datetime | None]
    label: Mapped[S100 | None]

    user: Mapped[User] = relationship(back_populates="wallets")


class UserSession(Identified, Created, Model):
    """A signed-in browser: SHA-256 of its 256-bit id; revoking the row kills every copy of the cookie.

    `step_up_at` is when the person last proved who they are; one that `waits_for_code` signs nobody in yet.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (sa.CheckConstraint("expires_at > created_at", name="expires_at"),)

    token_hash: Mapped[S64] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    last_seen_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    user_agent: Mapped[S500 | None]
    ip_address: Mapped[Ip | None]
    privileged: Mapped[Flag]
    step_up_at: Mapped[dt.datetime | None]
    waits_for_code: Mapped[Flag]

    user: Mapped[User] = relationship()


class MagicLinkToken(Identified, Created, Model):
    """A sign-in link sent by e-mail: single use, 15 minutes; token and asking browser are hashed.

    With `user_id` it adds the address to that person; with `proof_id` it links what the same browser has proved.
    """

    __tablename__ = "magic_link_tokens"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("expires_at > created_at", name="expires_at"),
    )

    email: Mapped[S255] = mapped_column(index=True)
    token_hash: Mapped[S64] = mapped_column(unique=True)
    browser_hash: Mapped[S64 | None]
    next_path: Mapped[str | None]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    requested_ip: Mapped[Ip | None]
    requested_agent: Mapped[S500 | None]
    user_id: Mapped[uuid.UUID | None]
    proof_id: Mapped[uuid.UUID | None]


class RateLimit(Identified, Stamped, Model):
    """A limit that must survive the loss of the cache: sign-in, second factor, payout (T42 rate_limits)."""

    __tablename__ = "rate_limits"
    __table_args__ = (
        sa.Index(None, "identifier", "action"),
        sa.UniqueConstraint("identifier", "identifier_type", "action", "window_start"),
        sa.CheckConstraint("window_end > window_start", name="window"),
        *counts("request_count", "rate_limit"),
    )

    identifier: Mapped[S255]
    identifier_type: Mapped[S50]
    action: Mapped[S100]
    window_start: Mapped[dt.datetime]
    window_end: Mapped[dt.datetime] = mapped_column(index=True)
    request_count: Mapped[Count]
    rate_limit: Mapped[int]
    is_blocked: Mapped[Flag] = mapped_column(index=True)
    blocked_until: Mapped[dt.datetime | None]
