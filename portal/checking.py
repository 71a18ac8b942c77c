"""`flask check`: every invariant held against the database, and against the chain at the block of the indexer.

All of it in one read-only transaction, which sees one moment, by a role that row security hides nothing from. The
chain is asked about exactly the block on which the indexer stood in that moment, by the block's hash: what comes
after it cannot disturb, and where the node has another block there (a reorg that the indexer has not undone yet) the
question is put again a little later. What could not be asked is said to be unchecked, never to hold.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from portal.chain.client import Client, connect
from portal.checks import AnyCheck, ChainCheck, Check, ReckonedCheck
from portal.config import ROOT, Settings
from portal.db import db
from portal.errors import DomainError

MOST_NAMED = 20
ROWS_AT_ONCE = 1000
ASKED_AT_ONCE = 50
ATTEMPTS = 5
PAUSE_SECONDS = 1.0

SEES_ALL = """
SELECT rolsuper OR rolbypassrls OR NOT EXISTS (
    SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relrowsecurity
    AND NOT EXISTS (
        SELECT FROM pg_policies p JOIN pg_roles g ON g.rolname = ANY (p.roles)
        WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.permissive = 'PERMISSIVE'
          AND p.cmd IN ('ALL', 'SELECT') AND p.qual = 'true' AND pg_has_role(pg_roles.oid, g.oid, 'USAGE')))
FROM pg_roles WHERE rolname = current_user
"""
"""Whether no policy hides a row from the role that asks."""
MOVING = "The node and the indexer do not agree on a block: a reorg is on its way, or the indexer stands still."
CURSOR = "SELECT head_number, head_hash FROM chain_cursors WHERE chain_id = :chain AND head_number IS NOT NULL"


class Hidden(RuntimeError):
    """The role in the database may not see every row: an answer would prove nothing."""


@dataclass(frozen=True)
class Finding:
    """A row that breaks an invariant: what is seen, and what should be."""

    table: str
    id: str
    seen: str
    should: str


@dataclass
class Result:
    """What came of one invariant: how many rows break it, the first of them, or why it was not checked."""

    check: AnyCheck
    broken: int = 0
    findings: list[Finding] = field(default_factory=list)
    unchecked: str | None = None

    @property
    def holds(self) -> bool:
        return not self.broken and self.unchecked is None

    def add(self, row: Sequence[Any]) -> None:
        self.broken += 1
        if len(self.findings) < MOST_NAMED:
            self.findings.append(Finding(self.check.table, *(str(value) for value in row)))


@dataclass(frozen=True)
class Place:
    """A node, and the block that it is asked about."""

    client: Client
    number: int
    hash: str

    @property
    def at(self) -> dict[str, str]:
        """EIP-1898: the block by its hash."""
        return {"blockHash": self.hash}


def every() -> list[AnyCheck]:
    """The invariants of all features, by name."""
    files = (ROOT / "portal").glob("*/checks.py")
    modules = [import_module(f"portal.{file.parent.name}.checks") for file in files]
    return sorted((check for module in modules for check in module.CHECKS), key=lambda check: check.name)


def run(settings: Settings, only: Collection[str] = (), *, chain: bool = True) -> list[Result]:
    """Check the named invariants (all, for none), those of the chain too unless `chain` is off; changes nothing.

    Raises LookupError for a name that there is not, Hidden for a role that may not see everything.
    """
    wanted = [check for check in every() if not only or check.name in only]
    if missing := set(only) - {check.name for check in wanted}:
        raise LookupError(f"There is no invariant {', '.join(sorted(missing))}.")
    kept = [check for check in wanted if chain or not isinstance(check, ChainCheck)]
    for attempt in range(1, ATTEMPTS + 1):
        with one_moment() as connection:
            place = where(connection, settings) if any(isinstance(check, ChainCheck) for check in kept) else None
            if place is not MOVING or attempt == ATTEMPTS:
                return [hold(connection, check, settings, place) for check in kept]
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("the last attempt returns")


@contextmanager
def one_moment() -> Iterator[sa.Connection]:
    """A connection that sees one moment of every row and writes nothing. Raises Hidden."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with db.engine.connect().execution_options(**options) as connection:
        if not connection.scalar(sa.text(SEES_ALL)):
            raise Hidden("This database role does not see every row: check with the worker's or the owner's.")
        yield connection


def where(connection: sa.Connection, settings: Settings) -> Place | str:
    """The node at the indexer's block, or why it cannot be asked there; MOVING where a little later it may be."""
    found = connection.execute(sa.text(CURSOR), {"chain": str(settings.chain_id)}).one_or_none()
    if found is None:
        return "The indexer has not begun."
    try:
        client = connect(settings)
        block = client.block(int(found.head_number))
    except DomainError as error:
        return str(error.detail)
    if block is None or block.hash.lower() != found.head_hash:
        return MOVING
    return Place(client, block.number, block.hash)


def hold(connection: sa.Connection, check: AnyCheck, settings: Settings, place: Place | str | None) -> Result:
    """Hold one invariant against what `connection` sees, and the chain at `place` (or why it cannot be asked)."""
    result = Result(check)
    for rows in _rows(connection, check, settings):
        if isinstance(check, Check):
            for row in rows:
                result.add(row)
        elif isinstance(check, ReckonedCheck):
            _reckon(check, rows, result)
        elif isinstance(place, Place):
            _compare(check, place, rows, result)
        else:
            result.unchecked = place or "The chain was not asked."
        if result.unchecked is not None:
            break
    return result


def _rows(connection: sa.Connection, check: AnyCheck, settings: Settings) -> Iterator[Sequence[Sequence[Any]]]:
    """What the query finds, streamed: a thousand at a time, or as many as a node is asked about at once."""
    size = ASKED_AT_ONCE if isinstance(check, ChainCheck) else ROWS_AT_ONCE
    statement = sa.text(check.sql).execution_options(stream_results=True, max_row_buffer=size)
    with connection.execute(statement, {"chain": str(settings.chain_id)}) as found:
        yield from found.partitions(size)


def _reckon(check: ReckonedCheck, rows: Sequence[Sequence[Any]], result: Result) -> None:
    """Those rows that say something else than what is reckoned break the invariant."""
    for row in rows:
        if (reckoned := check.reckon(row)) != str(row[1]):
            result.add((row[0], row[1], reckoned))


def _compare(check: ChainCheck, place: Place, rows: Sequence[Sequence[Any]], result: Result) -> None:
    """Ask the chain about these rows; those about which it says something else break the invariant."""
    try:
        answers = place.client.batch([check.ask(row, place.at) for row in rows])
    except DomainError as error:
        result.unchecked = str(error.detail)
        return
    for row, answer in zip(rows, answers, strict=True):
        said, told = str(row[1]), check.read(answer)
        if not (_enough(told, said) if check.least else told == said):
            result.add((row[0], said, f"at least {said}, but the chain has {told}" if check.least else told))


def _enough(told: str, said: str) -> bool:
    return told.isdecimal() and int(told) >= int(said)
