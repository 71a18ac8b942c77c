"""A garden of a test's own: its database and the session's devchain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from tests.garden import Garden
from tests.onchain import onchain

__all__ = ["onchain"]


@pytest.fixture
def garden(live_app: Flask, onchain: object) -> Iterator[Garden]:
    made = Garden(live_app)
    sa.event.listen(db.session, "before_commit", made.committing)
    yield made
    sa.event.remove(db.session, "before_commit", made.committing)
