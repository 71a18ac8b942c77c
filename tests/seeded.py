"""The test seed once a session, with a database and a chain of its own, for all tests that only look at it.

Its seed is killed on its way and run again, so that everybody looks at what a mended seed has left.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from portal.config import Settings
from portal.db import db, transaction
from portal.embedded.postgres import Postgres

if TYPE_CHECKING:
    from tests.garden import Garden

LONGEST = 700
"""About how often the test seed commits."""


@pytest.fixture(scope="session")
def _grown(
    postgres: Postgres, clone: Callable[[], str], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Garden]:
    from portal.app import create_app
    from portal.embedded.devchain import Devchain
    from tests.garden import Garden

    chain, database = Devchain(tmp_path_factory.mktemp("seeded-chain")), clone()
    mine = replace(
        settings,
        embedded=True,
        data_dir=tmp_path_factory.mktemp("seeded"),
        rpc_url=chain.start(),
        database_url=postgres.url("audifi_tests", database),
        worker_database_url=postgres.url("audifi_worker", database),
        owner_database_url=postgres.url("audifi_owner", database),
    )
    garden = Garden(create_app(mine))
    with garden.app.app_context():
        _grow(garden)
        db.session.remove()
    yield garden
    with garden.app.app_context():
        db.engine.dispose()
    chain.stop()


@pytest.fixture
def seeded(_grown: Garden) -> Iterator[Garden]:
    """The seeded portal, for this session's tests together: leave it as it is."""
    with _grown.app.app_context():
        yield _grown
        db.session.remove()


def _grow(garden: Garden) -> None:
    from tests.garden import Killed
    from tests.onchain import as_worker

    with as_worker(garden.app):
        early_birds()
    sa.event.listen(db.session, "before_commit", garden.committing)
    try:
        garden.sow(die_at=random.randrange(1, LONGEST))
    except Killed:
        assert garden.sow()
    finally:
        sa.event.remove(db.session, "before_commit", garden.committing)
    garden.tend()


def early_birds() -> None:
    """Somebody signed in as staff and as an artist before the demo data was there."""
    from portal.accounts.service import create_person
    from portal.seed.data import ACTS, STAFF

    with transaction() as session:
        for email in (STAFF[0].email, ACTS[0].email):
            create_person(session, email, "Early bird")
