"""The words of listings, orders and transfers."""

from enum import StrEnum


class NftListingStatus(StrEnum):
    NOT_LISTED = "not_listed"
    LISTED = "listed"
    IN_ESCROW = "in_escrow"
    SOLD = "sold"


class TransferType(StrEnum):
    MINT = "mint"
    TRANSFER = "transfer"
    SALE = "sale"
    BURN = "burn"
    CLAIM = "claim"


class OrderKind(StrEnum):
    LISTING = "listing"
    OFFER = "offer"


class OrderStatus(StrEnum):
    """`stale`: the share moved on without being sold by this listing."""

    OPEN = "open"
    SOLD = "sold"
    CANCELLED = "cancelled"
    STALE = "stale"


class RoyaltyKind(StrEnum):
    """What a log says: money came in and is not split yet, it was split among the roles, or a role's holder took it."""

    ARRIVED = "arrived"
    CREDITED = "credited"
    WITHDRAWN = "withdrawn"
