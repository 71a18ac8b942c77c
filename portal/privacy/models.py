"""Copies of a person's data, made by a job and kept for some days."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Count, Created, Identified, Model, counts

UNFINISHED = sa.text("finished_at IS NULL")


class DataExport(Identified, Created, Model):
    """A zip of everything about one person; `steps_done` parts of it are gathered. It goes with `expires_at`."""

    __tablename__ = "data_exports"
    __table_args__ = (
        sa.Index("uq_data_exports_unfinished", "user_id", unique=True, postgresql_where=UNFINISHED),
        sa.CheckConstraint("(finished_at IS NULL) = (content IS NULL)", name="content"),
        *counts("steps_done"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    steps_done: Mapped[Count]
    finished_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
