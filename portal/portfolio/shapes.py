"""GET /me/portfolio. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from typing import Any

from portal.portfolio.queries import Balance, Nft

WORDS = {1: "track", 2: "master"}


def portfolio(wallets: list[str], nfts: list[Nft], balances: list[Balance], version: int) -> dict[str, Any]:
    """Amounts in smallest units as text; each currency for itself."""
    word = WORDS[version]
    return {
        "wallets": wallets,
        "nfts": [
            {
                "nftId": str(row.nft_id),
                "tokenId": str(row.token_id),
                "listingStatus": row.listing_status.value,
                word: _master(row),
            }
            for row in nfts
        ],
        "dividends": [
            {
                f"{word}Id": str(row.master_id),
                "currency": row.currency,
                "totalEarned": str(row.earned),
                "totalClaimed": str(row.claimed),
                "claimable": str(row.claimable),
            }
            for row in balances
        ],
    }


def _master(row: Nft) -> dict[str, Any]:
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
