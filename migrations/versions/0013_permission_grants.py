"""Single permissions of a person beside their roles: finance and security staff hold no role of their own."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import TIME
from migrations.grants import full

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "permission_grants",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("permission", sa.String(50), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("assigned_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.UniqueConstraint("user_id", "permission"),
        sa.CheckConstraint("permission ~ '^[a-z]+:[a-z]+$'", name="permission"),
    )
    full("permission_grants")


def downgrade() -> None:
    op.drop_table("permission_grants")
