"""Shares for sale for API clients. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.marketplace.listing import Listed
from portal.masters.shapes import MasterCard
from portal.nfts.enums import NftListingStatus
from portal.versions import stamp
from portal.web.schema import Id, Time, Units, one_of


class Listing(TypedDict):
    nftId: Id
    tokenId: Units
    listingStatus: Annotated[str, one_of(NftListingStatus)]
    listingPrice: Units
    listingCurrency: str
    listedAt: Time


class ListingV1(Listing):
    track: MasterCard


class ListingV2(Listing):
    master: MasterCard


def listing_v1(row: Listed) -> ListingV1:
    return {**_listing(row), "track": _master(row)}


def listing_v2(row: Listed) -> ListingV2:
    return {**_listing(row), "master": _master(row)}


def _listing(row: Listed) -> Listing:
    return {
        "nftId": str(row.nft_id),
        "tokenId": str(row.token_id),
        "listingStatus": "listed",
        "listingPrice": str(row.price),
        "listingCurrency": row.currency,
        "listedAt": stamp(row.listed_at),
    }


def _master(row: Listed) -> MasterCard:
    return {
        "id": str(row.master_id),
        "title": row.title,
        "genre": row.genre,
        "coverImageUrl": row.cover_image_url or f"/covers/{row.master_id}.svg",
        "artist": {
            "id": str(row.artist_id),
            "name": row.artist_name,
            "artistName": row.artist_name,
            "slug": row.artist_slug,
            "isVerified": row.is_verified,
        },
    }
