"""The portal on a real EVM: a database with real commits, the session's devchain, and the platform's contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from portal.chain.bootstrap import Contracts
from portal.chain.client import Client, connect
from portal.db import db, use_database
from tests.chain_fixture import Chain

if TYPE_CHECKING:
    from tests.living import Founded


@contextmanager
def as_worker(app: Flask) -> Iterator[None]:
    """Everything inside runs with the worker's rights in the database, as jobs do."""
    settings = app.config["SETTINGS"]
    db.session.close()
    use_database(settings.for_worker())
    try:
        yield
    finally:
        db.session.close()
        use_database(settings.database_url)


@pytest.fixture
def onchain(live_app: Flask, chain: Chain) -> Client:
    """`live_app` with the devchain as its chain; nothing is deployed yet."""
    settings = replace(live_app.config["SETTINGS"], rpc_url=chain.rpc_url, embedded=True)
    live_app.config["SETTINGS"] = settings
    return connect(settings)


@pytest.fixture
def contracts(onchain: Client, founded: Founded) -> Contracts:
    """The platform's contracts: whoever asks for them has a chain and a database that begin with them."""
    return founded.contracts


@pytest.fixture
def work(live_app: Flask, run_jobs: Callable[[], int]) -> Callable[[], int]:
    """`work()` carries out every due outbox row with the worker's rights; returns how many."""

    def run() -> int:
        with as_worker(live_app):
            return run_jobs()

    return run
