"""Promise 75, watched in every test: a command that changes business rows writes its audit row before it commits.

Each statement's tables are noted per thread; when a `db.transaction()` commits, what it changed must be accompanied
by an INSERT into `audit_logs`. Whatever is neither listed here as something else's record nor recorded fails the
command, and with it the test that called it.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?\"?([a-z][a-z0-9_]+)\"?")

NO_BUSINESS = {
    "records themselves": "audit_leaves audit_seals security_events system_events",
    "work and retries": "outbox periodic idempotency_keys rate_limits data_exports",
    "what a browser holds": "user_sessions magic_link_tokens identity_proofs oauth_attempts siwe_nonces",
    "mirrors of the chain, whose record is the chain": (
        "chain_blocks chain_logs chain_cursors chain_transactions quarantined_logs master_nfts nft_transfers"
        " nft_ownership_snapshots token_holders token_transfers liquidity_pools pool_positions pool_events"
        " dividend_events wallet_dividend_balances dividend_claims nft_orders market_credits"
        " royalty_credits staged"
    ),
    "double entry, append-only like the log": "ledger_accounts ledger_entries",
    "votes and talk, which are rows of their own": (
        "vstudio_votes vstudio_participants vstudio_engagement_events vstudio_chat_messages vstudio_vote_log"
    ),
    "permits and consents, which are rows of their own": "mint_permits policy_consents",
    "follows, which are rows of their own": "artist_follows",
}
EXEMPT_TABLES = {table for listed in NO_BUSINESS.values() for table in listed.split()}
EXEMPT_COMMANDS = {
    "portal.vstudio.service.cast_vote": "the four writes of the specification's vote, without an audit row",
    "portal.indexer": "writes what the chain says; the log of it is chain_logs",
}

_seen = threading.local()


def _tables() -> set[str]:
    if not hasattr(_seen, "tables"):
        _seen.tables = set()
    found: set[str] = _seen.tables
    return found


def _note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
    if cursor.rowcount != 0 or statement.lstrip().startswith("WITH"):
        _tables().update(WRITES.findall(statement))


def _forget(*_args: Any) -> None:
    _tables().clear()


def _command() -> str:
    """Module and function that opened the transaction."""
    frame = sys._getframe(1)
    while frame:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("portal.") and name != "portal.db":
            return f"{name}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "?"


def _check(session: Session) -> None:
    if not session.info.get("in_command") or session.in_nested_transaction():
        return
    tables = _tables() - EXEMPT_TABLES
    command = _command()
    if tables and "audit_logs" not in tables and not any(command.startswith(name) for name in EXEMPT_COMMANDS):
        raise AssertionError(f"{command} changes {', '.join(sorted(tables))} without an audit row")


@pytest.fixture(scope="session", autouse=True)
def every_change_is_recorded() -> Iterator[None]:
    """Watch every engine and session of this test run."""
    listeners = (
        (Engine, "after_cursor_execute", _note),
        (Session, "before_commit", _check),
        (Session, "after_rollback", _forget),
        (Session, "after_commit", _forget),
    )
    for target, event, function in listeners:
        sa.event.listen(target, event, function)
    yield
    for target, event, function in listeners:
        sa.event.remove(target, event, function)
