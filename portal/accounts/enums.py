"""The words of accounts and roles."""

from enum import StrEnum


class UserRole(StrEnum):
    VIEWER = "viewer"
    ARTIST = "artist"
    PRODUCER = "producer"
    ADMIN = "admin"


class AuthProvider(StrEnum):
    MAGIC_LINK = "magic_link"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    APPLE = "apple"
    GITHUB = "github"
    WALLET = "wallet"


class AccountStatus(StrEnum):
    """Only an active account signs in; deleted is terminal."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_VERIFICATION = "pending_verification"
    DELETED = "deleted"
