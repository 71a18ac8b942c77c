"""A person as the API shows them to themselves: by allow-list, never `two_factor_secret`."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.versions import stamp


def me(user: User) -> dict[str, Any]:
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
        "createdAt": stamp(user.created_at),
        "updatedAt": stamp(user.updated_at),
    }
