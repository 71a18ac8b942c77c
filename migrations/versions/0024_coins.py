"""What an artist's coin is to be called, and who gets which part of it."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import UNITS, bps, not_negative, stamps
from migrations.grants import full

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PARTS = ("artist_bps", "participants_bps", "liquidity_bps", "community_bps")


def upgrade() -> None:
    op.create_table(
        "coin_plans",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("artist_id", sa.Uuid(), sa.ForeignKey("artists.id"), nullable=False, unique=True),
        sa.Column("ipo_id", sa.Uuid(), sa.ForeignKey("master_ipos.id"), index=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(16), nullable=False, unique=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in PARTS),
        sa.Column("per_share", UNITS),
        sa.Column("wallets_to_pay", sa.Integer()),
        sa.Column("wallets_paid", sa.Integer(), nullable=False, server_default=sa.text("0")),
        *stamps(),
        sa.CheckConstraint("symbol ~ '^[A-Z][A-Z0-9]{1,10}$'", name="symbol"),
        sa.CheckConstraint("octet_length(name) BETWEEN 1 AND 64", name="name"),
        sa.CheckConstraint(" + ".join(PARTS) + " = 10000", name="parts"),
        *bps(*PARTS),
        *not_negative("per_share"),
        sa.CheckConstraint("wallets_paid BETWEEN 0 AND coalesce(wallets_to_pay, 0)", name="paid"),
    )
    full("coin_plans")


def downgrade() -> None:
    op.drop_table("coin_plans")
