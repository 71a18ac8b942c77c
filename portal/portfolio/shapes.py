"""GET /me/portfolio. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from typing import Annotated, Any

from typing_extensions import TypedDict

from portal.masters.shapes import MasterCard, master_card
from portal.nfts.enums import NftListingStatus
from portal.portfolio.queries import Balance, Nft
from portal.web.schema import Address, Id, Units, one_of


class Share(TypedDict):
    nftId: Id
    tokenId: Units
    listingStatus: Annotated[str, one_of(NftListingStatus)]


class ShareV1(Share):
    track: MasterCard


class ShareV2(Share):
    master: MasterCard


class Dividends(TypedDict):
    """Amounts in smallest units as text; each currency for itself."""

    currency: str
    totalEarned: Units
    totalClaimed: Units
    claimable: Units


class DividendsV1(Dividends):
    trackId: Id


class DividendsV2(Dividends):
    masterId: Id


class PortfolioV1(TypedDict):
    wallets: list[Address]
    nfts: list[ShareV1]
    dividends: list[DividendsV1]


class PortfolioV2(TypedDict):
    wallets: list[Address]
    nfts: list[ShareV2]
    dividends: list[DividendsV2]


ANSWERS: dict[int, Any] = {1: PortfolioV1, 2: PortfolioV2}


def portfolio_v1(wallets: list[str], nfts: list[Nft], balances: list[Balance]) -> PortfolioV1:
    return {
        "wallets": wallets,
        "nfts": [{**_share(row), "track": master_card(row)} for row in nfts],
        "dividends": [{**_dividends(row), "trackId": str(row.master_id)} for row in balances],
    }


def portfolio_v2(wallets: list[str], nfts: list[Nft], balances: list[Balance]) -> PortfolioV2:
    return {
        "wallets": wallets,
        "nfts": [{**_share(row), "master": master_card(row)} for row in nfts],
        "dividends": [{**_dividends(row), "masterId": str(row.master_id)} for row in balances],
    }


def _share(row: Nft) -> Share:
    return {"nftId": str(row.nft_id), "tokenId": str(row.token_id), "listingStatus": row.listing_status.value}


def _dividends(row: Balance) -> Dividends:
    return {
        "currency": row.currency,
        "totalEarned": str(row.earned),
        "totalClaimed": str(row.claimed),
        "claimable": str(row.claimable),
    }
