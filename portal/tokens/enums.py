"""The words of coins and pools."""

from enum import StrEnum


class TokenType(StrEnum):
    ARTIST_COIN = "artist_coin"
    PLATFORM_TOKEN = "platform_token"  # noqa: S105  (a kind of coin, not a secret)
    GOVERNANCE = "governance"


class PoolType(StrEnum):
    UNISWAP_V2 = "uniswap_v2"
    UNISWAP_V3 = "uniswap_v3"
    SUSHISWAP = "sushiswap"
    RAYDIUM = "raydium"
    ORCA = "orca"
    CUSTOM = "custom"


class PoolEventType(StrEnum):
    ADD_LIQUIDITY = "add_liquidity"
    REMOVE_LIQUIDITY = "remove_liquidity"
    SWAP = "swap"
