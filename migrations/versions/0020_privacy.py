"""Copies of a person's data, and the clock that deletes them and anonymises who asked for it."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import TIME, counts, created
from migrations.grants import full

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("steps_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("content", sa.LargeBinary()),
        created(),
        sa.CheckConstraint("(finished_at IS NULL) = (content IS NULL)", name="content"),
        *counts("steps_done"),
    )
    op.create_index(
        "uq_data_exports_unfinished",
        "data_exports",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    full("data_exports")
    op.execute(
        "INSERT INTO periodic (name, every_seconds, next_at)"
        " VALUES ('keep_deletion_promises', 3600, now()) ON CONFLICT (name) DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM periodic WHERE name = 'keep_deletion_promises'")
    op.drop_table("data_exports")
