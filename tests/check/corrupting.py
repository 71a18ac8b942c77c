"""How a row is corrupted: by a superuser's SQL, whose last statement returns the ids that must be named."""

from __future__ import annotations

from dataclasses import dataclass

STRANGER = "0x" + "0" * 39 + "1"
NOBODY = "0x" + "0" * 40
NO_HASH = "0x" + "d" * 64
WEBP = "'\\x524946460000000057454250'::bytea"


@dataclass(frozen=True)
class Corruption:
    """`sql` in order; `dropped` are the constraints that refuse it otherwise."""

    sql: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    def statements(self) -> tuple[str, ...]:
        return ("SET LOCAL session_replication_role = replica", *map(_drop, self.dropped), *self.sql)


def _drop(named: str) -> str:
    table, name = named.split()
    return f"DROP INDEX {name}" if table == "index" else f"ALTER TABLE {table} DROP CONSTRAINT {name}"


def by(*sql: str, dropped: tuple[str, ...] = ()) -> Corruption:
    return Corruption(sql, dropped)


def one(table: str, where: str = "true", order: str = "id") -> str:
    return f"id = (SELECT id FROM {table} WHERE {where} ORDER BY {order} LIMIT 1)"


def changed(table: str, changes: str, where: str = "true", returning: str = "id", *dropped: str) -> Corruption:
    """One row of the table is changed."""
    return by(f"UPDATE {table} SET {changes} WHERE {one(table, where)} RETURNING {returning}", dropped=dropped)


def deleted(table: str, where: str = "true", returning: str = "id") -> Corruption:
    return by(f"DELETE FROM {table} WHERE {one(table, where)} RETURNING {returning}")


LOG = "tx_hash || ':' || log_index"
