"""Put back what happens inside: a savepoint of the test's outer transaction, rolled back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portal.db import db


@contextmanager
def undone() -> Iterator[None]:
    db.session.remove()
    connection: Any = db.engines[None]
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        db.session.remove()
        savepoint.rollback()
