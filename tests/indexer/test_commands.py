"""The indexer's commands at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.db import use_database
from tests.indexer.fake_chain import WALLETS, World
from tests.indexer.oracle import expected, found


def test_backfill_and_rebuild_find_and_mend_what_is_wrong(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    missed = world.block(world.mint(WALLETS[0], 3)).logs
    with staged(world) as stage:
        stage.record()
        stage.node.twist = lambda logs: [raw for raw in logs if raw not in missed]
        stage.follow()
        stage.node.twist = lambda logs: logs
        run = stage.app.test_cli_runner().invoke
        assert run(args=["backfill", "1", "2"]).output == "4 logs were missing\n"
        assert found(stage.session, world) == expected(world.chain)
        assert run(args=["rebuild"]).exit_code == 0
        stage.execute("UPDATE master_nfts SET current_owner_wallet = '0x01' WHERE token_id = 1")
        told = run(args=["rebuild"])
        assert (told.exit_code, told.output.splitlines()[0]) == (1, "master_nfts: 1 rows differ")
        assert run(args=["rebuild", "--repair"]).output.startswith("master_nfts: 1 rows corrected")
        assert run(args=["rebuild"]).exit_code == 0
        stage.node.chain_id = 1
        refused = run(args=["backfill", "1", "2"])
        assert (refused.exit_code, "the node is on chain 1" in refused.output) == (1, True)
        use_database(stage.settings.for_worker())
