"""The words of sessions, decisions and engagement."""

from enum import StrEnum


class VstudioSessionStatus(StrEnum):
    """One live session per artist; ipo_launched and cancelled end it."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    LIVE = "live"
    LOCKED = "locked"
    COMPLETED = "completed"
    IPO_LAUNCHED = "ipo_launched"
    CANCELLED = "cancelled"


class DecisionPointType(StrEnum):
    POLL = "poll"
    SLIDER = "slider"
    RANKING = "ranking"
    OPEN_TEXT = "open_text"
    BINARY = "binary"


class EligibilityRule(StrEnum):
    OPEN = "open"
    AUTHENTICATED = "authenticated"
    NFT_HOLDERS = "nft_holders"
    COIN_HOLDERS = "coin_holders"
    SUBSCRIBERS = "subscribers"
    SUPERFANS = "superfans"
    WHITELIST = "whitelist"


class EngagementEventType(StrEnum):
    SESSION_VIEW = "session_view"
    SESSION_JOIN = "session_join"
    VOTE_CAST = "vote_cast"
    CHAT_MESSAGE = "chat_message"
    REACTION = "reaction"
    SHARE = "share"
    BOOKMARK = "bookmark"
