"""Where the indexer is, for itself, for pages and for the metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.indexer.models import ChainBlock, ChainCursor

ALIVE_SECONDS = 5
"""How often the indexer notes that it stands where the chain stands."""
FRESH_SECONDS = 2 * ALIVE_SECONDS
STALE_SECONDS = 30
"""From here on pages say so."""
TOO_DEEP = "The chain changed below its final block: "
"""How the reason begins for which the indexer waits until an operator has looked (`portal.indexer.recovery`)."""


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
    """How far the tables are behind the chain.

    `behind_blocks` by the newest block that the node told of; `behind_seconds` since the tables last stood there, 0
    while they do; `silent_seconds` since the node was last reached; `level_at` when the tables last stood there.
    """

    head: int
    finalized: int
    node_head: int
    behind_blocks: int
    behind_seconds: float
    silent_seconds: float
    level_at: dt.datetime
    halted: str | None

    @property
    def matters(self) -> bool:
        """Whether pages must say that figures from the chain may be old."""
        return self.behind_seconds >= STALE_SECONDS or self.halted is not None

    @property
    def needs_operator(self) -> bool:
        """Whether reading goes on only after `flask resume-indexer`."""
        return self.halted is not None and self.halted.startswith(TOO_DEEP)


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


STATUS = """
SELECT coalesce(head_number, 0), coalesce(finalized_number, 0), coalesce(node_head, head_number, 0), halted_reason,
       coalesce(level_at, updated_at), extract(epoch FROM clock_timestamp() - updated_at),
       extract(epoch FROM clock_timestamp() - coalesce(level_at, updated_at))
FROM chain_cursors WHERE chain_id = :chain AND (head_number IS NOT NULL OR halted_reason IS NOT NULL)
"""


def status(session: Session, chain_id: str) -> Status | None:
    """None before the indexer's first round. Times are told by the database's clock."""
    row = session.execute(sa.text(STATUS), {"chain": chain_id}).one_or_none()
    if row is None:
        return None
    head, finalized, newest, halted, level_at, silent, late = row
    behind = max(int(newest) - int(head), 0)
    silent = max(float(silent), 0.0)
    seconds = float(late) if behind or silent >= FRESH_SECONDS else 0.0
    return Status(int(head), int(finalized), int(newest), behind, seconds, silent, level_at, halted)


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
