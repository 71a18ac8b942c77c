"""Rights of the two roles the portal runs as. Each migration grants what it creates: no default privileges.

`audifi_app` serves people, `audifi_worker` runs jobs, relay and indexer; neither owns a table, so triggers,
column rights and row security hold against both. Frozen like ddl.py.
"""

from alembic import op

APP = "audifi_app"
WORKER = "audifi_worker"
BOTH = f"{APP}, {WORKER}"


def full(*tables: str) -> None:
    """Both roles read and write."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(tables)} TO {BOTH}")


def worker_writes(*tables: str) -> None:
    """What mirrors the chain: the indexer writes, pages read."""
    op.execute(f"GRANT SELECT ON {', '.join(tables)} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(tables)} TO {WORKER}")


def append_only(table: str, *columns: str, to: str = BOTH) -> None:
    """Both read; `to` inserts these columns only: id and time are the database's and cannot be forged."""
    op.execute(f"GRANT SELECT ON {table} TO {BOTH}")
    op.execute(f"GRANT INSERT ({', '.join(columns)}) ON {table} TO {to}")


def revoke(*tables: str) -> None:
    op.execute(f"REVOKE ALL ON {', '.join(tables)} FROM {BOTH}")
