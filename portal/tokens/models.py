"""Artist coins and their pools. Amounts are in smallest units; balances follow the transfer log exactly."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.artists.models import Artist
from portal.db import (
    S20,
    S50,
    S100,
    S255,
    Amount,
    Block,
    Count,
    Created,
    Fiat,
    Flag,
    Identified,
    Model,
    Stamped,
    Total,
    addresses,
    bps,
    counts,
    not_nan,
    not_negative,
    text_enum,
)
from portal.tokens.enums import PoolEventType, PoolType


class ArtistToken(Identified, Stamped, Model):
    """An artist's ERC-20, one per chain; `price_change_24h` in percent (T22 artist_tokens)."""

    __tablename__ = "artist_tokens"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "contract_address"),
        sa.UniqueConstraint("artist_id", "chain_id"),
        sa.CheckConstraint("decimals BETWEEN 0 AND 77", name="decimals"),
        *addresses("contract_address", "deployment_tx_hash"),
        *not_negative("total_supply", "circulating_supply", "deployed_at_block", "last_indexed_block"),
        *not_negative("holders_count", "last_price_usd", "market_cap_usd", "volume_24h_usd"),
        *not_nan("price_change_24h"),
    )

    artist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artists.id"), index=True)
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    name: Mapped[S100]
    symbol: Mapped[S20] = mapped_column(index=True)
    decimals: Mapped[int] = mapped_column(sa.SmallInteger, default=18, server_default=sa.text("18"))
    total_supply: Mapped[Amount]
    circulating_supply: Mapped[Amount | None]
    deployment_tx_hash: Mapped[S255 | None]
    deployed_at_block: Mapped[Block | None]
    deployed_at: Mapped[dt.datetime | None]
    logo_url: Mapped[str | None]
    description: Mapped[str | None]
    is_tradable: Mapped[Flag] = mapped_column(index=True)
    trading_enabled_at: Mapped[dt.datetime | None]
    last_price_usd: Mapped[Decimal | None] = mapped_column(sa.Numeric(28, 18))
    market_cap_usd: Mapped[Fiat | None]
    volume_24h_usd: Mapped[Fiat | None]
    price_change_24h: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 4))
    holders_count: Mapped[Block | None]
    last_market_data_update: Mapped[dt.datetime | None]
    last_indexed_block: Mapped[Block | None]
    last_indexed_at: Mapped[dt.datetime | None]

    artist: Mapped[Artist] = relationship()


class CoinPlan(Identified, Stamped, Model):
    """What an artist's coin is called and who gets which part of it, from before it is made on.

    `ipo_id` is the offer whose first buyers get the participants' part: `per_share` smallest units for each share,
    paid to `wallets_paid` of `wallets_to_pay` wallets once the offer is closed.
    """

    __tablename__ = "coin_plans"
    __table_args__ = (
        sa.CheckConstraint("symbol ~ '^[A-Z][A-Z0-9]{1,10}$'", name="symbol"),
        sa.CheckConstraint("octet_length(name) BETWEEN 1 AND 64", name="name"),
        sa.CheckConstraint("artist_bps + participants_bps + liquidity_bps + community_bps = 10000", name="parts"),
        sa.CheckConstraint("wallets_paid BETWEEN 0 AND coalesce(wallets_to_pay, 0)", name="paid"),
        *bps("artist_bps", "participants_bps", "liquidity_bps", "community_bps"),
        *not_negative("per_share"),
    )

    artist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artists.id"), unique=True)
    ipo_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("master_ipos.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(64))
    symbol: Mapped[str] = mapped_column(sa.String(16), unique=True)
    artist_bps: Mapped[int]
    participants_bps: Mapped[int]
    liquidity_bps: Mapped[int]
    community_bps: Mapped[int]
    per_share: Mapped[Amount | None]
    wallets_to_pay: Mapped[int | None]
    wallets_paid: Mapped[Count]

    artist: Mapped[Artist] = relationship()


class TokenHolder(Identified, Stamped, Model):
    """A wallet's balance of a coin, the sum of its transfers (T23 token_holders)."""

    __tablename__ = "token_holders"
    __table_args__ = (
        sa.UniqueConstraint("artist_token_id", "wallet_address"),
        *addresses("wallet_address", "first_acquired_tx_hash"),
        *not_negative("balance"),
    )

    artist_token_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artist_tokens.id"))
    wallet_address: Mapped[S255] = mapped_column(index=True)
    chain_id: Mapped[S50]
    balance: Mapped[Total] = mapped_column(index=True)
    first_acquired_at: Mapped[dt.datetime | None]
    first_acquired_tx_hash: Mapped[S255 | None]

    artist_token: Mapped[ArtistToken] = relationship()


class TokenTransfer(Identified, Created, Model):
    """One ERC-20 Transfer log of an artist coin: balances are its sums, and a reorg undoes it by block."""

    __tablename__ = "token_transfers"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *addresses("contract_address", "from_wallet", "to_wallet", "tx_hash"),
        *not_negative("amount", "block_number"),
        *counts("log_index"),
    )

    artist_token_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artist_tokens.id"), index=True)
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    from_wallet: Mapped[S255] = mapped_column(index=True)
    to_wallet: Mapped[S255] = mapped_column(index=True)
    amount: Mapped[Amount]
    tx_hash: Mapped[S255]
    block_number: Mapped[Block] = mapped_column(index=True)
    log_index: Mapped[int]
    block_timestamp: Mapped[dt.datetime]

    artist_token: Mapped[ArtistToken] = relationship()


