# ruff: noqa: S608  (statements are put together from constants)
"""Whose logs are read: the contracts that the database knows, and the factory that made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain import bootstrap
from portal.chain.abi import NATIVE, event_of
from portal.chain.artifacts import CONTRACTS, contract_abi

CODE_LENGTH = 20


class Kind(StrEnum):
    SHARES = "shares"
    DIVIDENDS = "dividends"
    COIN = "coin"
    FACTORY = "factory"
    MARKET = "market"


SOURCE = {
    Kind.SHARES: "MasterShares",
    Kind.DIVIDENDS: "Dividends",
    Kind.COIN: "ArtistCoin",
    Kind.FACTORY: "Factory",
    Kind.MARKET: "Market",
}
TABLES = {
    "master_contracts": (Kind.SHARES, "contract_total_supply", "master_id"),
    "dividend_contracts": (Kind.DIVIDENDS, "NULL", "master_id"),
    "artist_tokens": (Kind.COIN, "NULL", "NULL"),
}
"""Where followed contracts are recorded, and the columns of their supply and their master."""

NEW = "coalesce(last_indexed_block, -1) < deployed_at_block AND deployed_at_block <= :head"
"""Deployed in a block that the cursor has passed, and not read: a contract is recorded without a checkpoint."""


@dataclass(frozen=True)
class Followed:
    """`kinds` by address, `supplies` of share contracts, `symbols` of currencies by address; all lower-case."""

    chain_id: str
    kinds: Mapping[str, Kind]
    supplies: Mapping[str, int]
    symbols: Mapping[str, str]

    @property
    def addresses(self) -> list[str]:
        return list(self.kinds)

    def symbol(self, currency: str) -> str:
        """The currency's code; of a token that the portal does not know, the start of its address."""
        return self.symbols.get(currency, currency[:CODE_LENGTH])


@dataclass(frozen=True)
class Newcomers:
    """Contracts that were recorded after the cursor had passed `first`, the block in which they were made."""

    first: int
    followed: Followed


@dataclass(frozen=True)
class Platform:
    """The contracts that all masters share."""

    factory: str | None
    symbols: Mapping[str, str]
    market: str | None = None

    @classmethod
    def known(cls) -> Platform:
        """As settings or database name them; before the set-up there are none."""
        found = bootstrap.known()
        if found is None:
            return cls(None, {NATIVE: "ETH"})
        return cls(found.factory, {NATIVE: "ETH", found.stablecoin: "USDC"}, found.market or None)


def known(session: Session, chain_id: str, head: int, platform: Platform) -> tuple[Followed, Newcomers | None]:
    """(contracts that are read from the cursor at `head` onwards, those that need catching up: mostly None)."""
    rows = _rows(session, chain_id, head)
    late = [row for row in rows if row.late]
    settled = _collect(chain_id, [row for row in rows if not row.late], platform)
    if not late:
        return settled, None
    return settled, Newcomers(min(int(row.deployed_at_block) for row in late), _collect(chain_id, late, platform))


def everything(session: Session, chain_id: str, platform: Platform) -> Followed:
    """All contracts that were ever recorded."""
    return _collect(chain_id, _rows(session, chain_id, 0), platform)


def first_deployment(session: Session, chain_id: str) -> int | None:
    """The lowest block in which a known contract was made."""
    made = [int(row.deployed_at_block) for row in _rows(session, chain_id, 0) if row.deployed_at_block is not None]
    return min(made, default=None)


RECORDED = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, contract_address, {supply} AS supply, deployed_at_block, coalesce({NEW}, false) AS late"
    f" FROM {table} WHERE chain_id = :chain"
    for table, (kind, supply, _) in TABLES.items()
)
IDS = " UNION ALL ".join(
    f"SELECT contract_address, id, CAST({master} AS uuid) FROM {table}"
    " WHERE chain_id = :chain AND contract_address = ANY(:addresses)"
    for table, (_, _, master) in TABLES.items()
)


def _rows(session: Session, chain_id: str, head: int) -> Sequence[sa.Row[Any]]:
    return session.execute(sa.text(RECORDED), {"chain": chain_id, "head": head}).all()


def _collect(chain_id: str, rows: Sequence[sa.Row[Any]], platform: Platform) -> Followed:
    kinds = {row.contract_address: Kind(row.kind) for row in rows}
    for address, kind in ((platform.factory, Kind.FACTORY), (platform.market, Kind.MARKET)):
        if address:
            kinds[address] = kind
    supplies = {row.contract_address: row.supply for row in rows if row.supply is not None}
    return Followed(chain_id, kinds, supplies, platform.symbols)


def ids(session: Session, chain_id: str, addresses: Iterable[str]) -> dict[str, tuple[UUID, UUID | None]]:
    """Recorded contract -> (its row's id, its master's id; a coin has no master)."""
    rows = session.execute(sa.text(IDS), {"chain": chain_id, "addresses": sorted(addresses)})
    return {address: (contract, master) for address, contract, master in rows}


def checkpoint(session: Session, chain_id: str, kinds: Mapping[str, Kind], head: int) -> None:
    """Note on these contracts themselves how far they were read."""
    for table, (kind, _, _) in TABLES.items():
        addresses = [address for address, own in kinds.items() if own is kind]
        if not addresses:
            continue
        session.execute(
            sa.text(
                f"UPDATE {table} SET last_indexed_block = :head, last_indexed_at = now()"
                " WHERE chain_id = :chain AND contract_address = ANY(:addresses)"
                " AND (last_indexed_block IS NULL OR last_indexed_block < :head)"
            ),
            {"chain": chain_id, "addresses": addresses, "head": head},
        )


CONFIRM = """
UPDATE {table} c
SET deployed_at_block = s.block_number, deployed_at = s.block_time, deployment_tx_hash = s.tx_hash, updated_at = now()
FROM staged_logs s
WHERE s.kind = 'factory' AND s.event = 'MasterCreated' AND c.chain_id = :chain AND c.contract_address = s.{column}
  AND (c.deployed_at_block, c.deployment_tx_hash) IS DISTINCT FROM (s.block_number, s.tx_hash)
"""
UNMADE = """
SELECT c.contract_address FROM master_contracts c
WHERE c.chain_id = :chain AND c.contract_address = ANY(:addresses) AND NOT EXISTS (
    SELECT FROM chain_logs l
    WHERE l.chain_id = :chain AND l.block_number = c.deployed_at_block AND l.name = 'MasterCreated'
      AND substr(l.data, 27, 40) = substr(c.contract_address, 3))
"""
"""The first word of the event's data is the address of the shares."""


def confirm(session: Session, chain_id: str) -> None:
    """What the factory says about when a recorded contract was made counts: a reorg may have moved it."""
    for table, column in (("master_contracts", "sender"), ("dividend_contracts", "receiver")):
        session.execute(sa.text(CONFIRM.format(table=table, column=column)), {"chain": chain_id})


def unmade(session: Session, chain_id: str, addresses: Iterable[str]) -> list[str]:
    """Recorded share contracts of which the factory never spoke."""
    rows = session.scalars(sa.text(UNMADE), {"chain": chain_id, "addresses": list(addresses)})
    return list(rows)


@cache
def events_of(kind: Kind) -> frozenset[tuple[str, int]]:
    """(topic 0, number of topics) of every event that a contract of this kind emits."""
    if SOURCE[kind] not in CONTRACTS:
        return frozenset()
    layouts = [event_of(item) for item in contract_abi(SOURCE[kind]) if item["type"] == "event"]
    return frozenset((layout.topic0, layout.topics) for layout in layouts)
