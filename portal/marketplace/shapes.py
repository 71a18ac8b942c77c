"""Shares for sale for API clients. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.marketplace.listing import Listed
from portal.masters.shapes import MasterCard, master_card
from portal.nfts.enums import NftListingStatus
from portal.versions import stamp
from portal.web.schema import Id, Time, Units, one_of


class Listing(TypedDict):
    nftId: Id
    tokenId: Units
    listingStatus: Annotated[str, one_of(NftListingStatus)]
    listingPrice: Units | None
    listingCurrency: str | None
    listedAt: Time | None


class ListingV1(Listing):
    track: MasterCard


class ListingV2(Listing):
    master: MasterCard


def listing_v1(row: Listed) -> ListingV1:
    return {**_listing(row), "track": master_card(row)}


def listing_v2(row: Listed) -> ListingV2:
    return {**_listing(row), "master": master_card(row)}


def _listing(row: Listed) -> Listing:
    return {
        "nftId": str(row.nft_id),
        "tokenId": str(row.token_id),
        "listingStatus": row.status.value,
        "listingPrice": None if row.price is None else str(row.price),
        "listingCurrency": row.currency,
        "listedAt": stamp(row.listed_at) if row.price is not None else None,
    }
