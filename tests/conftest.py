"""Real parts for every test: PostgreSQL and Valkey of its own, a migrated template cloned, an outer transaction.

What a test does itself it does with the worker's rights; a request has the application's, row security included.

`app` is isolated by an outer transaction and savepoints: quick, but nothing is ever really committed. Tests of
concurrency, NOTIFY, jobs in other processes and end-to-end stories take `live_app`: a fresh clone without it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask, g, has_request_context
from flask.testing import FlaskClient
from flask_migrate import upgrade
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session
from xdist.scheduler import LoadFileScheduling

from portal import live, outbox
from portal.accounts.models import User
from portal.accounts.service import open_session
from portal.app import create_app
from portal.config import Settings
from portal.db import db
from portal.embedded.files import secret
from portal.embedded.postgres import Postgres
from portal.embedded.valkey import Valkey
from tests import against_document
from tests.chain_fixture import chain, devchain  # noqa: F401  (fixtures)
from tests.living import founded, live_app, urls  # noqa: F401
from tests.memory import quick_folder  # noqa: F401
from tests.raw import raw, raw_database  # noqa: F401
from tests.recorded import every_change_is_recorded  # noqa: F401
from tests.seeded import _grown, seeded  # noqa: F401

CSRF = "a" * 40


BOTH_HATS = """
CREATE ROLE audifi_tests LOGIN NOINHERIT PASSWORD '{password}';
GRANT audifi_app, audifi_worker TO audifi_tests;
ALTER ROLE audifi_tests SET role = 'audifi_app'
"""


TOGETHER = {"browser": ("tests/browser/",), "seed": ("tests/check/", "tests/seed/")}


class Together(LoadFileScheduling):
    """Tests of one file run in one process; together also those that share one running portal or one seed."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((group for group, files in TOGETHER.items() if file.startswith(files)), file)


WALKS = {"chromium", "_grown"}
"""Whoever needs a browser or the whole seed goes for a walk; others say so with `@pytest.mark.walk`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if WALKS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.walk)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


@pytest.fixture(scope="session")
def postgres(quick_folder: Path) -> Iterator[Postgres]:  # noqa: F811
    server = Postgres(quick_folder / "postgres", fsync="off", autovacuum="off")
    server.start()
    with psycopg.connect(_plain(server.url("postgres", "postgres")), autocommit=True) as admin:
        for statement in BOTH_HATS.format(password=secret(server.data_dir, "audifi_tests")).split(";"):
            admin.execute(statement)
    yield server
    server.stop()


@sa.event.listens_for(db.session, "after_begin")
def _put_on_a_hat(_session: Session, _transaction: Any, connection: sa.Connection) -> None:
    if "audifi_tests" in str(connection.engine.url):
        connection.exec_driver_sql(f"SET LOCAL ROLE {'audifi_app' if has_request_context() else 'audifi_worker'}")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    live.publisher().flush()
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """Name of a migrated database that the others are cloned from."""
    owner = postgres.url("audifi_owner")
    app = create_app(Settings(database_url=owner, owner_database_url=owner))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return "audifi"


class Cloner:
    """`clone()` makes a fresh database from the template, or another one that nobody is connected to: its name."""

    def __init__(self, postgres: Postgres, template: str) -> None:
        self._url, self._template = _plain(postgres.url("postgres", "postgres")), template

    def __call__(self, template: str = "") -> str:
        name = f"t_{uuid.uuid4().hex[:12]}"
        of = template or self._template
        self._do(
            f"CREATE DATABASE {name} TEMPLATE {of} OWNER audifi_owner STRATEGY FILE_COPY",
            f"GRANT CONNECT ON DATABASE {name} TO audifi_app, audifi_worker, audifi_tests",
        )
        return name

    def drop(self, name: str) -> None:
        """Whoever is still connected is thrown out."""
        self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _do(self, *statements: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement)


@pytest.fixture(scope="session")
def clone(postgres: Postgres, template: str) -> Cloner:
    return Cloner(postgres, template)


@pytest.fixture(scope="session")
def settings(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the embedded default, without a database."""
    return Settings(
        redis_url=valkey,
        embedded=True,
        data_dir=Path(tmp_path_factory.mktemp("data")),
        secret_key="tests-only-secret-of-more-than-32-characters",
    )


