"""Invariants: sentences that are true of the portal at any moment, each with the query for the rows where one is not.

A feature names its own in `<feature>/checks.py`, in a list `CHECKS`; `portal.checking` carries them out. A query must
find nothing at any moment between two commits: what another process catches up with (the relay, the indexer, the
sender) counts as broken only once it is an hour late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Request = tuple[str, list[Any]]
"""JSON-RPC method and parameters."""

LATE = "interval '1 hour'"


@dataclass(frozen=True)
class Check:
    """An invariant of the database alone.

    `name` is subject.claim, `sentence` what is true. `sql` selects (id, what is seen, what should be) of every row of
    `table` that breaks it; `:chain` is the chain's id.
    """

    name: str
    table: str
    sentence: str
    sql: str


@dataclass(frozen=True)
class ChainCheck:
    """An invariant between database and chain: `sql` selects (id, what the database says, *what to ask about).

    `ask` turns a row into a request at the block where the indexer stands (an EIP-1898 block parameter); `read` the
    answer into the text that is compared; an answer may be the exception of a contract that refused. Where `least` is
    set the answer must be that number or more.
    """

    name: str
    table: str
    sentence: str
    sql: str
    ask: Callable[[Sequence[Any], dict[str, str]], Request]
    read: Callable[[Any], str]
    least: bool = False


@dataclass(frozen=True)
class ReckonedCheck:
    """An invariant that SQL cannot tell: `sql` selects (id, what is said, *what `reckon` makes into the same text)."""

    name: str
    table: str
    sentence: str
    sql: str
    reckon: Callable[[Sequence[Any]], str]


AnyCheck = Check | ReckonedCheck | ChainCheck
