"""The words of revenue and dividends."""

from enum import StrEnum


class RevenueSourceType(StrEnum):
    MANUAL = "manual"
    DISTRIBUTOR = "distributor"
    PRO = "pro"
    SYNC = "sync"
    MERCHANDISE = "merchandise"
    LIVE = "live"
    DIRECT = "direct"
    SECONDARY = "secondary"
    OTHER = "other"


class RevenueEventStatus(StrEnum):
    """pending -> verified -> deposited -> distributed, exactly once; aside: failed, disputed."""

    PENDING = "pending"
    VERIFIED = "verified"
    DEPOSITED = "deposited"
    DISTRIBUTED = "distributed"
    FAILED = "failed"
    DISPUTED = "disputed"


class DividendEventType(StrEnum):
    DEPOSIT = "deposit"
    DISTRIBUTION = "distribution"
    CLAIM = "claim"
