"""The batch on its way into the tables: blocks, raw logs, and decoded logs in a temporary table.

`staged_logs` lives as long as the connection and is empty between transactions. Features read it by name; its
columns are their contract with the indexer:

    block_number, block_time, tx_hash, log_index, address   where it stands
    contract_id, master_id                                  the rows of the contract (master_contracts,
                            dividend_contracts or artist_tokens) and of its master, where it has any
    kind, event                                             shares|dividends|coin|factory|market, the ABI's name
    sender, receiver        Transfer, Listed, Cancelled, Offered (who placed it), Sold (seller, buyer)    addresses
    wallet                  Minted, Credited, DividendClaimed, Royalty…, Held, Withdrawn
    token_id, count         Transfer, Minted (first id and how many), Listed, Cancelled, Offered, Sold
    amount                  smallest units: price, deposit, distribution in all, credit, claim, coins, royalty
    currency                its code
    ref                     bytes32 of a deposit, key of a master, collection of an order or sale
    per_share, unminted, carry, royalty                     smallest units
    figures                 whole numbers: Listed (fee bps, moves, deadline), Offered (id, fee bps, deadline),
                            OfferCancelled, Accepted (id), Sold (parts of artist and first three minters, fee,
                            what the seller gets), RoyaltyCredited (artist and first three minters)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.client import Block
from portal.chain.ids import derived_id
from portal.indexer import follow
from portal.indexer.enums import Finality
from portal.indexer.reading import NULL, Bad, Entry, place_of

CREATE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_logs (
    block_number numeric(20, 0), tx_hash text, log_index int, address text, kind text, event text, sender text,
    receiver text, wallet text, token_id numeric, count numeric, amount numeric, currency text, ref text,
    per_share numeric, unminted numeric, carry numeric, royalty numeric, figures numeric[],
    block_time timestamptz, contract_id uuid, master_id uuid
) ON COMMIT DELETE ROWS
"""
CREATE_INDEX = """
CREATE INDEX IF NOT EXISTS ix_staged_logs ON staged_logs (event)
WHERE event <> 'Transfer' AND event <> 'DividendClaimed'
"""
"""Rare events among many are found without reading all of them, whatever the planner believes."""
STAGED: LiteralString = "COPY staged_logs FROM STDIN"
LOGS: LiteralString = (
    "COPY chain_logs (chain_id, block_hash, log_index, block_number, tx_hash, tx_index, address, topics, data, name)"
    " FROM STDIN"
)
BLOCKS = """
INSERT INTO chain_blocks (chain_id, number, hash, parent_hash, timestamp, finality)
SELECT :chain, number, hash, parent, to_timestamp(time), :finality
FROM unnest(CAST(:numbers AS numeric[]), CAST(:hashes AS text[]), CAST(:parents AS text[]), CAST(:times AS bigint[]))
  AS b (number, hash, parent, time)
ON CONFLICT (chain_id, number) DO NOTHING
"""
QUARANTINE = """
INSERT INTO quarantined_logs (id, chain_id, block_hash, log_index, tx_hash, address, raw, reason)
VALUES (:id, :chain, :block_hash, :log_index, :tx_hash, :address, CAST(:raw AS jsonb), :reason)
ON CONFLICT (chain_id, block_hash, log_index) DO NOTHING
"""
CHUNK = 5_000
MANY = 500
LOOK = ("SET LOCAL default_statistics_target = 10", "SET LOCAL work_mem = '32MB'", "ANALYZE staged_logs")
"""From MANY logs on PostgreSQL plans better when it has looked at what lies in the table: at 3,000 rows of it."""
Times = Mapping[int, str]


def put_blocks(session: Session, chain_id: str, blocks: Sequence[Block], finality: Finality) -> None:
    """Headers that are new; one that is there already stays."""
    session.execute(
        sa.text(BLOCKS),
        {
            "chain": chain_id,
            "finality": finality.value,
            "numbers": [block.number for block in blocks],
            "hashes": [block.hash for block in blocks],
            "parents": [block.parent_hash for block in blocks],
            "times": [block.timestamp for block in blocks],
        },
    )


def put_logs(session: Session, entries: Sequence[Entry]) -> None:
    """Raw logs, none of which is there yet."""
    _copy(session, LOGS, [entry.stored for entry in entries])


def stage(session: Session, chain_id: str, entries: Sequence[Entry], times: Times) -> None:
    """Let `staged_logs` hold exactly these. `times`: block number -> the text of `instant`."""
    session.execute(sa.text(CREATE))
    session.execute(sa.text(CREATE_INDEX))
    session.execute(sa.text("DELETE FROM staged_logs"))
    owners = _owners(session, chain_id, {entry.address for entry in entries})
    _copy(session, STAGED, [f"{e.staged}\t{times[e.block_number]}\t{owners[e.address]}\n" for e in entries])
    if len(entries) > MANY:
        for statement in LOOK:
            session.execute(sa.text(statement))


def quarantine(session: Session, chain_id: str, bad: Sequence[Bad]) -> None:
    """Keep what could not be taken, with the reason."""
    for one in bad:
        block_hash, index, tx_hash, address = place_of(one)
        raw = one.raw if isinstance(one.raw, dict) else {"log": one.raw}
        session.execute(
            sa.text(QUARANTINE),
            {
                "id": derived_id("quarantine", chain_id, block_hash, index),
                "chain": chain_id,
                "block_hash": block_hash,
                "log_index": index,
                "tx_hash": tx_hash,
                "address": address,
                "raw": orjson.dumps(raw, option=orjson.OPT_NON_STR_KEYS).decode().replace("\\u0000", ""),
                "reason": one.reason[:2000].replace("\0", ""),
            },
        )


def instant(timestamp: int) -> str:
    """A block's time as PostgreSQL reads it."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).isoformat()


def _owners(session: Session, chain_id: str, addresses: set[str]) -> dict[str, str]:
    """Address -> its contract_id and master_id as COPY takes them."""
    known = follow.ids(session, chain_id, addresses)
    found = {address: known.get(address, (None, None)) for address in addresses}
    return {address: "\t".join(str(each or NULL) for each in pair) for address, pair in found.items()}


def _copy(session: Session, statement: LiteralString, lines: Sequence[str]) -> None:
    connection: Any = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for first in range(0, len(lines), CHUNK):
            copy.write("".join(lines[first : first + CHUNK]))
