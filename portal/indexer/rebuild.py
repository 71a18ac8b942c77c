# ruff: noqa: S608  (statements are put together from constants)
"""The projections made anew from `chain_logs`, to prove them or to repair them.

Every table that the projections write gets an empty temporary twin of the same name, which PostgreSQL finds first;
the same code then replays all logs into the twins, in one session, while pages read on. What differs between a table
and its twin is what was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.indexer import follow, queries, reorg, writing
from portal.indexer.follow import Platform
from portal.masters.models import DividendContract, MasterContract, MasterIpo
from portal.nfts.models import MarketCredit, MasterNft, NftOrder, NftOwnershipSnapshot, NftTransfer, RoyaltyCredit
from portal.revenue.models import DividendClaim, DividendEvent, WalletDividendBalance
from portal.tokens.models import ArtistToken, TokenHolder, TokenTransfer

LOGS_AT_ONCE = 20_000
STAMPS = {"created_at", "updated_at"}
UNUSED = {"token_uri", "last_dividend_claimed_at", "gas_used", "gas_price_wei", "claimant_token_id"}

MIRRORS: tuple[type[Any], ...] = (
    MasterNft,
    NftTransfer,
    NftOrder,
    MarketCredit,
    RoyaltyCredit,
    NftOwnershipSnapshot,
    TokenTransfer,
    TokenHolder,
    DividendEvent,
    WalletDividendBalance,
    DividendClaim,
)
"""Tables that hold nothing but what the chain says, referred to before referring."""

FIGURES: dict[type[Any], dict[str, str]] = {
    MasterIpo: {"minted_supply": "0"},
    MasterContract: dict.fromkeys(("first_minter_wallet", "second_minter_wallet", "third_minter_wallet"), "NULL"),
    DividendContract: dict.fromkeys(("total_revenue_deposited", "total_dividends_distributed"), "0"),
    ArtistToken: {"holders_count": "NULL"},
    Artist: {"total_sales": "0"},
}
"""Tables of people's own that carry figures from the chain, and what these are before the first log."""


def differences(session: Session, chain_id: str, platform: Platform) -> dict[str, int]:
    """Table -> rows that are not as a rebuild makes them; empty when all is true. Changes nothing."""
    with _twins(session, chain_id, platform):
        counts = {_name(m): _scalar(session, _different(m, columns), chain_id) for m, columns in _compared()}
    return {table: count for table, count in counts.items() if count}


def rebuild(session: Session, chain_id: str, platform: Platform) -> dict[str, int]:
    """Make the projections what the logs say; returns table -> rows that were changed, added or removed."""
    with _twins(session, chain_id, platform):
        removed = {_name(m): _run(session, _remove(m), chain_id) for m in reversed(MIRRORS)}
        put = {_name(m): _run(session, _put(m), chain_id) for m in MIRRORS}
        corrected = {_name(m): _run(session, _correct(m, list(start)), chain_id) for m, start in FIGURES.items()}
    counts = corrected | {table: count + removed[table] for table, count in put.items()}
    return {table: count for table, count in counts.items() if count}


@contextmanager
def _twins(session: Session, chain_id: str, platform: Platform) -> Iterator[None]:
    """Inside, every projected table is its twin, filled from the logs; dropped afterwards, or with the rollback."""
    with _unprepared(session):
        for model in (*MIRRORS, *FIGURES):
            session.execute(
                sa.text(
                    f"CREATE TEMPORARY TABLE {_name(model)} (LIKE public.{_name(model)}"
                    " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES) ON COMMIT DROP"
                )
            )
        for model, start in FIGURES.items():
            _run(session, f"INSERT INTO {_name(model)} SELECT * FROM public.{_name(model)}", chain_id)
            reset = ", ".join(f"{column} = {value}" for column, value in start.items())
            _run(session, f"UPDATE {_name(model)} SET {reset}", chain_id)
        for first, last in _windows(session, chain_id):
            _replay(session, chain_id, platform, first, last)
        yield
        for model in (*MIRRORS, *FIGURES):
            session.execute(sa.text(f"DROP TABLE pg_temp.{_name(model)}"))


