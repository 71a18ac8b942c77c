"""The states of an incoming webhook."""

from enum import StrEnum


class WebhookStatus(StrEnum):
    """A duplicate is skipped and answered 200; failed -> processing counts a retry."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"
    FAILED = "failed"
    SKIPPED = "skipped"
