"""The words of listings and transfers."""

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
