"""Mirrors of the chain: shares, coins and pools."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import (
    BLOCK,
    FIAT,
    TIME,
    UNITS,
    counts,
    created,
    lower_case,
    not_nan,
    not_negative,
    one_of,
    stamps,
)

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "master_nfts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column(
            "master_contract_id", sa.Uuid(), sa.ForeignKey("master_contracts.id"), nullable=False, index=True
        ),
        sa.Column("token_id", UNITS, nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("current_owner_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("is_first_minter", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_second_minter", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_third_minter", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("original_minter_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("mint_tx_hash", sa.String(255)),
        sa.Column("minted_at_block", BLOCK),
        sa.Column("minted_at", TIME, index=True),
        sa.Column("mint_price_wei", UNITS),
        sa.Column("listing_status", sa.String(40), server_default="not_listed", nullable=False, index=True),
        sa.Column("listing_price_wei", UNITS),
        sa.Column("listing_currency", sa.String(20)),
        sa.Column("listed_at", TIME),
        sa.Column("token_uri", sa.Text()),
        sa.Column("total_dividends_received", UNITS, server_default=sa.text("0")),
        sa.Column("last_dividend_claimed_at", TIME),
        sa.Column("last_indexed_block", BLOCK),
        sa.Column("last_indexed_at", TIME),
        *stamps(),
        sa.UniqueConstraint("chain_id", "contract_address", "token_id"),
        one_of("listing_status", "nft_listing_status", "not_listed", "listed", "in_escrow", "sold"),
        sa.CheckConstraint(
            "listing_status <> 'listed' OR num_nulls(listing_price_wei, listing_currency) = 0", name="listing"
        ),
        *lower_case("contract_address", "current_owner_wallet", "original_minter_wallet", "mint_tx_hash"),
        *not_negative(
            "token_id",
            "minted_at_block",
            "mint_price_wei",
            "listing_price_wei",
            "total_dividends_received",
            "last_indexed_block",
        ),
    )

    op.create_table(
        "nft_transfers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_nft_id", sa.Uuid(), sa.ForeignKey("master_nfts.id"), nullable=False, index=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column("token_id", UNITS, nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("from_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("to_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False, index=True),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False, index=True),
        sa.Column("transfer_type", sa.String(40), nullable=False, index=True),
        sa.Column("sale_price_wei", UNITS),
        sa.Column("sale_currency", sa.String(20)),
        sa.Column("marketplace", sa.String(100), index=True),
        sa.Column("royalty_paid_wei", UNITS),
        sa.Column("royalty_recipient", sa.String(255)),
        created(),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        one_of("transfer_type", "transfer_type", "mint", "transfer", "sale", "burn", "claim"),
        *lower_case("contract_address", "from_wallet", "to_wallet", "tx_hash", "royalty_recipient"),
        *not_negative("token_id", "block_number", "sale_price_wei", "royalty_paid_wei"),
        *counts("log_index"),
    )

    op.create_table(
        "nft_ownership_snapshots",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False),
        sa.Column("token_id", UNITS, nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("owner_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("snapshot_timestamp", TIME, nullable=False, index=True),
        sa.Column("snapshot_block_number", BLOCK),
        sa.Column("snapshot_reason", sa.String(50), index=True),
        created(),
        sa.UniqueConstraint(
            "master_id",
            "token_id",
            "chain_id",
            "snapshot_timestamp",
            "snapshot_reason",
            name="uq_nft_ownership_snapshots_token",
            postgresql_nulls_not_distinct=True,
        ),
        *lower_case("contract_address", "owner_wallet"),
        *not_negative("token_id", "snapshot_block_number"),
    )
    op.create_index(
        "ix_nft_ownership_snapshots_token",
        "nft_ownership_snapshots",
        ["master_id", "token_id", "snapshot_timestamp"],
    )

    op.create_table(
        "artist_tokens",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("artist_id", sa.Uuid(), sa.ForeignKey("artists.id"), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("symbol", sa.String(20), nullable=False, index=True),
        sa.Column("decimals", sa.SmallInteger(), server_default=sa.text("18"), nullable=False),
        sa.Column("total_supply", UNITS, nullable=False),
        sa.Column("circulating_supply", UNITS),
        sa.Column("deployment_tx_hash", sa.String(255)),
        sa.Column("deployed_at_block", BLOCK),
        sa.Column("deployed_at", TIME),
        sa.Column("logo_url", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("is_tradable", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("trading_enabled_at", TIME),
        sa.Column("last_price_usd", sa.Numeric(28, 18)),
        sa.Column("market_cap_usd", FIAT),
        sa.Column("volume_24h_usd", FIAT),
        sa.Column("price_change_24h", sa.Numeric(10, 4)),
        sa.Column("holders_count", BLOCK),
        sa.Column("last_market_data_update", TIME),
        sa.Column("last_indexed_block", BLOCK),
        sa.Column("last_indexed_at", TIME),
        *stamps(),
        sa.UniqueConstraint("chain_id", "contract_address"),
        sa.UniqueConstraint("artist_id", "chain_id"),
        sa.CheckConstraint("decimals BETWEEN 0 AND 77", name="decimals"),
        *lower_case("contract_address", "deployment_tx_hash"),
        *not_negative(
            "total_supply",
            "circulating_supply",
            "deployed_at_block",
            "last_indexed_block",
            "holders_count",
            "last_price_usd",
            "market_cap_usd",
            "volume_24h_usd",
        ),
        *not_nan("price_change_24h"),
    )

    op.create_table(
        "token_holders",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("artist_token_id", sa.Uuid(), sa.ForeignKey("artist_tokens.id"), nullable=False),
        sa.Column("wallet_address", sa.String(255), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("balance", UNITS, server_default=sa.text("0"), nullable=False, index=True),
        sa.Column("first_acquired_at", TIME),
        sa.Column("first_acquired_tx_hash", sa.String(255)),
        *stamps(),
        sa.UniqueConstraint("artist_token_id", "wallet_address"),
        *lower_case("wallet_address", "first_acquired_tx_hash"),
        *not_negative("balance"),
    )

    op.create_table(
        "token_transfers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "artist_token_id", sa.Uuid(), sa.ForeignKey("artist_tokens.id"), nullable=False, index=True
        ),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("from_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("to_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False, index=True),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False),
        created(),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *lower_case("contract_address", "from_wallet", "to_wallet", "tx_hash"),
        *not_negative("amount", "block_number"),
        *counts("log_index"),
    )

    op.create_table(
        "liquidity_pools",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "artist_token_id", sa.Uuid(), sa.ForeignKey("artist_tokens.id"), nullable=False, index=True
        ),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("pool_address", sa.String(255), nullable=False),
        sa.Column("pool_type", sa.String(40), nullable=False, index=True),
        sa.Column("token0_address", sa.String(255), nullable=False),
        sa.Column("token1_address", sa.String(255), nullable=False),
        sa.Column("token0_symbol", sa.String(20)),
        sa.Column("token1_symbol", sa.String(20)),
        sa.Column("reserve0", UNITS),
        sa.Column("reserve1", UNITS),
        sa.Column("fee", sa.Numeric(10, 6)),
        sa.Column("total_value_locked_usd", FIAT, index=True),
        sa.Column("volume_24h_usd", FIAT),
        sa.Column("created_at_block", BLOCK),
        sa.Column("created_at_tx_hash", sa.String(255)),
        sa.Column("last_indexed_block", BLOCK),
        sa.Column("last_indexed_at", TIME),
        *stamps(),
        sa.UniqueConstraint("chain_id", "pool_address"),
        one_of(
            "pool_type", "pool_type", "uniswap_v2", "uniswap_v3", "sushiswap", "raydium", "orca", "custom"
        ),
        *lower_case("pool_address", "token0_address", "token1_address", "created_at_tx_hash"),
        *not_negative(
            "reserve0",
            "reserve1",
            "created_at_block",
            "last_indexed_block",
            "fee",
            "total_value_locked_usd",
            "volume_24h_usd",
        ),
    )

    op.create_table(
        "pool_positions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("liquidity_pool_id", sa.Uuid(), sa.ForeignKey("liquidity_pools.id"), nullable=False),
        sa.Column("wallet_address", sa.String(255), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("lp_token_balance", UNITS, nullable=False),
        sa.Column("token0_amount", UNITS),
        sa.Column("token1_amount", UNITS),
        sa.Column("position_value_usd", FIAT, index=True),
        sa.Column("entered_at", TIME),
        sa.Column("entry_tx_hash", sa.String(255)),
        *stamps(),
        sa.UniqueConstraint("liquidity_pool_id", "wallet_address"),
        *lower_case("wallet_address", "entry_tx_hash"),
        *not_negative("lp_token_balance", "token0_amount", "token1_amount", "position_value_usd"),
    )

    op.create_table(
        "pool_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "liquidity_pool_id", sa.Uuid(), sa.ForeignKey("liquidity_pools.id"), nullable=False, index=True
        ),
        sa.Column(
            "artist_token_id", sa.Uuid(), sa.ForeignKey("artist_tokens.id"), nullable=False, index=True
        ),
        sa.Column("event_type", sa.String(40), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("pool_address", sa.String(255), nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False, index=True),
        sa.Column("amount0", UNITS),
        sa.Column("amount1", UNITS),
        sa.Column("amount_usd", FIAT),
        sa.Column("sender", sa.String(255)),
        sa.Column("recipient", sa.String(255)),
        created(),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        one_of("event_type", "pool_event_type", "add_liquidity", "remove_liquidity", "swap"),
        *lower_case("pool_address", "tx_hash", "sender", "recipient"),
        *not_negative("block_number", "amount0", "amount1", "amount_usd"),
        *counts("log_index"),
    )


def downgrade() -> None:
    for table in (
        "pool_events",
        "pool_positions",
        "liquidity_pools",
        "token_transfers",
        "token_holders",
        "artist_tokens",
        "nft_ownership_snapshots",
        "nft_transfers",
        "master_nfts",
    ):
        op.drop_table(table)
