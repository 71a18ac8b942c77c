"""What was indexed. `chain_logs` is the replayable truth: every projection can be rebuilt from it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import (
    S50,
    S100,
    S255,
    Block,
    Created,
    Identified,
    Model,
    addresses,
    counts,
    not_negative,
    text_enum,
)
from portal.indexer.enums import Finality


class ChainBlock(Model):
    """A block of the chain that was followed; parent hashes show a reorg."""

    __tablename__ = "chain_blocks"
    __table_args__ = (*addresses("hash", "parent_hash"), *not_negative("number"))

    chain_id: Mapped[S50] = mapped_column(primary_key=True)
    number: Mapped[Block] = mapped_column(primary_key=True)
    hash: Mapped[S255]
    parent_hash: Mapped[S255]
    timestamp: Mapped[dt.datetime]
    finality: Mapped[Finality] = mapped_column(text_enum(Finality, 20), default=Finality.HEAD, server_default="head")


class ChainLog(Model):
    """A log as the node gave it: hex data, one to four topics, and the event's name where it is known."""

    __tablename__ = "chain_logs"
    __table_args__ = (
        sa.Index("ix_chain_logs_position", "chain_id", "block_number", "log_index"),
        *addresses("address", "tx_hash", "block_hash"),
        *not_negative("block_number"),
        *counts("log_index", "tx_index"),
    )

    chain_id: Mapped[S50] = mapped_column(primary_key=True)
    block_hash: Mapped[S255] = mapped_column(primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    block_number: Mapped[Block]
    tx_hash: Mapped[S255]
    tx_index: Mapped[int]
    address: Mapped[S255]
    topics: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    data: Mapped[str]
    name: Mapped[S100 | None]


class ChainCursor(Model):
    """Where the indexer of a chain is; locking this row is the indexer's lease.

    `node_head` is the newest block the node knew, `level_at` when the tables last stood there. `revision` rises with
    every batch written and every reorg undone: it is the `seq` of live events that the chain causes, because block
    numbers fall in a reorg.
    """

    __tablename__ = "chain_cursors"
    __table_args__ = (
        sa.CheckConstraint("finalized_number <= safe_number AND safe_number <= head_number", name="order"),
        *addresses("head_hash"),
        *not_negative("head_number", "safe_number", "finalized_number"),
    )

    chain_id: Mapped[S50] = mapped_column(primary_key=True)
    head_number: Mapped[Block | None]
    head_hash: Mapped[S255 | None]
    safe_number: Mapped[Block | None]
    finalized_number: Mapped[Block | None]
    halted_reason: Mapped[str | None]
    node_head: Mapped[Block | None]
    level_at: Mapped[dt.datetime | None]
    revision: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"))
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class QuarantinedLog(Identified, Created, Model):
    """A log that could not be read, kept with the reason; the cursor moved on."""

    __tablename__ = "quarantined_logs"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "block_hash", "log_index"),
        *addresses("address", "tx_hash", "block_hash"),
        *counts("log_index"),
    )

    chain_id: Mapped[S50]
    block_hash: Mapped[S255]
    log_index: Mapped[int]
    tx_hash: Mapped[S255]
    address: Mapped[S255]
    raw: Mapped[dict[str, Any]]
    reason: Mapped[str]
