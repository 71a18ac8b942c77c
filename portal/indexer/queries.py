"""Where the indexer is, for itself, for pages and for the metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import utcnow
from portal.indexer.models import ChainBlock, ChainCursor

STALE_SECONDS = 15
BEHIND_BLOCKS = 3


@dataclass(frozen=True)
class Cursor:
    """The last block that was written, and what is safe and final of it."""

    number: int
    hash: str
    safe: int
    finalized: int
    revision: int
    halted: str | None


@dataclass(frozen=True)
class Status:
    """How far the tables are behind the chain. `silent_seconds`: since the node was last reached."""

    head: int
    finalized: int
    behind_blocks: int
    silent_seconds: float
    halted: str | None

    @property
    def matters(self) -> bool:
        """Whether pages must say that figures from the chain may be old."""
        late = self.behind_blocks >= BEHIND_BLOCKS or self.silent_seconds >= STALE_SECONDS
        return late or self.halted is not None


def cursor(session: Session, chain_id: str, *, lock: bool = False) -> Cursor | None:
    """The cursor of a chain; locking it is the lease to write."""
    c = ChainCursor
    columns = (c.head_number, c.head_hash, c.safe_number, c.finalized_number, c.revision, c.halted_reason)
    statement = sa.select(*columns).where(c.chain_id == chain_id)
    row = session.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        return None
    number, block_hash, safe, finalized, revision, halted = row
    return None if number is None else Cursor(number, str(block_hash), safe or 0, finalized or 0, revision, halted)


def status(session: Session, chain_id: str) -> Status | None:
    """None before the indexer's first round."""
    row = session.get(ChainCursor, chain_id, populate_existing=True)
    if row is None or row.head_number is None:
        return None
    head, finalized = row.head_number, row.finalized_number or 0
    behind = max((row.node_head or head) - head, 0)
    silent = (utcnow() - row.updated_at).total_seconds()
    return Status(head, finalized, behind, max(silent, 0.0), row.halted_reason)


def hashes(session: Session, chain_id: str, first: int, last: int) -> dict[int, str]:
    """Block number -> hash as it was written, of those blocks that are kept."""
    b = ChainBlock
    rows = session.execute(sa.select(b.number, b.hash).where(b.chain_id == chain_id, b.number.between(first, last)))
    return dict(rows.all())


def times(session: Session, chain_id: str, first: int, last: int) -> dict[int, dt.datetime]:
    """Block number -> its time."""
    b = ChainBlock
    rows = session.execute(
        sa.select(b.number, b.timestamp).where(b.chain_id == chain_id, b.number.between(first, last))
    )
    return dict(rows.all())
