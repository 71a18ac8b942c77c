"""Terms of offers, word for word, and who accepted which; neither is ever changed."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import created, lower_case
from migrations.grants import append_only

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.text("gen_random_uuid()")


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=ID),
        sa.Column("ipo_id", sa.Uuid(), sa.ForeignKey("master_ipos.id"), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(100), nullable=False),
        created(),
        sa.UniqueConstraint("ipo_id", "version"),
        sa.UniqueConstraint("ipo_id", "content_hash"),
        *lower_case("content_hash"),
    )
    append_only("policy_versions", "ipo_id", "version", "content", "content_hash")
    op.create_table(
        "policy_consents",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=ID),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column(
            "policy_version_id", sa.Uuid(), sa.ForeignKey("policy_versions.id"), nullable=False, index=True
        ),
        sa.Column("wallet", sa.String(255), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        created(),
        sa.UniqueConstraint("user_id", "policy_version_id", "wallet", "place"),
        *lower_case("wallet"),
    )
    append_only("policy_consents", "user_id", "policy_version_id", "wallet", "place")


def downgrade() -> None:
    op.drop_table("policy_consents")
    op.drop_table("policy_versions")
