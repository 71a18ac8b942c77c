"""After a reorg deeper than finality an operator resumes the indexer: the tables become what the node's chain says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.chain.models import ChainTransaction
from portal.db import db, use_database
from portal.indexer import reorg, service, views
from tests import factories
from tests.conftest import Client
from tests.indexer.conftest import CHAIN
from tests.indexer.fake_chain import World
from tests.indexer.oracle import expected, found
from tests.nfts import market_world
from tests.nfts.market_world import MarketWorld

Staged = Callable[..., Any]
AUDITED = "SELECT count(*) FROM audit_logs WHERE action = 'resume_indexer'"
OF_SECURITY = "SELECT description FROM security_events WHERE severity = '{}'"


def stopped(stage: Any, world: World) -> None:
    """The chain forks below the last final block, and the indexer stops."""
    stage.record()
    for _ in range(8):
        world.random_block()
    stage.follow()
    world.fork(6)
    for _ in range(12):
        world.random_block()
    stage.follow()
    assert str(stage.follower.at().halted).startswith(reorg.TOO_DEEP)


def resume(stage: Any, *options: str) -> tuple[int, str]:
    done = stage.app.test_cli_runner().invoke(args=["resume-indexer", *options])
    use_database(stage.settings.for_worker())
    return done.exit_code, done.output


def test_after_a_deep_reorg_the_tables_become_what_the_node_says(staged: Staged) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        stopped(stage, world)
        at, before = stage.follower.at(), found(stage.session, world)
        stage.execute(OURS)
        code, said = resume(stage)
        assert (code, "although those up to 6 were final" in said, "--repair" in said) == (1, True, True)
        assert (stage.follower.at(), found(stage.session, world)) == (at, before)
        code, said = resume(stage, "--repair")
        assert (code, "1 of the portal's own transactions" in said) == (0, True), said
        stage.follow()
        assert stage.follower.at().hash == world.chain.head.hash
        assert found(stage.session, world) == expected(world.chain)
        assert service.differences(int(CHAIN)) == {}
        assert sorted(stage.session.scalars(sa.select(ChainTransaction.status))) == ["confirmed", "final"]
        assert "flask resume-indexer" in stage.scalar(OF_SECURITY.format("critical"))
        assert "although those up to 6 were final" in stage.scalar(OF_SECURITY.format("high"))
        _twice_is_harmless(stage, world)


def _twice_is_harmless(stage: Any, world: World) -> None:
    at = stage.follower.at()
    code, said = resume(stage, "--repair")
    assert (code, "there is nothing to resume" in said) == (1, True)
    assert stage.follower.at() == at
    assert found(stage.session, world) == expected(world.chain)
    assert stage.scalar(AUDITED) == 1


OURS = f"""
INSERT INTO chain_transactions (id, chain_id, sender, nonce, purpose, data, value, gas, max_fee_per_gas,
    max_priority_fee_per_gas, raw, tx_hash, status, block_number)
SELECT gen_random_uuid(), '{CHAIN}', '0x' || repeat('ab', 20), n, 'test:' || n, '0x', 0, 21000, 1, 1, '0x',
       '0x' || lpad(to_hex(n), 64, '0'), 'final', n FROM unnest(array[1, 5]) n
"""
"""Two transactions of the portal, one of them in a block that the chain lost."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_whatever_stood_above_the_fork(staged: Staged, seed: int) -> None:
    world = (World, MarketWorld)[seed % 2](seed, finality=1 + seed % 4)
    world.launch()
    with staged(world) as stage:
        stopped(stage, world)
        assert resume(stage, "--repair")[0] == 0
        stage.follow()
        if isinstance(world, MarketWorld):
            assert market_world.found(stage.session) == market_world.expected(world.chain)
        else:
            assert found(stage.session, world) == expected(world.chain)
        assert service.differences(int(CHAIN)) == {}


def test_a_node_that_came_back_to_this_chain_takes_nothing_with_it(staged: Staged) -> None:
    world, other = World(finality=3), World(finality=3)
    world.launch()
    other.launch()
    with staged(world) as stage:
        stage.record()
        for _ in range(8):
            world.random_block()
        stage.follow()
        before, ours = found(stage.session, world), world.chain.blocks
        other.chain.salt = 7
        for _ in range(12):
            other.random_block()
        world.chain.blocks = other.chain.blocks
        stage.follow()
        world.chain.blocks = ours
        code, said = resume(stage, "--repair")
        assert (code, "as the tables do" in said) == (0, True)
        stage.follow()
        assert stage.follower.at().halted is None
        assert found(stage.session, world) == before == expected(world.chain)


def test_it_is_refused_where_it_would_lose_what_is_true(staged: Staged) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        assert resume(stage) == (1, "Error: The indexer is not stopped: there is nothing to resume.\n")
        stopped(stage, world)
        at, blocks = stage.follower.at(), world.chain.blocks
        world.chain.blocks = blocks[:3]
        assert "Wait until it has caught up" in resume(stage, "--repair")[1]
        stranger = World(1)
        stranger.chain.blocks[0].hash = "0x" + "99" * 32
        for _ in range(12):
            stranger.block()
        world.chain.blocks = stranger.chain.blocks
        assert "follows another chain" in resume(stage, "--repair")[1]
        world.chain.blocks, stage.node.chain_id = blocks, 1
        assert "the node is on chain 1" in resume(stage, "--repair")[1]
        stage.execute(f"UPDATE chain_cursors SET halted_reason = '{reorg.REFUSED}it is odd'")
        assert "goes on by itself once its node can be believed again" in resume(stage, "--repair")[1]
        assert (stage.follower.at().number, stage.scalar(AUDITED)) == (at.number, 0)


def test_staff_read_the_way_on_at_status(
    staged: Staged, client: Client, sign_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, live_app: Flask
) -> None:
    monkeypatch.setattr(views, "KEPT_SECONDS", 0.0)
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        staff: User = factories.person(stage.session, roles=(UserRole.ADMIN,))
        db.session.commit()
        stage.record()
        stage.follow()
        stage.execute(f"UPDATE chain_cursors SET halted_reason = '{reorg.TOO_DEEP}5'")
        shown = stage.get(client, "/status").text
        assert ("below its final block: 5" in shown, "resume-indexer" in shown) == (True, False)
        sign_in(client, staff)
        assert "flask resume-indexer" in stage.get(client, "/status").text
