"""A fake chain served on loopback, and the portal following it with the worker's rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import live
from portal.config import Settings
from portal.db import db, utcnow
from portal.indexer.loop import Follower
from portal.masters.enums import DividendDistributionModel, IpoStatus
from portal.masters.models import DividendContract, Master, MasterContract
from portal.tokens.models import ArtistToken
from tests import factories
from tests.indexer.fake_chain import SUPPLY, World
from tests.indexer.fake_node import FakeNode
from tests.onchain import as_worker

CHAIN = "31337"


class Stage:
    """A world, the node that serves it, and the follower under test."""

    def __init__(self, app: Flask, world: World, node: FakeNode) -> None:
        self.app, self.world, self.node = app, world, node
        self.settings: Settings = replace(
            app.config["SETTINGS"],
            rpc_url=node.url,
            factory_address=world.factory,
            market_address=world.market,
            finality_blocks=8,
        )
        app.config["SETTINGS"] = self.settings
        self.follower = Follower(self.settings)

    @property
    def session(self) -> Session:
        db.session.remove()
        return db.session()

    def record(self, deployed: int = 1) -> Master:
        """What the launch job writes about the world's contracts."""
        session = self.session
        master = factories.master(session, total_supply=SUPPLY)
        assert master.ipo is not None
        master.ipo.status = IpoStatus.LIVE
        place: dict[str, Any] = {"chain_id": CHAIN, "deployed_at_block": deployed, "deployed_at": utcnow()}
        session.add(
            MasterContract(
                master_id=master.id, contract_address=self.world.shares, contract_total_supply=SUPPLY, **place
            )
        )
        session.add(
            DividendContract(
                master_id=master.id,
                contract_address=self.world.dividends,
                distribution_model=DividendDistributionModel.PER_MASTER,
                **place,
            )
        )
        session.add(
            ArtistToken(
                artist_id=master.artist_id,
                contract_address=self.world.coin,
                name="Coin",
                symbol="COIN",
                total_supply=10**24,
                **place,
            )
        )
        session.commit()
        return master

    def follow(self, rounds: int = 400) -> None:
        """Rounds until there is nothing more to do."""
        for _ in range(rounds):
            if not self.follower.round():
                return
        raise AssertionError("the indexer never came to rest")

    def scalar(self, query: str) -> Any:
        return self.session.scalar(sa.text(query))

    def execute(self, statement: str) -> None:
        session = self.session
        session.execute(sa.text(statement))
        session.commit()


@pytest.fixture
def staged(live_app: Flask) -> Iterator[Callable[..., Any]]:
    """`with staged(world) as stage:` serves a world and follows it with the worker's rights."""

    @contextmanager
    def make(world: World, timeout: float = 8.0) -> Iterator[Stage]:
        with FakeNode(world.chain).served() as node, as_worker(live_app):
            stage = Stage(live_app, world, node)
            stage.follower.node._wire._pool.connection_pool_kw["timeout"] = timeout
            yield stage
            db.session.remove()

    return make


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What open pages would hear: (room, payload)."""
    heard: list[tuple[str, dict[str, Any]]] = []

    class Ear:
        def put(self, room: str, entity: str, payload: dict[str, Any]) -> None:
            heard.append((room, payload))

        def flush(self, timeout: float = 2.0) -> None:
            pass

    monkeypatch.setattr(live._live, "publisher", Ear())
    return heard
