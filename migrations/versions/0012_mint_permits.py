"""Permits of offers with a cap per person: how many each wallet may have minted in all, and until when."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import TIME, lower_case, stamps
from migrations.grants import full

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mint_permits",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("ipo_id", sa.Uuid(), sa.ForeignKey("master_ipos.id"), nullable=False),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("wallet", sa.String(255), nullable=False),
        sa.Column("allowance", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.String(50)),
        sa.Column("terms_hash", sa.String(100)),
        sa.Column("deadline", TIME, nullable=False),
        *stamps(),
        sa.UniqueConstraint("ipo_id", "wallet"),
        sa.CheckConstraint("allowance > 0", name="allowance"),
        *lower_case("wallet", "terms_hash"),
    )
    full("mint_permits")


def downgrade() -> None:
    op.drop_table("mint_permits")
