"""Bring encrypted columns under the key that writes now, some rows at a time, while the portal runs."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.crypto.keyring import Keyring
from portal.crypto.sealed import Sealed, reseal
from portal.db import db

Column = sa.Column[str]


def sealed_columns() -> list[Column]:
    """Every encrypted column of the data model, by table and name."""
    columns = [c for table in db.metadata.tables.values() for c in table.columns if isinstance(c.type, Sealed)]
    return sorted(columns, key=str)


def key_counts(session: Session) -> Counter[str]:
    """How many stored values each key has sealed."""
    counts: Counter[str] = Counter()
    for column in sealed_columns():
        name = sa.func.split_part(column, ".", 2, type_=sa.Text)
        rows = session.execute(sa.select(name, sa.func.count()).where(column.is_not(None)).group_by(name))
        counts.update({row[0]: row[1] for row in rows})
    return counts


def reseal_batch(session: Session, keys: Keyring, column: Column, most: int) -> int:
    """Seal up to `most` values anew inside the caller's transaction; returns how many. 0: nothing is left.

    A row that another transaction is changing is waited for. Raises KeyFault when a value does not open.
    """
    table = column.table
    prefix = sa.literal(f"gcm1.{keys.current}.", sa.Text)
    outdated = column.is_not(None), sa.not_(sa.func.starts_with(column, prefix))
    rows = session.execute(
        sa.select(table.c.id, column).where(*outdated).order_by(table.c.id).limit(most).with_for_update()
    ).all()
    for row_id, stored in rows:
        session.execute(
            sa.update(table).where(table.c.id == row_id).values({column: reseal(keys, column, row_id, stored)})
        )
    return len(rows)
