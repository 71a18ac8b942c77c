# ruff: noqa: S608  (statements are put together from constants)
"""When the chain changes its mind: find the fork, take back what stood above it, or stop where that is forbidden."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, log_system_event
from portal.db import transaction
from portal.indexer import follow, queries, staging, writing
from portal.indexer.follow import Followed, Platform
from portal.indexer.node import Node, Tips
from portal.indexer.queries import Cursor
from portal.indexer.reading import Entry, read
from portal.nfts import projections as nfts
from portal.revenue import projections as revenue
from portal.tokens import projections as tokens

log = logging.getLogger(__name__)

SOURCE = "blockchain_indexer"
REFUSED = "The node is refused: "
TOO_DEEP = queries.TOO_DEEP
WAY_ON = "Nothing was changed. Look at the chain and the node, then run `flask resume-indexer`."

STORED = """
SELECT block_number, log_index, block_hash, tx_hash, tx_index, address, topics, data FROM chain_logs
WHERE chain_id = :chain AND block_number BETWEEN :first AND :last
ORDER BY block_number, log_index
"""
FORGET = (
    "DELETE FROM quarantined_logs WHERE chain_id = :chain AND block_hash IN"
    " (SELECT hash FROM chain_blocks WHERE chain_id = :chain AND number > :fork)",
    "DELETE FROM chain_logs WHERE chain_id = :chain AND block_number > :fork",
    "DELETE FROM chain_blocks WHERE chain_id = :chain AND number > :fork",
    *(
        f"UPDATE {table} SET last_indexed_block = :fork WHERE chain_id = :chain AND last_indexed_block > :fork"
        for table in follow.TABLES
    ),
)
BACK = """
UPDATE chain_cursors
SET head_number = :fork, head_hash = :hash, safe_number = least(safe_number, :fork), revision = :revision,
    node_head = :head, updated_at = clock_timestamp()
WHERE chain_id = :chain
"""


def fork_of(node: Node, stored: Mapping[int, str], tips: Tips) -> int | None:
    """The highest block that the node and the tables share; None when it lies below the last final one.

    Raises Unavailable where the node has no block at a height below its own head: that is no other chain, but a node
    (one of several behind an address) that lags.
    """
    numbers = sorted((n for n in stored if n <= tips.head.number), reverse=True)
    for number in numbers:
        if node.header(number).hash == stored[number]:
            return number
    return None


def undo(chain_id: str, before: Cursor, fork: int, fork_hash: str, tips: Tips, platform: Platform) -> None:
    """Take back everything above `fork` in one transaction. Raises Moved when another indexer did."""
    with transaction() as session:
        writing.held(session, chain_id, before)
        known = follow.everything(session, chain_id, platform)
        entries = stored_entries(session, known, fork + 1, before.number)
        moments = queries.times(session, chain_id, fork + 1, before.number)
        staging.stage(session, chain_id, entries, {number: at.isoformat() for number, at in moments.items()})
        for feature in (revenue, nfts, tokens):
            feature.undo(session, chain_id, fork)
        revision = before.revision + 1
        writing.announce(session, chain_id, revision)
        revenue.tidy(session, chain_id)
        values = {"chain": chain_id, "fork": fork}
        for statement in FORGET:
            session.execute(sa.text(statement), values)
        session.execute(sa.text(BACK), values | {"hash": fork_hash, "revision": revision, "head": tips.head.number})
        depth = before.number - fork
        log_system_event(session, "indexer_reorg", SOURCE, f"{depth} blocks above {fork} undone", records=len(entries))
    log.warning("a reorg: %s blocks above %s are undone", depth, fork)


def stored_entries(session: Session, known: Followed, first: int, last: int) -> list[Entry]:
    """Logs of these blocks from the tables, as they were read from the node."""
    rows = session.execute(sa.text(STORED), {"chain": known.chain_id, "first": first, "last": last})
    entries, bad = read(_raws(rows), known, range(first, last + 1))
    if bad:
        raise RuntimeError(f"chain_logs holds what is no log of ours: {bad[0].reason}")
    return entries


def _raws(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for number, index, block_hash, tx_hash, tx_index, address, topics, data in rows:
        yield {
            "blockNumber": hex(int(number)),
            "logIndex": hex(index),
            "blockHash": block_hash,
            "transactionHash": tx_hash,
            "transactionIndex": hex(tx_index),
            "address": address,
            "topics": topics,
            "data": data,
        }


# --- stopping ---------------------------------------------------------------------------------------------


def halt(chain_id: str, reason: str) -> None:
    """Stop writing, once, and raise the alarm. Nothing else is changed."""
    with transaction() as session:
        hit = session.execute(
            sa.text(
                "INSERT INTO chain_cursors AS c (chain_id, halted_reason) VALUES (:chain, :reason)"
                " ON CONFLICT (chain_id) DO UPDATE SET halted_reason = :reason WHERE c.halted_reason IS NULL"
            ),
            {"chain": chain_id, "reason": reason},
        )
        halted = getattr(hit, "rowcount", 0) == 1
        if halted:
            log_system_event(session, "indexer_halted", "indexer", "The indexer stopped.", success=False, error=reason)
    if halted:
        log.error("the indexer stops: %s", reason)
        log_security_event(
            SecurityEventType.UNUSUAL_PATTERN,
            SecuritySeverity.CRITICAL,
            "The indexer stopped",
            description=f"{reason}. {WAY_ON}" if reason.startswith(TOO_DEEP) else reason,
            data={"rule": "indexer", "indicators": [reason]},
        )


def resume(chain_id: str) -> None:
    """Let a halted indexer go on: it does so by itself when a refused node tells the truth again."""
    with transaction() as session:
        session.execute(
            sa.text("UPDATE chain_cursors SET halted_reason = NULL WHERE chain_id = :chain"), {"chain": chain_id}
        )
        log_system_event(session, "indexer_resumed", "indexer", "The indexer goes on.")
    log.info("the indexer goes on")
