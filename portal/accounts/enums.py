"""The words of accounts and roles."""

from enum import StrEnum


class UserRole(StrEnum):
    VIEWER = "viewer"
    ARTIST = "artist"
    PRODUCER = "producer"
    ADMIN = "admin"


class Permission(StrEnum):
    """What staff may do; the admin role carries all of them, `permission_grants` gives single ones to a person."""

    ADMIN_USERS = "admin:users"
    ADMIN_MASTERS = "admin:masters"
    AUDIT_READ = "audit:read"
    FINANCE_READ = "finance:read"
    FINANCE_VERIFY = "finance:verify"
    JOBS_READ = "jobs:read"
    SECURITY_READ = "security:read"
    WEBHOOKS_READ = "webhooks:read"


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
