"""One batch, one transaction: blocks, logs, projections, what must happen, and the news of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from portal.chain.client import Block
from portal.db import transaction
from portal.indexer import effects, follow, queries, staging
from portal.indexer.enums import Finality
from portal.indexer.follow import Kind
from portal.indexer.node import Tips
from portal.indexer.queries import Cursor
from portal.indexer.reading import Bad, Entry, raw_of
from portal.nfts import live as nfts_live
from portal.nfts import projections as nfts
from portal.revenue import projections as revenue
from portal.tokens import projections as tokens

log = logging.getLogger(__name__)

PROJECTIONS = (
    ({Kind.FACTORY}, follow.confirm),
    ({Kind.SHARES, Kind.MARKET}, nfts.apply),
    ({Kind.COIN}, tokens.apply),
    ({Kind.SHARES, Kind.DIVIDENDS}, revenue.apply),
)
"""Whose logs have an effect on which feature's tables, in the order that they build on each other."""
REFUSALS = (IntegrityError, DataError)
Meanwhile = Callable[[], None]
Untrue = dict[tuple[str, int], Bad]
"""Logs that the database refuses, by their key."""


class Moved(Exception):
    """Another indexer wrote meanwhile: what was read is of no use."""


@dataclass(frozen=True)
class Batch:
    """What the node said about the blocks from `first` to `last`. `blocks`: the headers that are kept, in order,
    among them the last one and every one with a log."""

    first: int
    last: int
    blocks: Sequence[Block]
    entries: Sequence[Entry]
    bad: Sequence[Bad]


def start(chain_id: str, block: Block, tips: Tips) -> None:
    """Begin after this block, unless another indexer has begun already."""
    with transaction() as session:
        staging.put_blocks(session, chain_id, [block], Finality.FINALIZED)
        session.execute(
            sa.text(
                "INSERT INTO chain_cursors (chain_id, head_number, head_hash, safe_number, finalized_number, node_head,"
                " level_at) VALUES (:chain, :number, :hash, :number, :number, :head, clock_timestamp())"
                " ON CONFLICT (chain_id) DO UPDATE SET head_number = :number, head_hash = :hash,"
                " safe_number = :number, finalized_number = :number, node_head = :head,"
                " level_at = clock_timestamp(), halted_reason = NULL WHERE chain_cursors.head_number IS NULL"
            ),
            {"chain": chain_id, "number": block.number, "hash": block.hash, "head": tips.head.number},
        )


def nothing() -> None:
    """Nothing to do meanwhile."""


def advance(
    chain_id: str, before: Cursor, batch: Batch, tips: Tips, *, live: bool, meanwhile: Meanwhile = nothing
) -> Cursor:
    """Write the blocks after the cursor and move it. Raises Moved when the cursor is no longer at `before`.

    `meanwhile` starts what may go on beside the database's work; what came in is handed over by then, which two
    threads of one Python would only do in turns.
    """
    with transaction() as session:
        held(session, chain_id, before)
        after = _moved(before, batch, tips)
        store(session, chain_id, batch, Finality.HEAD if live else Finality.FINALIZED, meanwhile)
        _move(session, chain_id, after, tips)
        follow.checkpoint(session, chain_id, {entry.address: entry.kind for entry in batch.entries}, batch.last)
        _mark_final(session, chain_id, before, after)
        effects.settle(session, chain_id, before.finalized, after.finalized)
        if live and batch.entries:
            announce(session, chain_id, after.revision)
    return after


def held(session: Session, chain_id: str, expected: Cursor) -> None:
    """Take the lease for this transaction; whoever comes second waits here. Raises Moved."""
    if queries.cursor(session, chain_id, lock=True) != expected:
        raise Moved


def store(
    session: Session, chain_id: str, batch: Batch, finality: Finality, meanwhile: Meanwhile = nothing
) -> None:
    """Blocks, logs and projections; a log that cannot be true is quarantined and the others are taken."""
    staging.put_blocks(session, chain_id, batch.blocks, finality)
    times = {block.number: staging.instant(block.timestamp) for block in batch.blocks}
    staging.stage(session, chain_id, batch.entries, times)
    meanwhile()
    untrue = _project(session, chain_id, batch.entries, times)
    staging.put_logs(session, [entry for entry in batch.entries if entry.key not in untrue])
    bad = [*batch.bad, *untrue.values()]
    for one in bad:
        log.warning("a log is quarantined: %s", one.reason)
    staging.quarantine(session, chain_id, bad)


