"""The audit log, security and system events, and the seals over the log.

Rows point at users by table name only: `accounts` lies above this feature. The database makes ids and times
here, and the application's roles have no right to send or to change them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.db import (
    S50,
    S64,
    S100,
    S200,
    S255,
    S500,
    Count,
    Created,
    Ip,
    Model,
    ServerIdentified,
    Yes,
    counts,
    text_enum,
)


class AuditLog(ServerIdentified, Model):
    """One change, written in the transaction that made it; never updated, never deleted (T39 audit_logs).

    The time is that of the INSERT, not of the transaction's begin: the sealer relies on it.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (sa.Index(None, "created_at"),)

    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    actor_type: Mapped[S50]
    actor_identifier: Mapped[S255 | None]
    action_category: Mapped[AuditActionCategory] = mapped_column(text_enum(AuditActionCategory), index=True)
    action: Mapped[S100] = mapped_column(index=True)
    description: Mapped[str | None]
    target_type: Mapped[S50 | None] = mapped_column(index=True)
    target_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    target_identifier: Mapped[S255 | None]
    previous_state: Mapped[dict[str, Any] | None]
    new_state: Mapped[dict[str, Any] | None]
    changed_fields: Mapped[list[str] | None]
    ip_address: Mapped[Ip | None]
    user_agent: Mapped[S500 | None]
    request_id: Mapped[S100 | None] = mapped_column(index=True)
    success: Mapped[Yes]
    error_message: Mapped[str | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.clock_timestamp(), sort_order=90)


class SecurityEvent(ServerIdentified, Created, Model):
    """Something security staff should know; only the investigation is added later (T40 security_events).

    The two flags have no default here: the application may not send them with a new event.
    """

    __tablename__ = "security_events"
    __table_args__ = (sa.Index(None, "created_at"),)

    event_type: Mapped[SecurityEventType] = mapped_column(text_enum(SecurityEventType), index=True)
    severity: Mapped[SecuritySeverity] = mapped_column(text_enum(SecuritySeverity), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    wallet_address: Mapped[S255 | None]
    title: Mapped[S200]
    description: Mapped[str | None]
    ip_address: Mapped[Ip | None] = mapped_column(index=True)
    user_agent: Mapped[S500 | None]
    request_path: Mapped[S500 | None]
    request_method: Mapped[str | None] = mapped_column(sa.String(10))
    event_data: Mapped[dict[str, Any] | None]
    is_investigated: Mapped[bool] = mapped_column(server_default=sa.text("false"), index=True)
    investigated_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    investigated_at: Mapped[dt.datetime | None]
    investigation_notes: Mapped[str | None]
    is_resolved: Mapped[bool] = mapped_column(server_default=sa.text("false"))
    resolution: Mapped[S100 | None]
    resolved_at: Mapped[dt.datetime | None]


class SystemEvent(ServerIdentified, Created, Model):
    """What a job, the relay or the indexer did, and how long it took in milliseconds (T41 system_events)."""

    __tablename__ = "system_events"
    __table_args__ = (sa.Index(None, "created_at"), *counts("duration_ms", "records_processed"))

    event_type: Mapped[S100] = mapped_column(index=True)
    source: Mapped[S100] = mapped_column(index=True)
    message: Mapped[str | None]
    job_id: Mapped[S100 | None] = mapped_column(index=True)
    entity_type: Mapped[S50 | None]
    entity_id: Mapped[uuid.UUID | None]
    duration_ms: Mapped[int | None]
    records_processed: Mapped[int | None]
    success: Mapped[Yes] = mapped_column(index=True)
    error_message: Mapped[str | None]
    error_stack: Mapped[str | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")


class AuditSeal(ServerIdentified, Created, Model):
    """A sealed batch of the audit log: rows of range_start <= created_at < range_end under one Merkle root.

    Hashes are hex SHA-256; `previous_hash` is the `seal_hash` of number - 1, so a missing seal shows.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (
        sa.CheckConstraint("range_end > range_start", name="range"),
        sa.CheckConstraint("(number = 1) = (previous_hash IS NULL)", name="chained"),
        *counts("row_count"),
    )

    number: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    range_start: Mapped[dt.datetime] = mapped_column(unique=True)
    range_end: Mapped[dt.datetime] = mapped_column(unique=True)
    row_count: Mapped[Count]
    merkle_root: Mapped[S64]
    previous_hash: Mapped[S64 | None] = mapped_column(unique=True)
    seal_hash: Mapped[S64] = mapped_column(unique=True)
    key_id: Mapped[S50]
    signature: Mapped[str]


class AuditLeaf(Model):
    """One sealed row of the audit log: its keyed hash at its place in a seal.

    The row's personal fields enter it as commitments under keys of their own, one for who acted and one for whom or
    what it was about; forgetting a person deletes their keys and leaves the leaf as it is. No foreign key: a leaf
    outlives its row, and names what somebody deleted.
    """

    __tablename__ = "audit_leaves"
    __table_args__ = (sa.UniqueConstraint("seal_number", "position"),)

    audit_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seal_number: Mapped[int] = mapped_column(sa.BigInteger)
    position: Mapped[int]
    leaf: Mapped[bytes]
    actor_key: Mapped[bytes | None]
    actor_commitment: Mapped[bytes]
    subject_key: Mapped[bytes | None]
    subject_commitment: Mapped[bytes]
