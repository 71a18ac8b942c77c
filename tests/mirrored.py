"""`app` with the worker's rights, for tests that write what the indexer would: import it where it is needed.

The mirrors of the chain are read-only to the web's role; everything else both may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    """The application on a database whose changes vanish with the test, in the worker's role."""
    engine = sa.create_engine(shared_app.config["SETTINGS"].for_worker(), poolclass=sa.NullPool)
    with shared_app.app_context(), engine.connect() as connection:
        outer = connection.begin()
        engines: dict[Any, Any] = db.engines  # type: ignore[assignment]
        kept, engines[None] = engines[None], connection
        db.session.configure(join_transaction_mode="create_savepoint")
        try:
            yield shared_app
        finally:
            db.session.remove()
            engines[None] = kept
            db.session.configure(join_transaction_mode="conditional_savepoint")
            outer.rollback()
