"""The clock forgets what signing in leaves behind, every hour."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO periodic (name, every_seconds, next_at) VALUES ('forget_sign_ins', 3600, now())"
        " ON CONFLICT (name) DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM periodic WHERE name = 'forget_sign_ins'")