@contextmanager
def _unprepared(session: Session) -> Iterator[None]:
    """A statement that was prepared before would go on to use the real tables."""
    connection: Any = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    before, connection.prepare_threshold = connection.prepare_threshold, None
    try:
        yield
    finally:
        connection.prepare_threshold = before


def _windows(session: Session, chain_id: str) -> Iterator[tuple[int, int]]:
    """Ranges of whole blocks with about LOGS_AT_ONCE logs each."""
    counts = session.execute(
        sa.text("SELECT block_number, count(*) FROM chain_logs WHERE chain_id = :chain GROUP BY 1 ORDER BY 1"),
        {"chain": chain_id},
    ).all()
    first, waiting = None, 0
    for number, count in counts:
        first = int(number) if first is None else first
        waiting += count
        if waiting >= LOGS_AT_ONCE:
            yield first, int(number)
            first, waiting = None, 0
    if first is not None:
        yield first, int(counts[-1][0])


def _replay(session: Session, chain_id: str, platform: Platform, first: int, last: int) -> None:
    known = follow.everything(session, chain_id, platform)
    entries = reorg.stored_entries(session, known, first, last)
    moments = queries.times(session, chain_id, first, last)
    writing.project(session, chain_id, entries, {number: at.isoformat() for number, at in moments.items()})


# --- comparing and merging --------------------------------------------------------------------------------


def _name(model: type[Any]) -> str:
    return str(model.__tablename__)


def _columns(model: type[Any]) -> list[str]:
    hidden = STAMPS | UNUSED
    return [column.name for column in model.__table__.columns if column.name not in hidden]


def _compared() -> Iterator[tuple[type[Any], list[str]]]:
    yield from ((model, _columns(model)) for model in MIRRORS)
    yield from ((model, ["id", *start]) for model, start in FIGURES.items())


def _of_chain(model: type[Any], alias: str) -> str:
    """Which rows of the real table the logs speak of."""
    if model not in MIRRORS:
        return "true"
    reason = f" AND {alias}.snapshot_reason = 'dividend'" if model is NftOwnershipSnapshot else ""
    return f"{alias}.chain_id = :chain{reason}"


def _listed(columns: list[str], alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _different(model: type[Any], columns: list[str]) -> str:
    return (
        f"SELECT count(*) FROM (SELECT p.* FROM public.{_name(model)} p WHERE {_of_chain(model, 'p')}) p"
        f" FULL JOIN pg_temp.{_name(model)} w ON w.id = p.id"
        f" WHERE ({_listed(columns, 'p')}) IS DISTINCT FROM ({_listed(columns, 'w')})"
    )


def _remove(model: type[Any]) -> str:
    return (
        f"DELETE FROM public.{_name(model)} p WHERE {_of_chain(model, 'p')}"
        f" AND NOT EXISTS (SELECT FROM pg_temp.{_name(model)} w WHERE w.id = p.id)"
    )


def _put(model: type[Any]) -> str:
    columns = _columns(model)
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column != "id")
    return (
        f"INSERT INTO public.{_name(model)} AS p ({', '.join(columns)})"
        f" SELECT {', '.join(columns)} FROM pg_temp.{_name(model)}"
        f" ON CONFLICT (id) DO UPDATE SET {changes}"
        f" WHERE ({_listed(columns, 'p')}) IS DISTINCT FROM ({_listed(columns, 'excluded')})"
    )


def _correct(model: type[Any], columns: list[str]) -> str:
    changes = ", ".join(f"{column} = w.{column}" for column in columns)
    return (
        f"UPDATE public.{_name(model)} p SET {changes} FROM pg_temp.{_name(model)} w"
        f" WHERE w.id = p.id AND ({_listed(columns, 'p')}) IS DISTINCT FROM ({_listed(columns, 'w')})"
    )


def _run(session: Session, statement: str, chain_id: str) -> int:
    return int(getattr(session.execute(sa.text(statement), {"chain": chain_id}), "rowcount", 0))


def _scalar(session: Session, statement: str, chain_id: str) -> int:
    return int(session.scalar(sa.text(statement), {"chain": chain_id}) or 0)