@pytest.fixture(scope="session")
def shared_app(postgres: Postgres, clone: Cloner, settings: Settings) -> Iterator[Flask]:
    """One application for all tests: building one costs more than most of them."""
    application = create_app(replace(settings, **urls(postgres, clone())))
    yield application
    with application.app_context():
        db.engine.dispose()


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    """The application on a database whose changes vanish with the test."""
    with shared_app.app_context():
        engine = db.engine
        with engine.connect() as connection:
            outer = connection.begin()
            engines: dict[Any, Any] = db.engines  # type: ignore[assignment]
            engines[None] = connection
            db.session.configure(join_transaction_mode="create_savepoint")
            try:
                yield shared_app
            finally:
                db.session.remove()
                engines[None] = engine
                db.session.configure(join_transaction_mode="conditional_savepoint")
                outer.rollback()


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Session:
    """The session of `live_app` where a test asks for it, else of `app`."""
    name = "live_app" if "live_app" in request.fixturenames else "app"
    request.getfixturevalue(name)
    return db.session()


class Client(FlaskClient):
    """A browser: it carries the CSRF token of its pages, and no open read of the test spoils its writes.

    Every API answer that it gets is held against the OpenAPI document.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.remove()
        for name in list(g):
            g.pop(name)
        if kwargs.get("method", "GET").upper() not in {"GET", "HEAD", "OPTIONS"}:
            headers = dict(kwargs.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self.csrf())
            kwargs["headers"] = {k: v for k, v in headers.items() if v is not None}
        answer = super().open(*args, **kwargs)
        if db.session().in_transaction():  # a read that the request left open goes on with the test's rights
            _put_on_a_hat(db.session(), None, db.session().connection())
        against_document.hold(self.application, answer, kwargs.get("json"))
        return answer

    def csrf(self) -> str:
        with self.session_transaction() as cookie:
            cookie.setdefault("csrf_token", CSRF)
            raw = cookie["csrf_token"]
        return str(URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw))


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    name = "live_app" if "live_app" in request.fixturenames else "app"
    application: Flask = request.getfixturevalue(name)
    return browser(application)


def browser(application: Flask) -> Client:
    """Another browser with cookies of its own."""
    application.test_client_class = Client
    client = application.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def sign_in() -> Callable[[Client, User], str]:
    """`sign_in(client, user)` gives the browser a session; returns its token."""

    def do(client: Client, user: User) -> str:
        session = db.session()
        token = open_session(session, session.merge(user), client.application.config["SETTINGS"])
        session.commit()
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = token, True
        return token

    return do


@pytest.fixture
def run_jobs() -> Callable[[], int]:
    """`run_jobs()` carries out every due outbox row in this process; returns how many. A failing job raises."""

    def run() -> int:
        done = 0
        while rows := _due_rows():
            for row_id in rows:
                outbox.perform(str(row_id))
                error = db.session.scalar(sa.select(outbox.OutboxJob.last_error).where(outbox.OutboxJob.id == row_id))
                db.session.rollback()
                assert error is None, error
                done += 1
        return done

    return run


def _due_rows() -> list[uuid.UUID]:
    job = outbox.OutboxJob
    rows = db.session.scalars(
        sa.select(job.id)
        .where(
            job.done_at.is_(None),
            job.failed_at.is_(None),
            sa.or_(job.not_before.is_(None), job.not_before <= sa.func.clock_timestamp()),
        )
        .order_by(job.created_at)
    ).all()
    db.session.rollback()
    return list(rows)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
