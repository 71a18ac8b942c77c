"""The application with real commits, on a database of its own for each test: concurrency, jobs, and the real chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

from portal.chain import bootstrap
from portal.chain.bootstrap import Contracts
from portal.config import Settings
from portal.db import ENGINE_OPTIONS, db
from portal.embedded.devchain import Devchain
from portal.embedded.postgres import Postgres
from tests.onchain import as_worker

if TYPE_CHECKING:
    from tests.conftest import Cloner

ENGINE_OPTIONS["execution_options"] = {"compiled_cache": LRUCache(3000)}
"""Statements once compiled serve all databases of a process: a test's is new, and its statements are not."""

PGDialect_psycopg.__hash__ = lambda self: hash(type(self))
PGDialect_psycopg.__eq__ = lambda self, other: type(self) is type(other)
"""That cache asks whether two engines speak alike. Here they all do; else each new one would compile all it says."""
KEYSTORE_PASSWORD = "tests-only"


@dataclass(frozen=True)
class Founded:
    """The platform's contracts on a chain of their own (`settings.rpc_url`) and in a database to be cloned."""

    settings: Settings
    database: str
    contracts: Contracts


@pytest.fixture
def live_app(
    request: pytest.FixtureRequest,
    shared_app: Flask,
    postgres: Postgres,
    clone: Cloner,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[Flask]:
    """The application on a database of its own, with real commits; with `contracts` it knows those of the chain."""
    if "contracts" in request.fixturenames:
        founded: Founded = request.getfixturevalue("founded")
        settings, name = founded.settings, clone(founded.database)
    else:
        name = clone()
    with living(shared_app, replace(settings, data_dir=tmp_path, **urls(postgres, name))):
        yield shared_app
    clone.drop(name)


@contextmanager
def living(app: Flask, settings: Settings) -> Iterator[None]:
    """The application serves with these settings and their database."""
    config, served = dict(app.config), app.wsgi_app
    app.config |= {"SETTINGS": settings, "SQLALCHEMY_DATABASE_URI": settings.database_url}
    with app.app_context():
        engines: dict[Any, Any] = db.engines  # type: ignore[assignment]
        before, engines[None] = engines[None], sa.create_engine(settings.database_url, **ENGINE_OPTIONS)
        yield
        db.session.remove()
        db.engine.dispose()
        engines[None] = before
    app.config.clear()
    app.config.update(config)
    app.wsgi_app = served  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def founded(
    shared_app: Flask,
    postgres: Postgres,
    clone: Cloner,
    settings: Settings,
    quick_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Founded]:
    """A chain with the platform's contracts and a database that knows them: made once, cloned and put back."""
    chain, database, keys = Devchain(quick_folder / "founded"), clone(), tmp_path_factory.mktemp("keys")
    mine = replace(
        settings, data_dir=keys, keystore_password=KEYSTORE_PASSWORD, rpc_url=chain.start(), **urls(postgres, database)
    )
    with living(shared_app, mine), as_worker(shared_app):
        made = bootstrap.ensure(shared_app)
    yield Founded(replace(mine, keystore=str(keys / "keystore")), database, made)
    chain.stop()


def urls(postgres: Postgres, database: str) -> dict[str, str]:
    return {
        "database_url": postgres.url("audifi_tests", database),
        "worker_database_url": postgres.url("audifi_worker", database),
        "owner_database_url": postgres.url("audifi_owner", database),
    }