class LiquidityPool(Identified, Stamped, Model):
    """A pool that trades an artist coin; `fee` in percent (T24 liquidity_pools)."""

    __tablename__ = "liquidity_pools"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "pool_address"),
        *addresses("pool_address", "token0_address", "token1_address", "created_at_tx_hash"),
        *not_negative("reserve0", "reserve1", "created_at_block", "last_indexed_block"),
        *not_negative("fee", "total_value_locked_usd", "volume_24h_usd"),
    )

    artist_token_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artist_tokens.id"), index=True)
    chain_id: Mapped[S50]
    pool_address: Mapped[S255]
    pool_type: Mapped[PoolType] = mapped_column(text_enum(PoolType), index=True)
    token0_address: Mapped[S255]
    token1_address: Mapped[S255]
    token0_symbol: Mapped[S20 | None]
    token1_symbol: Mapped[S20 | None]
    reserve0: Mapped[Amount | None]
    reserve1: Mapped[Amount | None]
    fee: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 6))
    total_value_locked_usd: Mapped[Fiat | None] = mapped_column(index=True)
    volume_24h_usd: Mapped[Fiat | None]
    created_at_block: Mapped[Block | None]
    created_at_tx_hash: Mapped[S255 | None]
    last_indexed_block: Mapped[Block | None]
    last_indexed_at: Mapped[dt.datetime | None]

    artist_token: Mapped[ArtistToken] = relationship()


class PoolPosition(Identified, Stamped, Model):
    """A wallet's part of a pool (T25 pool_positions)."""

    __tablename__ = "pool_positions"
    __table_args__ = (
        sa.UniqueConstraint("liquidity_pool_id", "wallet_address"),
        *addresses("wallet_address", "entry_tx_hash"),
        *not_negative("lp_token_balance", "token0_amount", "token1_amount", "position_value_usd"),
    )

    liquidity_pool_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("liquidity_pools.id"))
    wallet_address: Mapped[S255] = mapped_column(index=True)
    chain_id: Mapped[S50]
    lp_token_balance: Mapped[Amount]
    token0_amount: Mapped[Amount | None]
    token1_amount: Mapped[Amount | None]
    position_value_usd: Mapped[Fiat | None] = mapped_column(index=True)
    entered_at: Mapped[dt.datetime | None]
    entry_tx_hash: Mapped[S255 | None]

    liquidity_pool: Mapped[LiquidityPool] = relationship()


class PoolEvent(Identified, Created, Model):
    """One swap or change of liquidity (T26 pool_events)."""

    __tablename__ = "pool_events"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *addresses("pool_address", "tx_hash", "sender", "recipient"),
        *not_negative("block_number", "amount0", "amount1", "amount_usd"),
        *counts("log_index"),
    )

    liquidity_pool_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("liquidity_pools.id"), index=True)
    artist_token_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artist_tokens.id"), index=True)
    event_type: Mapped[PoolEventType] = mapped_column(text_enum(PoolEventType), index=True)
    chain_id: Mapped[S50]
    pool_address: Mapped[S255]
    tx_hash: Mapped[S255]
    log_index: Mapped[int]
    block_number: Mapped[Block]
    block_timestamp: Mapped[dt.datetime] = mapped_column(index=True)
    amount0: Mapped[Amount | None]
    amount1: Mapped[Amount | None]
    amount_usd: Mapped[Fiat | None]
    sender: Mapped[S255 | None]
    recipient: Mapped[S255 | None]

    liquidity_pool: Mapped[LiquidityPool] = relationship()
    artist_token: Mapped[ArtistToken] = relationship()
