"""The way on after the chain changed below its final block: an operator's act, held against the node first.

What the node no longer has is taken back, every projection is made anew from the logs that stay, and the indexer
reads the node's chain from the fork on by itself.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, log_system_event, record
from portal.chain import following
from portal.config import Settings
from portal.db import transaction
from portal.errors import Conflict
from portal.indexer import node, queries, rebuild, reorg, writing
from portal.indexer.follow import Platform
from portal.indexer.node import Node, Tips
from portal.indexer.queries import Cursor

log = logging.getLogger(__name__)

LIFT = """
UPDATE chain_cursors
SET head_number = :fork, head_hash = :hash, safe_number = least(safe_number, :fork),
    finalized_number = least(finalized_number, :fork), revision = :revision, node_head = :head, halted_reason = NULL,
    updated_at = clock_timestamp()
WHERE chain_id = :chain
"""


@dataclass(frozen=True)
class Fork:
    """Where the tables and the node part: `at` is the highest block that both have, `logs` how many lie above it."""

    cursor: Cursor
    tips: Tips
    at: int
    hash: str
    logs: int

    @property
    def deep(self) -> bool:
        """Whether the node really lacks what was final here; else it has come back to this chain."""
        return self.at < self.cursor.finalized

    @property
    def stays(self) -> tuple[int, str]:
        """The block on which the tables stand afterwards."""
        return (self.at, self.hash) if self.deep else (self.cursor.number, self.cursor.hash)

    def __str__(self) -> str:
        if not self.deep:
            return f"The node has block {self.cursor.finalized}, the last final one, as the tables do."
        lost = f"blocks {self.at + 1} to {self.cursor.number} with {self.logs} logs are no longer the chain's"
        return f"The node shares block {self.at}; {lost}, although those up to {self.cursor.finalized} were final."


@dataclass(frozen=True)
class Resumed:
    """What was taken back: `corrected` is table -> rows, `followed` how many of our transactions wait anew."""

    fork: Fork
    corrected: dict[str, int]
    followed: int


def look(settings: Settings) -> Fork:
    """Find the fork; changes nothing.

    Raises Conflict where the indexer was not stopped by a deep reorg, where the node is behind, or where it shares no
    block with the tables; Lie for another chain's node, and Unavailable where it does not answer.
    """
    chain_id = str(settings.chain_id)
    with transaction() as session:
        cursor = _halted(session, chain_id)
        stored = queries.hashes(session, chain_id, 0, cursor.number)
    asked = node.connect(settings)
    tips = asked.tips()
    if tips.head.number < cursor.finalized:
        behind = f"The node stands at block {tips.head.number}, but block {cursor.finalized} was final here."
        raise Conflict(f"{behind} Wait until it has caught up, or name another node.")
    at = _shared(asked, stored, tips)
    with transaction() as session:
        count = "SELECT count(*) FROM chain_logs WHERE chain_id = :chain AND block_number > :fork"
        logs = session.scalar(sa.text(count), {"chain": chain_id, "fork": at})
    return Fork(cursor, tips, at, stored[at], int(logs or 0))


def resume(settings: Settings) -> Resumed:
    """Take back what the node's chain no longer has and let the indexer go on, in one transaction with its audit row.

    Raises what `look` raises, and Conflict where somebody else has resumed it meanwhile.
    """
    chain_id, fork, platform = str(settings.chain_id), look(settings), Platform.known()
    try:
        with transaction() as session:
            writing.held(session, chain_id, fork.cursor)
            done = _take_back(session, chain_id, fork, platform) if fork.deep else Resumed(fork, {}, 0)
            _lift(session, chain_id, fork)
            _record(session, chain_id, fork)
    except writing.Moved:
        raise Conflict("The indexer was resumed meanwhile.") from None
    log.warning("the indexer is resumed: %s", fork)
    log_security_event(
        SecurityEventType.ADMIN_ACTION,
        SecuritySeverity.HIGH,
        "The indexer was resumed by an operator",
        description=str(fork),
        data={"rule": "indexer", "indicators": [str(fork.cursor.halted)]},
    )
    return done


def _halted(session: Session, chain_id: str) -> Cursor:
    cursor = queries.cursor(session, chain_id)
    if cursor is None or cursor.halted is None:
        raise Conflict("The indexer is not stopped: there is nothing to resume.")
    if not cursor.halted.startswith(reorg.TOO_DEEP):
        raise Conflict(f"The indexer goes on by itself once its node can be believed again. {cursor.halted}.")
    return cursor


def _shared(asked: Node, stored: dict[int, str], tips: Tips) -> int:
    """The highest block that node and tables share: where one is shared, all below it are."""

    def foreign(number: int) -> bool:
        found = asked.block(number)
        return found is None or found.hash.lower() != stored[number]

    numbers = sorted(number for number in stored if number <= tips.head.number)
    count = bisect_left(numbers, True, key=foreign)
    if count == 0:
        raise Conflict("The node shares no block with the tables: it follows another chain, not a fork of this one.")
    return numbers[count - 1]


def _take_back(session: Session, chain_id: str, fork: Fork, platform: Platform) -> Resumed:
    for statement in reorg.FORGET:
        session.execute(sa.text(statement), {"chain": chain_id, "fork": fork.at})
    followed = following.doubt(session, chain_id, fork.at)
    return Resumed(fork, rebuild.rebuild(session, chain_id, platform), followed)


def _lift(session: Session, chain_id: str, fork: Fork) -> None:
    number, block_hash = fork.stays
    moved = {"revision": fork.cursor.revision + 1, "head": fork.tips.head.number}
    session.execute(sa.text(LIFT), {"chain": chain_id, "fork": number, "hash": block_hash, **moved})


def _record(session: Session, chain_id: str, fork: Fork) -> None:
    at, _ = fork.stays
    log_system_event(session, "indexer_resumed", "indexer", str(fork), records=fork.logs if fork.deep else 0)
    record(
        session,
        "resume_indexer",
        AuditActionCategory.SYSTEM,
        before={"block": fork.cursor.number, "final": fork.cursor.finalized, "halted": fork.cursor.halted},
        after={"block": at, "final": min(fork.cursor.finalized, at), "halted": None},
        description=f"Chain {chain_id}. {fork}",
    )
