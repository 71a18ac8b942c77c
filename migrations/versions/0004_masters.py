"""Masters, their IPOs and contracts."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import BLOCK, JSON, TIME, UNITS, bps, counts, lower_case, not_negative, one_of, stamps

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "masters",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("artist_id", sa.Uuid(), sa.ForeignKey("artists.id"), nullable=False, index=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("master_type", sa.String(40), server_default="track", nullable=False),
        sa.Column("status", sa.String(40), server_default="draft", nullable=False, index=True),
        sa.Column("genre", sa.String(100), index=True),
        sa.Column("bpm", sa.Integer()),
        sa.Column("duration", sa.Integer()),
        sa.Column("release_date", TIME, index=True),
        sa.Column("isrc", sa.String(12)),
        sa.Column("mood_tags", JSON, server_default=sa.text("'[]'::jsonb")),
        sa.Column("audio_file_name", sa.String(255)),
        sa.Column("audio_ipfs_hash", sa.String(100)),
        sa.Column("cover_image_url", sa.Text()),
        sa.Column("cover_image_ipfs_hash", sa.String(100)),
        sa.Column("metadata_ipfs_hash", sa.String(100)),
        sa.Column("metadata", JSON),
        sa.Column("published_at", TIME),
        sa.Column("rights_confirmed_at", TIME),
        sa.Column("rights_confirmed_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("short_id", sa.String(12), nullable=False, unique=True),
        *stamps(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        one_of("master_type", "master_type", "track", "album"),
        one_of("status", "master_status", "draft", "pending", "approved", "live", "archived"),
        sa.CheckConstraint("isrc ~ '^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$'", name="isrc"),
        sa.CheckConstraint("jsonb_array_length(mood_tags) <= 5", name="mood_tags"),
        sa.CheckConstraint("bpm > 0 AND duration > 0", name="measures"),
        sa.CheckConstraint("(rights_confirmed_at IS NULL) = (rights_confirmed_by IS NULL)", name="rights"),
    )
    op.create_index("ix_masters_created_at", "masters", ["created_at"])

    op.create_table(
        "master_collaborators",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "master_id",
            sa.Uuid(),
            sa.ForeignKey("masters.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("producer_id", sa.Uuid(), sa.ForeignKey("producers.id"), index=True),
        sa.Column("collaborator_name", sa.String(150)),
        sa.Column("role", sa.String(100), nullable=False),
        sa.Column("split_basis_points", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("display_order", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *stamps(),
        sa.CheckConstraint("num_nonnulls(producer_id, collaborator_name) > 0", name="named"),
        *bps("split_basis_points"),
    )

    op.create_table(
        "master_ipos",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, unique=True),
        sa.Column("total_supply", sa.Integer(), nullable=False),
        sa.Column("minted_supply", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("mint_price_wei", UNITS),
        sa.Column("mint_price_currency", sa.String(20)),
        sa.Column("revenue_share_nft_holders_bps", sa.Integer(), server_default=sa.text("5000"), nullable=False),
        sa.Column("retained_artist_bps", sa.Integer(), server_default=sa.text("4000"), nullable=False),
        sa.Column("retained_platform_bps", sa.Integer(), server_default=sa.text("1000"), nullable=False),
        sa.Column("status", sa.String(40), server_default="draft", nullable=False, index=True),
        sa.Column("scheduled_start_at", TIME, index=True),
        sa.Column("scheduled_end_at", TIME),
        sa.Column("actual_start_at", TIME),
        sa.Column("actual_end_at", TIME),
        sa.Column("mover_advantage_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("first_minter_bonus_bps", sa.Integer(), server_default=sa.text("300")),
        sa.Column("second_minter_bonus_bps", sa.Integer(), server_default=sa.text("200")),
        sa.Column("third_minter_bonus_bps", sa.Integer(), server_default=sa.text("100")),
        sa.Column("secondary_royalty_bps", sa.Integer(), server_default=sa.text("1000"), nullable=False),
        sa.Column("allow_secondary_resale", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("person_cap", sa.Integer()),
        sa.Column("terms_version", sa.String(50)),
        sa.Column("early_access_until", TIME),
        *stamps(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        one_of("status", "ipo_status", "draft", "scheduled", "live", "closed", "cancelled"),
        sa.CheckConstraint("total_supply BETWEEN 1 AND 1000000", name="total_supply"),
        sa.CheckConstraint("minted_supply BETWEEN 0 AND total_supply", name="minted_supply"),
        sa.CheckConstraint(
            "revenue_share_nft_holders_bps + retained_artist_bps + retained_platform_bps = 10000",
            name="revenue_shares",
        ),
        sa.CheckConstraint(
            "coalesce(first_minter_bonus_bps, 0) + coalesce(second_minter_bonus_bps, 0) + coalesce(third_minter_bonus_bps, 0) + secondary_royalty_bps <= 10000",
            name="resale_parts",
        ),
        sa.CheckConstraint("scheduled_end_at > scheduled_start_at", name="scheduled_window"),
        sa.CheckConstraint("actual_end_at >= actual_start_at", name="actual_window"),
        sa.CheckConstraint("person_cap > 0", name="person_cap"),
        *not_negative("mint_price_wei"),
        *bps(
            "revenue_share_nft_holders_bps",
            "retained_artist_bps",
            "retained_platform_bps",
            "first_minter_bonus_bps",
            "second_minter_bonus_bps",
            "third_minter_bonus_bps",
            "secondary_royalty_bps",
        ),
    )

    op.create_table(
        "master_contracts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("deployment_tx_hash", sa.String(255)),
        sa.Column("deployed_at_block", BLOCK),
        sa.Column("deployed_at", TIME),
        sa.Column("contract_total_supply", sa.Integer()),
        sa.Column("contract_royalty_bps", sa.Integer()),
        sa.Column("first_minter_wallet", sa.String(255)),
        sa.Column("second_minter_wallet", sa.String(255)),
        sa.Column("third_minter_wallet", sa.String(255)),
        sa.Column("abi_version", sa.String(20), server_default="1.0"),
        sa.Column("last_indexed_block", BLOCK),
        sa.Column("last_indexed_at", TIME),
        *stamps(),
        sa.UniqueConstraint("chain_id", "contract_address"),
        sa.UniqueConstraint("master_id", "chain_id"),
        *lower_case(
            "contract_address",
            "deployment_tx_hash",
            "first_minter_wallet",
            "second_minter_wallet",
            "third_minter_wallet",
        ),
        *not_negative("deployed_at_block", "last_indexed_block"),
        *counts("contract_total_supply"),
        *bps("contract_royalty_bps"),
    )

    op.create_table(
        "dividend_contracts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), index=True),
        sa.Column("artist_id", sa.Uuid(), sa.ForeignKey("artists.id"), index=True),
        sa.Column("distribution_model", sa.String(40), nullable=False),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("deployment_tx_hash", sa.String(255)),
        sa.Column("deployed_at_block", BLOCK),
        sa.Column("deployed_at", TIME),
        sa.Column("linked_master_contract", sa.String(255)),
        sa.Column("total_revenue_deposited", UNITS, server_default=sa.text("0")),
        sa.Column("total_dividends_distributed", UNITS, server_default=sa.text("0")),
        sa.Column("last_indexed_block", BLOCK),
        sa.Column("last_indexed_at", TIME),
        *stamps(),
        sa.UniqueConstraint("chain_id", "contract_address"),
        one_of("distribution_model", "dividend_distribution_model", "per_master", "per_artist", "platform"),
        sa.CheckConstraint(
            "CASE distribution_model WHEN 'per_master' THEN master_id IS NOT NULL AND artist_id IS NULL WHEN 'per_artist' THEN artist_id IS NOT NULL AND master_id IS NULL ELSE master_id IS NULL AND artist_id IS NULL END",
            name="belongs_to",
        ),
        *lower_case("contract_address", "deployment_tx_hash", "linked_master_contract"),
        *not_negative(
            "deployed_at_block",
            "last_indexed_block",
            "total_revenue_deposited",
            "total_dividends_distributed",
        ),
    )


def downgrade() -> None:
    for table in ("dividend_contracts", "master_contracts", "master_ipos", "master_collaborators", "masters"):
        op.drop_table(table)
