"""A person as the API shows them to themselves: by allow-list, never `two_factor_secret`."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.accounts.enums import AccountStatus
from portal.accounts.models import User
from portal.versions import stamp
from portal.web.schema import Id, Time, one_of


class Me(TypedDict):
    id: Id
    email: str
    displayName: str
    avatarUrl: str | None
    bio: str | None
    status: Annotated[str, one_of(AccountStatus)]
    emailVerified: bool
    twoFactorEnabled: bool
    lastLoginAt: Time | None
    deletedAt: Time | None
    createdAt: Time
    updatedAt: Time


def me(user: User) -> Me:
    """GET /me, the same in both versions."""
    return {
        "id": str(user.id),
        "email": user.email,
        "displayName": user.display_name,
        "avatarUrl": user.avatar_url,
        "bio": user.bio,
        "status": user.status.value,
        "emailVerified": user.email_verified,
        "twoFactorEnabled": user.two_factor_enabled,
        "lastLoginAt": stamp(user.last_login_at),
        "deletedAt": stamp(user.deleted_at),
        "createdAt": stamp(user.created_at),
        "updatedAt": stamp(user.updated_at),
    }
