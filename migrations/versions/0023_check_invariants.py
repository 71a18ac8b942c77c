"""The clock looks at the invariants every night."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO periodic (name, every_seconds, next_at)"
        " VALUES ('check_invariants', 86400, date_trunc('day', now()) + interval '27 hours')"
        " ON CONFLICT (name) DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM periodic WHERE name = 'check_invariants'")
