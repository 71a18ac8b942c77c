"""Sessions, decisions, votes, participants, engagement and chat.

The counters are written in the transaction of what they count, so they are true whenever they are read.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.artists.models import SLUG, Artist
from portal.db import (
    S20,
    S50,
    S64,
    S100,
    S150,
    S200,
    S255,
    S500,
    Count,
    Created,
    Flag,
    Identified,
    Model,
    Stamped,
    Versioned,
    Yes,
    addresses,
    counts,
    not_nan,
    text_enum,
)
from portal.masters.models import Master
from portal.vstudio.enums import (
    DecisionPointType,
    EligibilityRule,
    EngagementEventType,
    VstudioSessionStatus,
)


class VstudioSession(Identified, Stamped, Versioned, Model):
    """A room about one master (T27 vstudio_sessions); `join_code` is unique while the room is live."""

    __tablename__ = "vstudio_sessions"
    __table_args__ = (
        sa.Index(
            "uq_vstudio_sessions_live_artist",
            "artist_id",
            unique=True,
            postgresql_where=sa.text("status = 'live'"),
        ),
        sa.Index(
            "uq_vstudio_sessions_live_join_code",
            "join_code",
            unique=True,
            postgresql_where=sa.text("status = 'live'"),
        ),
        sa.CheckConstraint(SLUG, name="slug"),
        sa.CheckConstraint("scheduled_end_at > scheduled_start_at", name="scheduled_window"),
        sa.CheckConstraint("actual_end_at >= actual_start_at", name="actual_window"),
        sa.CheckConstraint("max_participants > 0", name="max_participants"),
        *counts("participant_count", "total_votes", "peak_concurrent_viewers"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    artist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artists.id"), index=True)
    title: Mapped[S255]
    description: Mapped[str | None]
    slug: Mapped[S150 | None] = mapped_column(unique=True)
    session_type: Mapped[S50 | None]
    status: Mapped[VstudioSessionStatus] = mapped_column(
        text_enum(VstudioSessionStatus),
        default=VstudioSessionStatus.DRAFT,
        server_default="draft",
        index=True,
    )
    scheduled_start_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    scheduled_end_at: Mapped[dt.datetime | None]
    actual_start_at: Mapped[dt.datetime | None]
    actual_end_at: Mapped[dt.datetime | None]
    is_public: Mapped[Yes]
    allow_anonymous: Mapped[Flag]
    max_participants: Mapped[int | None]
    cover_image_url: Mapped[str | None]
    background_color: Mapped[S20 | None]
    participant_count: Mapped[Count]
    total_votes: Mapped[Count]
    peak_concurrent_viewers: Mapped[Count]
    join_code: Mapped[S20 | None]

    master: Mapped[Master] = relationship()
    artist: Mapped[Artist] = relationship()
    decision_points: Mapped[list[VstudioDecisionPoint]] = relationship(
        back_populates="session",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="VstudioDecisionPoint.display_order",
    )


class VstudioDecisionPoint(Identified, Stamped, Versioned, Model):
    """One question of a session (T28 vstudio_decision_points).

    Its state (pending, open, closed, finalized) is derived from is_active, the times and the clock.
    """

    __tablename__ = "vstudio_decision_points"
    __table_args__ = (
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

    vstudio_session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[DecisionPointType] = mapped_column(text_enum(DecisionPointType), index=True)
    label: Mapped[S255]
    description: Mapped[str | None]
    options: Mapped[list[Any] | None]
    slider_min: Mapped[int | None]
    slider_max: Mapped[int | None]
    slider_step: Mapped[int | None]
    slider_labels: Mapped[dict[str, Any] | None]
    eligibility_rule: Mapped[EligibilityRule] = mapped_column(
        text_enum(EligibilityRule), default=EligibilityRule.OPEN, server_default="open"
    )
    eligibility_config: Mapped[dict[str, Any] | None]
    superfan_weight_multiplier: Mapped[Decimal | None] = mapped_column(
        sa.Numeric(5, 2), default=Decimal(1), server_default=sa.text("1.0")
    )
    nft_holder_weight: Mapped[Decimal | None] = mapped_column(
        sa.Numeric(5, 2), default=Decimal(1), server_default=sa.text("1.0")
    )
    start_time: Mapped[dt.datetime | None]
    end_time: Mapped[dt.datetime | None]
    is_active: Mapped[Flag] = mapped_column(index=True)
    display_order: Mapped[Count] = mapped_column(index=True)
    results_json: Mapped[dict[str, Any] | None]
    results_computed_at: Mapped[dt.datetime | None]
    revealed_at: Mapped[dt.datetime | None]
    tie_decided_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    session: Mapped[VstudioSession] = relationship(back_populates="decision_points")


class VstudioVote(Identified, Stamped, Model):
    """One person's vote on a decision (T29 vstudio_votes).

    Exactly one of user, wallet and anonymous id is the voter. `proving_token` is the share that gave the
    weight, "<chain>:<contract>:<token id>": each gives weight once per decision.
    """

    __tablename__ = "vstudio_votes"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.UniqueConstraint("user_id", "decision_point_id"),
        sa.UniqueConstraint("wallet_address", "decision_point_id"),
        sa.UniqueConstraint("anonymous_id", "decision_point_id"),
        sa.UniqueConstraint("proving_token", "decision_point_id"),
        sa.CheckConstraint("num_nonnulls(user_id, wallet_address, anonymous_id) = 1", name="voter"),
        sa.CheckConstraint("weight > 0", name="weight"),
        *addresses("wallet_address"),
        sa.CheckConstraint("proving_token = lower(proving_token)", name="proving_token"),
        *not_nan("weight", "slider_value"),
    )

    decision_point_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("vstudio_decision_points.id", ondelete="CASCADE"), index=True
    )
    vstudio_session_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("vstudio_sessions.id"), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    wallet_address: Mapped[S255 | None] = mapped_column(index=True)
    anonymous_id: Mapped[S100 | None]
    option_selected: Mapped[S100 | None]
    slider_value: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    text_response: Mapped[str | None]
    ranking_order: Mapped[list[str] | None]
    weight: Mapped[Decimal] = mapped_column(sa.Numeric(10, 4), default=Decimal(1), server_default=sa.text("1.0"))
    verified_nft_holder: Mapped[Flag]
    verified_coin_holder: Mapped[Flag]
    verified_subscriber: Mapped[Flag]
    client_ip_hash: Mapped[S64 | None]
    user_agent: Mapped[S500 | None]
    proving_token: Mapped[S255 | None]

    decision_point: Mapped[VstudioDecisionPoint] = relationship()
    user: Mapped[User | None] = relationship()


class VstudioParticipant(Identified, Stamped, Model):
    """Someone in a room and what they did there (T30 vstudio_participants)."""

    __tablename__ = "vstudio_participants"
    __table_args__ = (
        sa.UniqueConstraint("vstudio_session_id", "user_id"),
        sa.UniqueConstraint("vstudio_session_id", "wallet_address"),
        *addresses("wallet_address"),
        *counts("votes_count", "messages_count", "reactions_count", "total_time_seconds"),
    )

    vstudio_session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    wallet_address: Mapped[S255 | None]
    joined_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    left_at: Mapped[dt.datetime | None]
    votes_count: Mapped[Count]
    messages_count: Mapped[Count]
    reactions_count: Mapped[Count]
    total_time_seconds: Mapped[Count]

    session: Mapped[VstudioSession] = relationship()
    user: Mapped[User | None] = relationship()


class VstudioEngagementEvent(Identified, Created, Model):
    """A view, join, reaction and the like (T31 vstudio_engagement_events); kept 90 days, then aggregated."""

    __tablename__ = "vstudio_engagement_events"
    __table_args__ = (sa.Index(None, "created_at"), *addresses("wallet_address"))

    vstudio_session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE", name="fk_vstudio_engagement_events_session"),
        index=True,
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    wallet_address: Mapped[S255 | None]
    event_type: Mapped[EngagementEventType] = mapped_column(text_enum(EngagementEventType), index=True)
    event_data: Mapped[dict[str, Any] | None]
    decision_point_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("vstudio_decision_points.id", name="fk_vstudio_engagement_events_decision_point")
    )


class VstudioChatMessage(Identified, Created, Model):
    """A message in a room, at most 4 KiB (T32 vstudio_chat_messages)."""

    __tablename__ = "vstudio_chat_messages"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.CheckConstraint("octet_length(message) <= 4096", name="message"),
    )

    vstudio_session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("vstudio_sessions.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    message: Mapped[str]
    is_moderated: Mapped[Flag]
    moderated_at: Mapped[dt.datetime | None]
    moderated_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    moderation_reason: Mapped[S200 | None]
    is_highlighted: Mapped[Flag]
    is_pinned: Mapped[Flag]

    session: Mapped[VstudioSession] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
