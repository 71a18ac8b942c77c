"""The session's seeded portal, for corruptions that vanish again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from portal import checking
from portal.audit import sealing
from portal.checking import Place, Result
from portal.config import Settings
from portal.db import db
from portal.embedded.postgres import Postgres
from tests.check.corrupting import Corruption
from tests.garden import Garden
from tests.onchain import as_worker


@dataclass
class Court:
    """A superuser's connection to the seeded database, and the chain beside it."""

    connection: sa.Connection
    settings: Settings
    place: Place | str = field(init=False)

    def __post_init__(self) -> None:
        self.place = checking.where(self.connection, self.settings)
        self.connection.rollback()
        self.checks = {check.name: check for check in checking.every()}

    def after(self, name: str, corruption: Corruption) -> tuple[set[str], Result]:
        """(the rows that were corrupted, what the invariant says then); nothing stays."""
        with self.connection.begin() as transaction:
            *before, last = corruption.statements()
            for statement in before:
                self.connection.execute(sa.text(statement))
            rows = {str(row) for row in self.connection.scalars(sa.text(last))}
            result = checking.hold(self.connection, self.checks[name], self.settings, self.place)
            transaction.rollback()
        return rows, result


@pytest.fixture
def sealed(seeded: Garden) -> Garden:
    """The seeded portal with its records sealed and its clock as if somebody had struck it."""
    with as_worker(seeded.app):
        sealing.seal(seeded.app.config["SETTINGS"])
        db.session.execute(sa.text("UPDATE periodic SET next_at = now() + interval '1 day'"))
        db.session.commit()
        db.session.remove()
    return seeded


@pytest.fixture
def court(sealed: Garden, postgres: Postgres) -> Iterator[Court]:
    settings = sealed.app.config["SETTINGS"]
    database = sa.make_url(settings.database_url).database or ""
    engine = sa.create_engine(postgres.url("postgres", database), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield Court(connection, settings)
