"""The words of the audit log and of security events."""

from enum import StrEnum


class AuditActionCategory(StrEnum):
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    MASTER = "master"
    IPO = "ipo"
    REVENUE = "revenue"
    SUBSCRIPTION = "subscription"
    VSTUDIO = "vstudio"
    ADMIN = "admin"
    SYSTEM = "system"


class SecuritySeverity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class SecurityEventType(StrEnum):
    FAILED_LOGIN = "failed_login"
    SUSPICIOUS_ACTIVITY = "suspicious_activity"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  (a kind of event, not a secret)
    UNAUTHORIZED_ACCESS = "unauthorized_access"
    DATA_EXPORT = "data_export"
    ADMIN_ACTION = "admin_action"
    CONFIGURATION_CHANGE = "configuration_change"
    VULNERABILITY_DETECTED = "vulnerability_detected"
    UNUSUAL_PATTERN = "unusual_pattern"
