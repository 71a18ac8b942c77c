"""Sessions, decisions, votes and what happens in the room."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import JSON, PRICE, TIME, counts, created, lower_case, not_nan, one_of, stamps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vstudio_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column("artist_id", sa.Uuid(), sa.ForeignKey("artists.id"), nullable=False, index=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("slug", sa.String(150), unique=True),
        sa.Column("session_type", sa.String(50)),
        sa.Column("status", sa.String(40), server_default="draft", nullable=False, index=True),
        sa.Column("scheduled_start_at", TIME, index=True),
        sa.Column("scheduled_end_at", TIME),
        sa.Column("actual_start_at", TIME),
        sa.Column("actual_end_at", TIME),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("allow_anonymous", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("max_participants", sa.Integer()),
        sa.Column("cover_image_url", sa.Text()),
        sa.Column("background_color", sa.String(20)),
        sa.Column("participant_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_votes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("peak_concurrent_viewers", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("join_code", sa.String(20)),
        *stamps(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        one_of(
            "status",
            "vstudio_session_status",
            "draft",
            "scheduled",
            "live",
            "locked",
            "completed",
            "ipo_launched",
            "cancelled",
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        sa.CheckConstraint("scheduled_end_at > scheduled_start_at", name="scheduled_window"),
        sa.CheckConstraint("actual_end_at >= actual_start_at", name="actual_window"),
        sa.CheckConstraint("max_participants > 0", name="max_participants"),
        *counts("participant_count", "total_votes", "peak_concurrent_viewers"),
    )
    op.create_index(
        "uq_vstudio_sessions_live_artist",
        "vstudio_sessions",
        ["artist_id"],
        unique=True,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "uq_vstudio_sessions_live_join_code",
        "vstudio_sessions",
        ["join_code"],
        unique=True,
        postgresql_where=sa.text("status = 'live'"),
    )

    op.create_table(
        "vstudio_decision_points",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "vstudio_session_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("type", sa.String(40), nullable=False, index=True),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("options", JSON),
        sa.Column("slider_min", sa.Integer()),
        sa.Column("slider_max", sa.Integer()),
        sa.Column("slider_step", sa.Integer()),
        sa.Column("slider_labels", JSON),
        sa.Column("eligibility_rule", sa.String(40), server_default="open", nullable=False),
        sa.Column("eligibility_config", JSON),
        sa.Column("superfan_weight_multiplier", sa.Numeric(5, 2), server_default=sa.text("1.0")),
        sa.Column("nft_holder_weight", sa.Numeric(5, 2), server_default=sa.text("1.0")),
        sa.Column("start_time", TIME),
        sa.Column("end_time", TIME),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("display_order", sa.Integer(), server_default=sa.text("0"), nullable=False, index=True),
        sa.Column("results_json", JSON),
        sa.Column("results_computed_at", TIME),
        sa.Column("revealed_at", TIME),
        sa.Column("tie_decided_by", sa.Uuid(), sa.ForeignKey("users.id")),
        *stamps(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        one_of("type", "decision_point_type", "poll", "slider", "ranking", "open_text", "binary"),
        one_of(
            "eligibility_rule",
            "eligibility_rule",
            "open",
            "authenticated",
            "nft_holders",
            "coin_holders",
            "subscribers",
            "superfans",
            "whitelist",
        ),
        sa.CheckConstraint(
            "type IN ('slider', 'open_text') OR coalesce(jsonb_array_length(options), 0) BETWEEN 2 AND 10",
            name="options",
        ),
        sa.CheckConstraint("type <> 'slider' OR coalesce(slider_max > slider_min, false)", name="slider_range"),
        sa.CheckConstraint("slider_step > 0", name="slider_step"),
        sa.CheckConstraint("superfan_weight_multiplier > 0", name="superfan_weight"),
        sa.CheckConstraint("nft_holder_weight > 0", name="nft_holder_weight"),
        sa.CheckConstraint("end_time > start_time", name="window"),
        *not_nan("superfan_weight_multiplier", "nft_holder_weight"),
    )

    op.create_table(
        "vstudio_votes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "decision_point_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_decision_points.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("vstudio_session_id", sa.Uuid(), sa.ForeignKey("vstudio_sessions.id"), nullable=False, index=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), index=True),
        sa.Column("wallet_address", sa.String(255), index=True),
        sa.Column("anonymous_id", sa.String(100)),
        sa.Column("option_selected", sa.String(100)),
        sa.Column("slider_value", PRICE),
        sa.Column("text_response", sa.Text()),
        sa.Column("ranking_order", JSON),
        sa.Column("weight", sa.Numeric(10, 4), server_default=sa.text("1.0"), nullable=False),
        sa.Column("verified_nft_holder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified_coin_holder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified_subscriber", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("client_ip_hash", sa.String(64)),
        sa.Column("user_agent", sa.String(500)),
        sa.Column("proving_token", sa.String(255)),
        *stamps(),
        sa.UniqueConstraint("user_id", "decision_point_id"),
        sa.UniqueConstraint("wallet_address", "decision_point_id"),
        sa.UniqueConstraint("anonymous_id", "decision_point_id"),
        sa.UniqueConstraint("proving_token", "decision_point_id"),
        sa.CheckConstraint("num_nonnulls(user_id, wallet_address, anonymous_id) = 1", name="voter"),
        sa.CheckConstraint("weight > 0", name="weight"),
        sa.CheckConstraint("proving_token = lower(proving_token)", name="proving_token"),
        *lower_case("wallet_address"),
        *not_nan("weight", "slider_value"),
    )
    op.create_index("ix_vstudio_votes_created_at", "vstudio_votes", ["created_at"])

    op.create_table(
        "vstudio_participants",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "vstudio_session_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), index=True),
        sa.Column("wallet_address", sa.String(255)),
        sa.Column("joined_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("left_at", TIME),
        sa.Column("votes_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("messages_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reactions_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_time_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *stamps(),
        sa.UniqueConstraint("vstudio_session_id", "user_id"),
        sa.UniqueConstraint("vstudio_session_id", "wallet_address"),
        *lower_case("wallet_address"),
        *counts("votes_count", "messages_count", "reactions_count", "total_time_seconds"),
    )

    op.create_table(
        "vstudio_engagement_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "vstudio_session_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE", name="fk_vstudio_engagement_events_session"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("wallet_address", sa.String(255)),
        sa.Column("event_type", sa.String(40), nullable=False, index=True),
        sa.Column("event_data", JSON),
        sa.Column(
            "decision_point_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_decision_points.id", name="fk_vstudio_engagement_events_decision_point"),
        ),
        created(),
        one_of(
            "event_type",
            "engagement_event_type",
            "session_view",
            "session_join",
            "vote_cast",
            "chat_message",
            "reaction",
            "share",
            "bookmark",
        ),
        *lower_case("wallet_address"),
    )
    op.create_index("ix_vstudio_engagement_events_created_at", "vstudio_engagement_events", ["created_at"])

    op.create_table(
        "vstudio_chat_messages",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "vstudio_session_id",
            sa.Uuid(),
            sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), index=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("is_moderated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("moderated_at", TIME),
        sa.Column("moderated_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("moderation_reason", sa.String(200)),
        sa.Column("is_highlighted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        created(),
        sa.CheckConstraint("octet_length(message) <= 4096", name="message"),
    )
    op.create_index("ix_vstudio_chat_messages_created_at", "vstudio_chat_messages", ["created_at"])


def downgrade() -> None:
    for table in (
        "vstudio_chat_messages",
        "vstudio_engagement_events",
        "vstudio_participants",
        "vstudio_votes",
        "vstudio_decision_points",
        "vstudio_sessions",
    ):
        op.drop_table(table)
