"""Runs the migrations as the role that owns the tables, each in a transaction of its own.

A migration runs while the old code serves: it waits a few seconds at most for a lock, and no statement runs
long. Where one must, say so: `flask db upgrade -x lock_timeout=30s -x statement_timeout=10min`. The address is
`-x url=…`, else AUDIFI_OWNER_DATABASE_URL, else the application's own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from flask import current_app

from portal.db import db

MIGRATING = 4_294_967_029
"""Key of the advisory lock: two deployments that start at once migrate one after the other."""

arguments = context.get_x_argument(as_dictionary=True)
OPTIONS = {
    "target_metadata": db.metadata,
    "compare_type": True,
    "compare_server_default": True,
    "transaction_per_migration": True,
    "render_as_batch": False,
}


def address() -> str:
    settings = current_app.config["SETTINGS"]
    app_url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    return str(arguments.get("url") or settings.owner_database_url or app_url)


def timeouts() -> dict[str, str]:
    return {
        "lock_timeout": arguments.get("lock_timeout", "4s"),
        "statement_timeout": arguments.get("statement_timeout", "60s"),
    }


def run_offline() -> None:
    """Print the SQL: `flask db upgrade --sql`."""
    context.configure(url=address(), literal_binds=True, dialect_opts={"paramstyle": "named"}, **OPTIONS)
    for name, value in timeouts().items():
        context.execute(f"SET {name} = '{value}'")
    context.run_migrations()


def run_online() -> None:
    engine = sa.create_engine(
        address(), poolclass=sa.pool.NullPool, connect_args={"application_name": "audifi-migrations"}
    )
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATING})
        for name, value in timeouts().items():
            connection.execute(sa.text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value})
        connection.commit()
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
