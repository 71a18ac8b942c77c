"""Logs of blocks that the cursor has passed: contracts recorded late, and holes that a backfill finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import transaction
from portal.indexer import effects, follow, rebuild, staging, writing
from portal.indexer.enums import Finality
from portal.indexer.follow import Followed, Platform
from portal.indexer.queries import Cursor
from portal.indexer.reading import Bad, Entry, raw_of
from portal.indexer.writing import Batch


def supplement(chain_id: str, at: Cursor, batch: Batch, platform: Platform) -> int:
    """Write logs of blocks that the cursor has passed; those that are there already change nothing.

    Returns how many were missing. Where one comes too late to be projected in its order, all is projected anew; one
    that cannot be true is quarantined.
    """
    with transaction() as session:
        writing.held(session, chain_id, at)
        known = _known(session, chain_id, batch)
        fresh = [entry for entry in batch.entries if entry.key not in known]
        kept = {entry.block_number for entry in fresh}
        blocks = [block for block in batch.blocks if block.number in kept]
        untrue: list[Entry] = []
        if fresh and _late(session, chain_id, fresh, platform.market):
            staging.put_blocks(session, chain_id, blocks, Finality.FINALIZED)
            untrue = _rebuilt(session, chain_id, fresh, platform)
            lies = [Bad(raw_of(entry), "cannot be true: it came late") for entry in untrue]
            staging.quarantine(session, chain_id, [*batch.bad, *lies])
        else:
            fitting = replace(batch, blocks=blocks, entries=fresh)
            writing.store(session, chain_id, fitting, Finality.FINALIZED)
        effects.settle(session, chain_id, batch.first - 1, min(at.finalized, batch.last))
    return len(fresh) - len(untrue)


def _rebuilt(session: Session, chain_id: str, fresh: Sequence[Entry], platform: Platform) -> list[Entry]:
    """Add late logs and project all anew; returns those that cannot be true, found by halving, which are left out."""
    try:
        with session.begin_nested():
            staging.put_logs(session, fresh)
            rebuild.rebuild(session, chain_id, platform)
        return []
    except writing.REFUSALS:
        if len(fresh) == 1:
            return list(fresh)
    middle = len(fresh) // 2
    first = _rebuilt(session, chain_id, fresh[:middle], platform)
    return first + _rebuilt(session, chain_id, fresh[middle:], platform)


def finish(chain_id: str, at: Cursor, followed: Followed) -> None:
    """All blocks up to the cursor were read for these contracts: only now they count as followed."""
    with transaction() as session:
        writing.held(session, chain_id, at)
        follow.checkpoint(session, chain_id, followed.kinds, at.number)


def _known(session: Session, chain_id: str, batch: Batch) -> set[tuple[str, int]]:
    rows = session.execute(
        sa.text(
            "SELECT block_hash, log_index FROM chain_logs"
            " WHERE chain_id = :chain AND block_number BETWEEN :first AND :last"
        ),
        {"chain": chain_id, "first": batch.first, "last": batch.last},
    )
    return {(block_hash, index) for block_hash, index in rows}


LATER = """
SELECT EXISTS (
    WITH given AS (SELECT unnest(CAST(:addresses AS text[])) AS address), related AS (
        SELECT address, '0x' || lpad(substr(address, 3), 64, '0') AS topic FROM given
        UNION
        SELECT d.contract_address, '' FROM given g
        JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = g.address
        JOIN dividend_contracts d ON d.chain_id = :chain AND d.master_id = c.master_id
    )
    SELECT FROM chain_logs l JOIN related r
      ON r.address = l.address OR (l.address = :market AND r.topic IN (l.topics[2], l.topics[3]))
    WHERE l.chain_id = :chain AND (l.block_number, l.log_index) > (:block, :index))
"""
"""Orders of the market belong to the shares that they name in an indexed argument."""


def _late(session: Session, chain_id: str, fresh: Sequence[Entry], market: str | None) -> bool:
    """Whether a later log of the same master or coin is written already."""
    first = fresh[0]
    addresses = {entry.address for entry in fresh if entry.kind is not follow.Kind.FACTORY}
    traded = {f"0x{topic[26:]}" for entry in fresh if entry.kind is follow.Kind.MARKET for topic in entry.topics[1:]}
    values = {"chain": chain_id, "addresses": sorted(addresses | traded), "market": market or ""}
    return bool(
        session.scalar(
            sa.text(LATER),
            values | {"block": first.block_number, "index": first.log_index},
        )
    )
