"""The market's orders and what waits in it, and the royalties of resales: mirrors of the chain."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import BLOCK, TIME, UNITS, bps, counts, created, lower_case, not_negative, one_of, stamps
from migrations.grants import worker_writes

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

PARTS = ("artist_part", "first_part", "second_part", "third_part")


def upgrade() -> None:
    _orders()
    _credits()
    _royalties()
    worker_writes("nft_orders", "market_credits", "royalty_credits")


def _orders() -> None:
    op.create_table(
        "nft_orders",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("market_address", sa.String(255), nullable=False),
        sa.Column("order_key", sa.String(100), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("token_id", UNITS, nullable=False),
        sa.Column("master_nft_id", sa.Uuid(), sa.ForeignKey("master_nfts.id"), nullable=False),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False),
        sa.Column("maker_wallet", sa.String(255), nullable=False, index=True),
        sa.Column("taker_wallet", sa.String(255)),
        sa.Column("price", UNITS, nullable=False),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.Column("moves", UNITS),
        sa.Column("deadline", TIME),
        sa.Column("status", sa.String(40), server_default="open", nullable=False),
        sa.Column("placed_tx_hash", sa.String(255), nullable=False),
        sa.Column("placed_block", BLOCK, nullable=False, index=True),
        sa.Column("placed_log_index", sa.Integer(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("closed_tx_hash", sa.String(255)),
        sa.Column("closed_block", BLOCK, index=True),
        sa.Column("closed_log_index", sa.Integer()),
        sa.Column("closed_at", TIME),
        *(sa.Column(name, UNITS) for name in ("fee", "royalty", *PARTS, "seller_gets")),
        *stamps(),
        one_of("kind", "order_kind", "listing", "offer"),
        one_of("status", "order_status", "open", "sold", "cancelled", "stale"),
        sa.UniqueConstraint("chain_id", "market_address", "kind", "order_key"),
        sa.CheckConstraint("price > 0", name="price"),
        sa.CheckConstraint("(kind = 'listing') = (moves IS NOT NULL)", name="moves"),
        sa.CheckConstraint(
            "num_nonnulls(closed_tx_hash, closed_block, closed_log_index, closed_at)"
            " = CASE status WHEN 'open' THEN 0 ELSE 4 END",
            name="closed",
        ),
        sa.CheckConstraint(
            "num_nonnulls(taker_wallet, fee, royalty, artist_part, first_part, second_part, third_part, seller_gets)"
            " = CASE status WHEN 'sold' THEN 8 ELSE 0 END",
            name="sold",
        ),
        sa.CheckConstraint("royalty = artist_part + first_part + second_part + third_part", name="royalty"),
        sa.CheckConstraint("price = royalty + fee + seller_gets", name="shares_out"),
        *lower_case("market_address", "order_key", "contract_address", "maker_wallet", "taker_wallet"),
        *lower_case("placed_tx_hash", "closed_tx_hash"),
        *not_negative("token_id", "price", "moves", "placed_block", "closed_block", "fee", "royalty"),
        *not_negative(*PARTS, "seller_gets"),
        *counts("placed_log_index", "closed_log_index"),
        *bps("fee_bps"),
    )
    op.create_exclude_constraint(
        "ex_nft_orders_one_listing",
        "nft_orders",
        ("master_nft_id", "="),
        using="btree",
        where=sa.text("kind = 'listing' AND status = 'open'"),
        deferrable=True,
    )
    op.create_index("ix_nft_orders_share", "nft_orders", ["master_nft_id", "status"])
    op.create_index(
        "ix_nft_orders_sales", "nft_orders", ["master_id", "closed_block"], postgresql_where=sa.text("status = 'sold'")
    )


def _credits() -> None:
    op.create_table(
        "market_credits",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("market_address", sa.String(255), nullable=False),
        sa.Column("wallet", sa.String(255), nullable=False, index=True),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("held", UNITS, server_default=sa.text("0"), nullable=False),
        sa.Column("withdrawn", UNITS, server_default=sa.text("0"), nullable=False),
        *stamps(),
        sa.UniqueConstraint("chain_id", "market_address", "wallet", "currency"),
        sa.CheckConstraint("withdrawn <= held", name="withdrawn"),
        *lower_case("market_address", "wallet"),
        *not_negative("held", "withdrawn"),
    )


def _royalties() -> None:
    op.create_table(
        "royalty_credits",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("wallet", sa.String(255)),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        *(sa.Column(name, UNITS) for name in PARTS),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False, index=True),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False),
        created(),
        one_of("kind", "royalty_kind", "arrived", "credited", "withdrawn"),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        sa.CheckConstraint(
            "num_nonnulls(artist_part, first_part, second_part, third_part)"
            " = CASE kind WHEN 'arrived' THEN 0 ELSE 4 END",
            name="parts",
        ),
        sa.CheckConstraint("amount = artist_part + first_part + second_part + third_part", name="whole"),
        *lower_case("contract_address", "wallet", "tx_hash"),
        *not_negative("amount", *PARTS, "block_number"),
        *counts("log_index"),
    )
    op.create_index(
        "ix_royalty_credits_pot", "royalty_credits", ["master_id", "currency", "block_number", "log_index"]
    )


def downgrade() -> None:
    for table in ("royalty_credits", "market_credits", "nft_orders"):
        op.drop_table(table)
