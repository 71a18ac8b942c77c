"""Artists, producers and follows."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import JSON, TIME, counts, created, one_of, stamps

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artists",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("artist_name", sa.String(150), nullable=False, index=True),
        sa.Column("slug", sa.String(150), nullable=False, unique=True),
        sa.Column("bio", sa.Text()),
        sa.Column("short_bio", sa.String(280)),
        sa.Column("genre", sa.String(100), index=True),
        sa.Column("location", sa.String(200)),
        sa.Column("profile_image_url", sa.Text()),
        sa.Column("banner_image_url", sa.Text()),
        sa.Column("social_links", JSON),
        sa.Column("music_platforms", JSON),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("verified_at", TIME),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("total_masters", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_sales", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("follower_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("palette", sa.String(20), server_default="brine", nullable=False),
        *stamps(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        one_of(
            "palette",
            "palette",
            "brine",
            "tram",
            "granskog",
            "bus",
            "weather",
            "lantern",
            "contour",
            "calle",
            "choir",
            "aviary",
            "ochre",
            "frost",
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        *counts("total_masters", "total_sales", "follower_count"),
    )

    op.create_table(
        "producers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("producer_name", sa.String(150), nullable=False, index=True),
        sa.Column("slug", sa.String(150), nullable=False, unique=True),
        sa.Column("bio", sa.Text()),
        sa.Column("specialty", sa.String(200)),
        sa.Column("profile_image_url", sa.Text()),
        sa.Column("social_links", JSON),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified_at", TIME),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("total_credits", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *stamps(),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        *counts("total_credits"),
    )

    op.create_table(
        "artist_follows",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "artist_id",
            sa.Uuid(),
            sa.ForeignKey("artists.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "follower_id",
            sa.Uuid(),
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        created(),
        sa.UniqueConstraint("artist_id", "follower_id"),
    )


def downgrade() -> None:
    for table in ("artist_follows", "producers", "artists"):
        op.drop_table(table)
