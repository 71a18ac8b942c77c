"""The chain changes its mind: the tables follow, to the state that a first reading would have made.

Promises 20 and 21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from portal.errors import Unavailable
from portal.indexer import reorg, service
from tests.indexer.fake_chain import WALLETS, World
from tests.indexer.oracle import expected, found

REORGS = "SELECT message FROM system_events WHERE event_type = 'indexer_reorg' ORDER BY created_at, id"


def _wander(stage: Any, world: World, steps: int, forking: float) -> list[int]:
    """Blocks, forks of random depth and rounds in a random order; returns how deep the forks were."""
    dice, depths = world.random, []
    for _ in range(steps):
        deepest = world.chain.head.number - max(stage.follower.at().finalized, 1)
        if deepest > 0 and dice.random() < forking:
            depths.append(dice.randint(1, deepest))
            world.fork(depths[-1])
        for _ in range(dice.randint(1, 3)):
            world.random_block()
        stage.follow()
    return depths


def _check(staged: Callable[..., Any], seed: int, steps: int, forking: float) -> None:
    world = World(seed=seed, finality=3 + seed % 6)
    world.launch()
    with staged(world) as stage:
        stage.record()
        stage.follow()
        depths = _wander(stage, world, steps, forking)
        told = [int(message.split()[0]) for message in stage.session.scalars(sa.text(REORGS))]
        assert sorted(told) == sorted(depths)
        assert stage.follower.at().halted is None
        assert found(stage.session, world) == expected(world.chain)
        assert service.differences(31337) == {}


@pytest.mark.parametrize("seed", range(4))
def test_random_reorgs_leave_what_a_fresh_index_makes(staged: Callable[..., Any], seed: int) -> None:
    _check(staged, seed, steps=16, forking=0.4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 204))
def test_two_hundred_random_reorgs(staged: Callable[..., Any], seed: int) -> None:
    _check(staged, seed, steps=14, forking=0.5)


def test_an_orphaned_first_mint_leaves_nothing(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        world.block(world.mint(WALLETS[0], 3))
        world.block(world.deposit(1000))
        stage.follow()
        world.fork(2)
        world.block()
        stage.follow()
        for table in ("master_nfts", "nft_transfers", "dividend_events", "wallet_dividend_balances"):
            assert stage.scalar(f"SELECT count(*) FROM {table}") == 0, table
        assert stage.scalar("SELECT first_minter_wallet FROM master_contracts") is None
        assert stage.scalar("SELECT message FROM system_events WHERE event_type = 'indexer_reorg'").startswith("2 ")


def test_a_reorg_to_a_shorter_chain_is_followed(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        for _ in range(4):
            world.block(world.mint(WALLETS[0], 2))
        stage.follow()
        world.fork(3)
        world.block(world.mint(WALLETS[1], 1))
        stage.follow()
        assert stage.follower.at().hash == world.chain.head.hash
        assert found(stage.session, world) == expected(world.chain)


def test_a_node_that_lags_is_waited_for(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        for _ in range(4):
            world.block(world.mint(WALLETS[0], 2))
        stage.follow()
        at = stage.follower.at()
        hidden = [world.chain.blocks.pop() for _ in range(2)]
        stage.follow()
        assert stage.follower.at() == at
        world.chain.blocks += reversed(hidden)
        stage.follow()
        assert stage.follower.at() == at


def test_a_reorg_below_the_final_block_stops_everything(staged: Callable[..., Any]) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        stage.record()
        for _ in range(8):
            world.random_block()
        stage.follow()
        before, at = found(stage.session, world), stage.follower.at()
        world.fork(6)
        for _ in range(8):
            world.random_block()
        stage.follow()
        stage.follow()
        halted = stage.follower.at()
        assert halted.halted is not None
        assert halted.halted.startswith(reorg.TOO_DEEP)
        assert (halted.number, halted.hash) == (at.number, at.hash)
        assert found(stage.session, world) == before
        assert stage.scalar("SELECT count(*) FROM security_events WHERE severity = 'critical'") == 1
        told = "SELECT error_message FROM system_events WHERE event_type = 'indexer_halted' AND NOT success"
        assert str(stage.scalar(told)).startswith(reorg.TOO_DEEP)


def test_a_deep_change_while_the_indexer_was_away_stops_it_too(staged: Callable[..., Any]) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        stage.record()
        for _ in range(8):
            world.random_block()
        stage.follow()
        world.fork(6)
        for _ in range(40):
            world.random_block()
        stage.follow()
        assert str(stage.follower.at().halted).startswith(reorg.TOO_DEEP)


def test_a_reorg_between_header_and_logs_mixes_nothing(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        stage.follow()
        world.block(world.mint(WALLETS[0], 2))

        def fork_now() -> None:
            stage.node.before_logs = lambda: None
            world.fork(1)
            world.block(world.mint(WALLETS[1], 1))
            world.block()

        stage.node.before_logs = fork_now
        with pytest.raises(Unavailable):
            stage.follow()
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_a_launch_that_a_reorg_moved_is_noted_at_its_new_place(staged: Callable[..., Any]) -> None:
    world = World()
    for _ in range(3):
        world.block()
    world.launch()
    with staged(world) as stage:
        stage.record(deployed=4)
        stage.follow()
        world.fork(1)
        world.block()
        world.launch()
        world.block(world.mint(WALLETS[0], 1))
        stage.follow()
        assert stage.scalar("SELECT deployed_at_block::int FROM master_contracts") == 5
        assert found(stage.session, world) == expected(world.chain)
