"""The log of incoming webhooks."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import S100, S500, Count, Created, Identified, Model, counts, text_enum
from portal.subscriptions.models import PaymentProvider
from portal.webhooks.enums import WebhookStatus


class WebhookLog(Identified, Created, Model):
    """One incoming event; the provider's event id is the idempotency key (T37 webhooks_log)."""

    __tablename__ = "webhooks_log"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.UniqueConstraint("provider_name", "event_id"),
        *counts("retry_count"),
    )

    provider_name: Mapped[S100] = mapped_column(index=True)
    provider_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("payment_providers.id"))
    event_type: Mapped[S100] = mapped_column(index=True)
    event_id: Mapped[S100 | None]
    payload_metadata: Mapped[dict[str, Any] | None]
    status: Mapped[WebhookStatus] = mapped_column(
        text_enum(WebhookStatus), default=WebhookStatus.PENDING, server_default="pending", index=True
    )
    processed_at: Mapped[dt.datetime | None]
    processing_error: Mapped[str | None]
    retry_count: Mapped[Count]
    ip_address: Mapped[str | None] = mapped_column(sa.String(45))
    user_agent: Mapped[S500 | None]

    provider: Mapped[PaymentProvider | None] = relationship()
