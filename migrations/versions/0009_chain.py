"""Transactions the portal sends, and what the indexer saw."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import BLOCK, JSON, TIME, UNITS, counts, created, lower_case, not_negative, one_of, stamps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain_transactions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(255), nullable=False, unique=True),
        sa.Column("to_address", sa.String(255)),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("value", UNITS, server_default=sa.text("0"), nullable=False),
        sa.Column("gas", sa.Integer(), nullable=False),
        sa.Column("max_fee_per_gas", UNITS, nullable=False),
        sa.Column("max_priority_fee_per_gas", UNITS, nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False, unique=True),
        sa.Column("status", sa.String(20), server_default="signed", nullable=False, index=True),
        sa.Column("block_number", BLOCK),
        sa.Column("error", sa.Text()),
        sa.Column("replaced_by", sa.Uuid(), sa.ForeignKey("chain_transactions.id")),
        *stamps(),
        one_of(
            "status",
            "chain_transaction_status",
            "signed",
            "sent",
            "seen",
            "confirmed",
            "final",
            "failed",
            "replaced",
        ),
        *lower_case("sender", "to_address", "tx_hash"),
        *not_negative("value", "max_fee_per_gas", "max_priority_fee_per_gas", "block_number"),
        *counts("nonce", "gas"),
    )
    op.create_index(
        "uq_chain_transactions_nonce",
        "chain_transactions",
        ["chain_id", "sender", "nonce"],
        unique=True,
        postgresql_where=sa.text("status <> 'replaced'"),
    )

    op.create_table(
        "chain_blocks",
        sa.Column("chain_id", sa.String(50), primary_key=True),
        sa.Column("number", BLOCK, primary_key=True),
        sa.Column("hash", sa.String(255), nullable=False),
        sa.Column("parent_hash", sa.String(255), nullable=False),
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("finality", sa.String(20), server_default="head", nullable=False),
        one_of("finality", "finality", "head", "safe", "finalized"),
        *lower_case("hash", "parent_hash"),
        *not_negative("number"),
    )

    op.create_table(
        "chain_logs",
        sa.Column("chain_id", sa.String(50), primary_key=True),
        sa.Column("block_hash", sa.String(255), primary_key=True),
        sa.Column("log_index", sa.Integer(), primary_key=True),
        sa.Column("block_number", BLOCK, nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("tx_index", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("name", sa.String(100)),
        *lower_case("address", "tx_hash", "block_hash"),
        *not_negative("block_number"),
        *counts("log_index", "tx_index"),
    )
    op.create_index("ix_chain_logs_position", "chain_logs", ["chain_id", "block_number", "log_index"])

    op.create_table(
        "chain_cursors",
        sa.Column("chain_id", sa.String(50), primary_key=True),
        sa.Column("head_number", BLOCK),
        sa.Column("head_hash", sa.String(255)),
        sa.Column("safe_number", BLOCK),
        sa.Column("finalized_number", BLOCK),
        sa.Column("halted_reason", sa.Text()),
        sa.Column("node_head", BLOCK),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("finalized_number <= safe_number AND safe_number <= head_number", name="order"),
        *lower_case("head_hash"),
        *not_negative("head_number", "safe_number", "finalized_number"),
    )

    op.create_table(
        "quarantined_logs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("block_hash", sa.String(255), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("raw", JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        created(),
        sa.UniqueConstraint("chain_id", "block_hash", "log_index"),
        *lower_case("address", "tx_hash", "block_hash"),
        *counts("log_index"),
    )


def downgrade() -> None:
    for table in ("quarantined_logs", "chain_cursors", "chain_logs", "chain_blocks", "chain_transactions"):
        op.drop_table(table)
