"""When the indexer's tables last stood where the chain stood: how long they are behind, in seconds."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chain_cursors", sa.Column("level_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("chain_cursors", "level_at")
