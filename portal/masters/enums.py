"""The words of masters, IPOs and dividend contracts."""

from enum import StrEnum


class MasterType(StrEnum):
    TRACK = "track"
    ALBUM = "album"


class MasterStatus(StrEnum):
    """draft -> pending -> approved -> live; pending -> draft (sent back); any -> archived (terminal)."""

    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    LIVE = "live"
    ARCHIVED = "archived"


class IpoStatus(StrEnum):
    """draft <-> scheduled while nothing was broadcast; scheduled -> live -> closed; or -> cancelled."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    LIVE = "live"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class DividendDistributionModel(StrEnum):
    PER_MASTER = "per_master"
    PER_ARTIST = "per_artist"
    PLATFORM = "platform"
