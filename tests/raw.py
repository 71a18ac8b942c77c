"""Raw SQL against the schema itself, past every Python check: what the database refuses on its own.

`raw.add(table, **changes)` inserts a valid row with its parents; `raw.refuses(table, constraint, **changes)`
expects that constraint to say no. All in a transaction that is never committed, as the owner of the tables.
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from portal.embedded.postgres import Postgres

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=30)
WALLET = "0x" + "ab" * 20
CHECKSUMMED = "0x" + "Ab" * 20
_number = itertools.count(1)
Row = dict[str, Any]


def _address() -> str:
    return f"0x{next(_number):040x}"


def _hash() -> str:
    return f"0x{next(_number):064x}"


def _on_chain(raw: Raw) -> Row:
    return {
        "chain_id": "31337",
        "tx_hash": _hash(),
        "log_index": 0,
        "block_number": 1,
        "block_timestamp": NOW,
    }


VALID: dict[str, Callable[[Raw], Row]] = {
    "users": lambda raw: {"email": f"u{next(_number)}@example.org", "display_name": "Someone"},
    "accounts": lambda raw: {
        "user_id": raw.add("users"),
        "provider": "magic_link",
        "provider_account_id": f"u{next(_number)}@example.org",
    },
    "permission_grants": lambda raw: {"user_id": raw.add("users"), "permission": "finance:read"},
    "user_wallets": lambda raw: {
        "user_id": raw.add("users"),
        "wallet_address": _address(),
        "chain_id": "31337",
    },
    "artists": lambda raw: {
        "user_id": raw.add("users"),
        "artist_name": "Artist",
        "slug": f"artist-{next(_number)}",
    },
    "artist_follows": lambda raw: {"artist_id": raw.add("artists"), "follower_id": raw.add("users")},
    "masters": lambda raw: {
        "artist_id": raw.add("artists"),
        "title": "Song",
        "short_id": f"s{next(_number)}",
    },
    "master_collaborators": lambda raw: {
        "master_id": raw.add("masters"),
        "collaborator_name": "Mixer",
        "role": "Mixer",
    },
    "master_ipos": lambda raw: {"master_id": raw.add("masters"), "total_supply": 1000},
    "master_contracts": lambda raw: {
        "master_id": raw.add("masters"),
        "chain_id": "31337",
        "contract_address": _address(),
    },
    "dividend_contracts": lambda raw: {
        "master_id": raw.add("masters"),
        "distribution_model": "per_master",
        "chain_id": "31337",
        "contract_address": _address(),
    },
    "master_nfts": lambda raw: {
        "master_id": raw.add("masters"),
        "master_contract_id": raw.add("master_contracts"),
        "token_id": 1,
        "chain_id": "31337",
        "contract_address": _address(),
        "current_owner_wallet": WALLET,
        "original_minter_wallet": WALLET,
    },
    "nft_ownership_snapshots": lambda raw: {
        "master_id": raw.add("masters"),
        "token_id": 1,
        "chain_id": "31337",
        "contract_address": WALLET,
        "owner_wallet": WALLET,
        "snapshot_timestamp": NOW,
    },
    "artist_tokens": lambda raw: {
        "artist_id": raw.add("artists"),
        "chain_id": "31337",
        "contract_address": _address(),
        "name": "Coin",
        "symbol": "COIN",
        "total_supply": 10**24,
    },
    "token_holders": lambda raw: {
        "artist_token_id": raw.add("artist_tokens"),
        "wallet_address": WALLET,
        "chain_id": "31337",
    },
    "token_transfers": lambda raw: (
        _on_chain(raw)
        | {
            "artist_token_id": raw.add("artist_tokens"),
            "contract_address": WALLET,
            "from_wallet": WALLET,
            "to_wallet": WALLET,
            "amount": 1,
        }
    ),
    "revenue_events": lambda raw: {
        "master_id": raw.add("masters"),
        "source_type": "distributor",
        "amount": 100,
        "currency": "USDC",
    },
    "dividend_events": lambda raw: (
        _on_chain(raw)
        | {
            "dividend_contract_id": raw.add("dividend_contracts"),
            "event_type": "deposit",
            "contract_address": WALLET,
            "total_amount": 1,
            "currency": "USDC",
        }
    ),
    "wallet_dividend_balances": lambda raw: {
        "wallet_address": WALLET,
        "master_id": raw.add("masters"),
        "dividend_contract_id": raw.add("dividend_contracts"),
        "chain_id": "31337",
        "currency": "USDC",
    },
    "ledger_accounts": lambda raw: {"key": f"cash:{next(_number)}", "kind": "cash", "currency": "USDC"},
    "ledger_entries": lambda raw: {
        "posting_id": uuid.uuid4(),
        "account_id": raw.add("ledger_accounts"),
        "amount": 0,
        "currency": "USDC",
    },
    "subscription_plans": lambda raw: {
        "name": "Plan",
        "slug": f"p{next(_number)}",
        "price_usd": 1,
        "interval": "monthly",
    },
    "subscriptions": lambda raw: {
        "user_id": raw.add("users"),
        "plan_id": raw.add("subscription_plans"),
        "current_period_start": NOW,
        "current_period_end": LATER,
    },
    "invoices": lambda raw: {"user_id": raw.add("users"), "amount_due": 15},
    "webhooks_log": lambda raw: {"provider_name": "stripe", "event_type": "invoice.paid"},
    "vstudio_sessions": lambda raw: {
        "master_id": raw.add("masters"),
        "artist_id": raw.add("artists"),
        "title": "Room",
    },
    "vstudio_decision_points": lambda raw: {
        "vstudio_session_id": raw.add("vstudio_sessions"),
        "type": "poll",
        "label": "Which cover?",
        "options": Jsonb([{"id": "a"}, {"id": "b"}]),
    },
    "vstudio_votes": lambda raw: {
        "decision_point_id": raw.add("vstudio_decision_points"),
        "vstudio_session_id": raw.add("vstudio_sessions"),
        "user_id": raw.add("users"),
    },
    "vstudio_chat_messages": lambda raw: {
        "vstudio_session_id": raw.add("vstudio_sessions"),
        "message": "Hello",
    },
    "chain_transactions": lambda raw: {
        "chain_id": "31337",
        "sender": WALLET,
        "nonce": next(_number),
        "purpose": f"deploy:{next(_number)}",
        "data": "0x",
        "gas": 21000,
        "max_fee_per_gas": 1,
        "max_priority_fee_per_gas": 1,
        "raw": "0x",
        "tx_hash": _hash(),
    },
    "chain_cursors": lambda raw: {"chain_id": "31337"},
    "chain_logs": lambda raw: {
        "chain_id": "31337",
        "block_hash": _hash(),
        "log_index": 0,
        "block_number": 1,
        "tx_hash": _hash(),
        "tx_index": 0,
        "address": WALLET,
        "topics": [_hash()],
        "data": "0x",
    },
    "audit_logs": lambda raw: {"actor_type": "user", "action_category": "ipo", "action": "launch_ipo"},
    "audit_seals": lambda raw: {
        "number": 1,
        "range_start": NOW,
        "range_end": LATER,
        "merkle_root": "0" * 64,
        "seal_hash": "0" * 64,
        "key_id": "k1",
        "signature": "s",
    },
}
ID_BY_DATABASE = {"audit_logs", "audit_seals", "ledger_entries"}
NO_ID = {"chain_logs", "chain_cursors"}


class Raw:
    """One connection of the owner, inside a transaction that is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def add(self, table: str, **changes: Any) -> uuid.UUID:
        """Insert a valid row with `changes`; its parents are made where a change does not name them."""
        own_id = {} if table in ID_BY_DATABASE | NO_ID else {"id": uuid.uuid4()}
        values = own_id | VALID[table](self) | changes
        returning = "NULL" if table in NO_ID else "id"
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING " + returning).format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        row = self.connection.execute(statement, list(values.values())).fetchone()
        assert row is not None
        made: uuid.UUID = row[0]
        return made

    def refuses(self, table: str, constraint: str, **changes: Any) -> None:
        """The row is refused by this constraint, and by no other."""
        with pytest.raises(psycopg.IntegrityError) as refusal, self.connection.transaction():
            self.add(table, **changes)
        assert refusal.value.diag.constraint_name == constraint

    def run(self, statement: str) -> None:
        self.connection.execute(statement)


@pytest.fixture(scope="session")
def raw_database(postgres: Postgres, clone: Callable[[], str]) -> str:
    return postgres.url("audifi_owner", clone()).replace("+psycopg", "")


@pytest.fixture
def raw(raw_database: str) -> Iterator[Raw]:
    with psycopg.connect(raw_database) as connection:
        yield Raw(connection)
        connection.rollback()
