"""From blocks to tables: the figures are what a slow walk over the logs says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.indexer import service
from tests.indexer.fake_chain import World
from tests.indexer.oracle import expected, found


def test_a_history_is_indexed_to_the_last_unit(staged: Callable[..., Any]) -> None:
    world = World(seed=1)
    world.launch()
    for _ in range(60):
        world.random_block()
    with staged(world) as stage:
        stage.record()
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        assert service.differences(31337) == {}
