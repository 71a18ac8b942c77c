"""A coin and its holders for API clients."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import TypedDict

from portal.money import BPS
from portal.tokens.models import ArtistToken, CoinPlan, TokenHolder
from portal.versions import stamp
from portal.web.schema import Address, Hash, Id, Time, Units


class Allocation(TypedDict):
    """Parts of the supply in basis points."""

    artistBps: int
    participantsBps: int
    liquidityBps: int
    communityBps: int


class Coin(TypedDict):
    """An artist's ERC-20. `perShare` is what each share of the first offer brings its buyer, once that is closed."""

    coinId: Id
    artistId: Id
    name: str
    symbol: str
    decimals: int
    totalSupply: Units
    chainId: str
    contractAddress: Address
    deploymentTxHash: Hash | None
    deployedAt: Time | None
    holdersCount: int
    isTradable: bool
    allocation: Allocation | None
    perShare: Units | None


class Holder(TypedDict):
    """A wallet and what it holds; `shareBps` of the whole supply, rounded down."""

    wallet: Address
    balance: Units
    shareBps: int
    firstAcquiredAt: Time | None


def coin(found: ArtistToken, plan: CoinPlan | None) -> Coin:
    return {
        "coinId": str(found.id),
        "artistId": str(found.artist_id),
        "name": found.name,
        "symbol": found.symbol,
        "decimals": found.decimals,
        "totalSupply": str(found.total_supply),
        "chainId": found.chain_id,
        "contractAddress": found.contract_address,
        "deploymentTxHash": found.deployment_tx_hash,
        "deployedAt": stamp(found.deployed_at),
        "holdersCount": int(found.holders_count or 0),
        "isTradable": found.is_tradable,
        "allocation": None if plan is None else _allocation(plan),
        "perShare": None if plan is None or plan.per_share is None else str(plan.per_share),
    }


def _allocation(plan: CoinPlan) -> Allocation:
    return {
        "artistBps": plan.artist_bps,
        "participantsBps": plan.participants_bps,
        "liquidityBps": plan.liquidity_bps,
        "communityBps": plan.community_bps,
    }


def holders(found: ArtistToken, rows: Sequence[TokenHolder]) -> list[Holder]:
    return [
        {
            "wallet": row.wallet_address,
            "balance": str(row.balance),
            "shareBps": row.balance * BPS // found.total_supply if found.total_supply else 0,
            "firstAcquiredAt": stamp(row.first_acquired_at),
        }
        for row in rows
    ]
