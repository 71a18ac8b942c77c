"""What a database looks like, in PostgreSQL's own words, so that two can be compared."""

from __future__ import annotations

from typing import Any

import psycopg

COLUMNS = """
SELECT table_name, column_name, format('%s %s default %s',
       (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = table_name::regclass AND attname = column_name),
       CASE is_nullable WHEN 'NO' THEN 'not null' ELSE 'null' END, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
THINGS = """
SELECT 'table', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v')
UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def describe(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], str]:
    """Columns, constraints and indexes of every table but alembic's own: (table, name) -> definition."""
    rows = [row for query in (COLUMNS, CONSTRAINTS, INDEXES) for row in connection.execute(query)]
    return {(table, name): definition for table, name, definition in rows if table != "alembic_version"}


def things(connection: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """Tables, sequences, views and functions that exist."""
    return {(kind, name) for kind, name in connection.execute(THINGS)}