def project(session: Session, chain_id: str, entries: Sequence[Entry], times: staging.Times) -> None:
    """The effect of these logs on every feature's tables. Raises IntegrityError for what cannot be true."""
    staging.stage(session, chain_id, entries, times)
    _apply(session, chain_id, entries)


def _apply(session: Session, chain_id: str, staged: Sequence[Entry]) -> None:
    kinds = {entry.kind for entry in staged}
    for of, apply in PROJECTIONS:
        if kinds & of:
            apply(session, chain_id)


def _project(session: Session, chain_id: str, entries: Sequence[Entry], times: staging.Times) -> Untrue:
    """As `project`, of staged logs, without those that cannot be true, which are returned."""
    try:
        with session.begin_nested():
            _apply(session, chain_id, entries)
        return {}
    except REFUSALS:
        trial = session.begin_nested()
        untrue = _untrue(session, chain_id, entries, times)
        trial.rollback()
    project(session, chain_id, [entry for entry in entries if entry.key not in untrue], times)
    return untrue


def _untrue(session: Session, chain_id: str, entries: Sequence[Entry], times: staging.Times) -> Untrue:
    """Find the impossible logs by halving, each half on top of what came before it."""
    try:
        with session.begin_nested():
            project(session, chain_id, entries, times)
        return {}
    except REFUSALS as error:
        if len(entries) == 1:
            return {entries[0].key: Bad(raw_of(entries[0]), f"cannot be true: {_broken(error)}")}
    middle = len(entries) // 2
    first = _untrue(session, chain_id, entries[:middle], times)
    return first | _untrue(session, chain_id, entries[middle:], times)


def _broken(error: IntegrityError | DataError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "message_primary", "refused"))


def announce(session: Session, chain_id: str, revision: int) -> None:
    """Tell open pages what `staged_logs` changed, in absolute values of now."""
    nfts_live.announce(session, chain_id, revision)
    revenue.announce(session, chain_id, revision)


def _moved(before: Cursor, batch: Batch, tips: Tips) -> Cursor:
    finalized = max(before.finalized, min(tips.finalized, batch.last))
    safe = max(finalized, min(tips.safe, batch.last))
    return Cursor(batch.last, batch.blocks[-1].hash, safe, finalized, before.revision + 1, before.halted)


def _move(session: Session, chain_id: str, to: Cursor, tips: Tips) -> None:
    session.execute(
        sa.text(
            "UPDATE chain_cursors SET head_number = :number, head_hash = :hash, safe_number = :safe,"
            " finalized_number = :finalized, revision = :revision, node_head = :head, updated_at = clock_timestamp(),"
            " level_at = CASE WHEN :number >= :head THEN clock_timestamp() ELSE level_at END WHERE chain_id = :chain"
        ),
        {
            "chain": chain_id,
            "number": to.number,
            "hash": to.hash,
            "safe": to.safe,
            "finalized": to.finalized,
            "revision": to.revision,
            "head": tips.head.number,
        },
    )


def _mark_final(session: Session, chain_id: str, before: Cursor, after: Cursor) -> None:
    """Blocks on their way to final; of the final ones only those with a log are kept, and the newest."""
    values = {"chain": chain_id, "old": before.finalized, "final": after.finalized, "safe": after.safe}
    if (before.safe, before.finalized) == (after.safe, after.finalized):
        return
    session.execute(
        sa.text(
            "UPDATE chain_blocks SET finality = CASE WHEN number <= :final THEN 'finalized' ELSE 'safe' END"
            " WHERE chain_id = :chain AND number BETWEEN :old AND :safe AND finality <> 'finalized'"
        ),
        values,
    )
    session.execute(
        sa.text(
            "DELETE FROM chain_blocks b WHERE b.chain_id = :chain AND b.number >= :old AND b.number < :final"
            " AND NOT EXISTS (SELECT FROM chain_logs l WHERE l.chain_id = :chain AND l.block_number = b.number)"
        ),
        values,
    )


def keep_alive(chain_id: str, at: Cursor, tips: Tips) -> None:
    """Nothing new: note that the node was reached, and what became final meanwhile."""
    with transaction() as session:
        held(session, chain_id, at)
        finalized = max(at.finalized, min(tips.finalized, at.number))
        safe = max(finalized, min(tips.safe, at.number))
        after = Cursor(at.number, at.hash, safe, finalized, at.revision, at.halted)
        _move(session, chain_id, after, tips)
        _mark_final(session, chain_id, at, after)
        effects.settle(session, chain_id, at.finalized, after.finalized)
