"""A node that fails is waited for; a node that lies is refused; nothing of either reaches the tables.

Promises 19 and 24.
"""

from __future__ import annotations

import itertools
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from portal.errors import Unavailable
from portal.indexer import loop, queries, reorg, views
from portal.indexer.loop import Pause
from portal.marketplace.wording import master_href
from tests.conftest import Client
from tests.indexer.fake_chain import WALLETS, World
from tests.indexer.fake_node import FAULTS, Refusal
from tests.indexer.oracle import expected, found


def _started(stage: Any, world: World) -> None:
    stage.record()
    stage.follow()
    world.block(world.mint(WALLETS[0], 2))


def test_each_fault_changes_nothing_and_is_over_by_itself(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world, timeout=0.3) as stage:
        stage.record()
        stage.follow()
        for name, fault in FAULTS.items():
            world.block(world.mint(WALLETS[0], 2))
            at = stage.follower.at()
            stage.node.fault = fault
            with pytest.raises(Unavailable):
                stage.follower.round()
            assert stage.follower.at() == at, name
            stage.node.fault = None
            stage.follow()
            assert found(stage.session, world) == expected(world.chain), name


def test_what_nobody_expected_is_told_with_its_traceback_and_waited_for(
    staged: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Beside trouble that is known: neither hides the other, and each is told once."""
    world = World()
    world.launch()

    def broken() -> bool:
        raise KeyError("a batch that cannot be")

    with staged(world) as stage, caplog.at_level(logging.INFO, "portal.indexer"):
        pause = Pause(stage.settings)
        stage.node.fault = FAULTS["500"]
        rounds = [stage.follower.round, broken] * 3
        assert [pause.around(one) for one in rounds] == [False] * 6
        assert pause.seconds() > loop.POLL_SECONDS
        stage.node.fault = None
        stage.record()
        assert pause.around(stage.follower.round) is True
        assert pause.around(broken) is False
    told = [(record.levelname, record.exc_info is not None) for record in caplog.records]
    assert told == [("WARNING", False), ("ERROR", True), ("INFO", False), ("ERROR", True)]


def test_trouble_is_told_once_and_its_end_once(staged: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.launch()
    with staged(world) as stage, caplog.at_level(logging.INFO, "portal.indexer"):
        pause = Pause(stage.settings)
        stage.node.fault = FAULTS["500"]
        assert [pause.around(stage.follower.round) for _ in range(4)] == [False] * 4
        assert loop.POLL_SECONDS < pause.seconds() <= loop.LONGEST_PAUSE_SECONDS
        stage.node.fault = None
        assert pause.around(stage.follower.round) is True
        assert pause.seconds() == loop.POLL_SECONDS
        told = [record.getMessage() for record in caplog.records if record.name == loop.__name__]
        assert len(told) == 2
        assert told[1].endswith("after 4 tries")


def _eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_loop_goes_on_by_itself_after_each_fault(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        over, hits = threading.Event(), []
        thread = threading.Thread(target=loop.run, args=(stage.app, lambda: not over.is_set()))
        thread.start()
        try:
            for count, fault in enumerate(FAULTS.values(), 1):
                stage.node.fault = lambda handler, fault=fault: (hits.append(1), fault(handler))[1]
                _eventually(lambda: bool(hits))
                world.block(world.mint(WALLETS[0], 1))
                hits.clear()
                stage.node.fault = None
                _eventually(lambda count=count: stage.scalar("SELECT count(*) FROM master_nfts") == count)
        finally:
            over.set()
            thread.join()
        assert found(stage.session, world) == expected(world.chain)


def test_a_slow_node_is_followed_all_the_same(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        stage.node.delay = 0.2
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_a_node_that_takes_one_question_at_a_time_is_asked_like_that(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.node.batches = False
        _started(stage, world)
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        stage.node.chain_id = 1
        assert not stage.follower.round()
        assert str(stage.follower.at().halted).startswith(reorg.REFUSED)


LATE = b'id="chain-late"'
AGE = "UPDATE chain_cursors SET updated_at = now() - interval '1 minute', level_at = now() - interval '1 minute'"


def test_pages_stay_up_and_say_how_old_they_are_during_each_fault(
    staged: Callable[..., Any], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "KEPT_SECONDS", 0.0)
    world = World()
    world.launch()
    with staged(world, timeout=0.3) as stage:
        master = stage.record()
        place = master_href(master)
        stage.execute("UPDATE masters SET status = 'live'")
        stage.follow()
        places = itertools.cycle(["/", "/marketplace", place, "/status"])
        for name, fault in FAULTS.items():
            stage.node.fault = fault
            with pytest.raises(Unavailable):
                stage.follower.round()
            stage.execute(AGE)
            for path in (next(places), f"/transactions/0x{'ab' * 32}"):
                got = stage.get(client, path)
                assert (got.status_code, LATE in got.data) == (200, True), (name, path)
            stage.node.fault = None
            world.block()
            stage.follow()
            assert LATE not in stage.get(client, "/").data, name


def test_metrics_and_status_tell_the_lag(
    staged: Callable[..., Any], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "KEPT_SECONDS", 0.0)
    world = World()
    world.launch()
    with staged(world) as stage:
        assert stage.get(client, "/metrics").text == ""
        stage.record()
        stage.follow()
        assert b"up to date" in stage.get(client, "/status").data
        stage.execute(AGE + ", node_head = head_number + 7")
        gauges = _gauges(stage.get(client, "/metrics").text)
        assert (gauges["lag_blocks"], gauges["head_block"], gauges["halted"]) == (7, 1, 0)
        assert gauges["lag_seconds"] >= 60
        assert re.search(r"7 blocks, \d+ seconds", re.sub(r"<[^>]*>", "", stage.get(client, "/status").text))
        stage.node.chain_id = 1
        stage.follow()
        assert _gauges(stage.get(client, "/metrics").text)["halted"] == 1
        assert b"the node is on chain 1" in stage.get(client, "/status").data


def _gauges(text: str) -> dict[str, float]:
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix("audifi_indexer_"): float(value) for name, value in lines}


def test_a_node_of_another_chain_is_refused_until_it_is_ours_again(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        stage.node.chain_id = 1
        assert not stage.follower.round()
        assert not stage.follower.round()
        assert str(stage.follower.at().halted).startswith(reorg.REFUSED)
        assert stage.scalar("SELECT count(*) FROM master_nfts") == 0
        assert stage.scalar("SELECT count(*) FROM security_events WHERE severity = 'critical'") == 1
        stage.node.chain_id = 31337
        stage.follow()
        assert stage.follower.at().halted is None
        assert found(stage.session, world) == expected(world.chain)


def test_a_first_node_of_another_chain_starts_nothing(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        stage.node.chain_id = 1
        assert not stage.follower.round()
        stage.node.chain_id = 31337
        stage.follow()
        assert stage.follower.at().number == world.chain.head.number
        assert stage.follower.at().halted is None


def test_a_head_below_what_was_final_is_refused(staged: Callable[..., Any]) -> None:
    world = World(finality=2)
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        for _ in range(6):
            world.random_block()
        stage.follow()
        at, whole = stage.follower.at(), world.chain.blocks
        world.chain.blocks = whole[:3]
        assert not stage.follower.round()
        assert str(stage.follower.at().halted).startswith(reorg.REFUSED)
        world.chain.blocks = whole
        stage.follow()
        assert stage.follower.at() == at


def test_a_node_that_gives_few_blocks_at_once_is_asked_for_fewer(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    for _ in range(80):
        world.random_block(1)
    with staged(world) as stage:
        stage.record()
        stage.node.most_blocks = 7
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_a_node_without_names_for_final_blocks_is_trusted_after_some(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    for _ in range(20):
        world.random_block(1)
    with staged(world) as stage:
        stage.record()
        stage.node.tags = False
        stage.follow()
        at = stage.follower.at()
        assert at.finalized == at.safe == at.number - stage.settings.finality_blocks


def test_a_failing_call_in_the_middle_of_a_reorg_is_no_deep_reorg(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        stage.follow()
        world.fork(1)
        world.block()
        world.block()
        asked, real = [], stage.node.eth_getBlockByNumber

        def moody(tag: str, full: bool) -> Any:
            if tag.startswith("0x"):
                asked.append(tag)
                if len(asked) == 2:
                    raise Refusal("try again")
            return real(tag, full)

        stage.node.eth_getBlockByNumber = moody
        with pytest.raises(Unavailable):
            stage.follow()
        stage.follow()
        assert stage.follower.at().halted is None
        assert found(stage.session, world) == expected(world.chain)


def test_a_node_without_its_own_older_blocks_is_no_deep_reorg(staged: Callable[..., Any]) -> None:
    """As behind a balancer, where one node knows the head and another lags."""
    world = World()
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        stage.follow()
        world.fork(1)
        world.block()
        world.block()
        real = stage.node.eth_getBlockByNumber
        stage.node.eth_getBlockByNumber = lambda tag, full: real(tag, full) if _is_new(tag, world) else None
        with pytest.raises(Unavailable):
            stage.follow()
        stage.node.eth_getBlockByNumber = real
        stage.follow()
        assert stage.follower.at().halted is None
        assert found(stage.session, world) == expected(world.chain)


def _is_new(tag: str, world: World) -> bool:
    return not tag.startswith("0x") or int(tag, 16) >= world.chain.head.number - 1


def test_a_header_without_a_hash_changes_nothing(staged: Callable[..., Any]) -> None:
    world = World(finality=2)
    world.launch()
    for _ in range(6):
        world.block(world.mint(WALLETS[0], 1))
    with staged(world) as stage:
        stage.record()
        real = stage.node.eth_getBlockByNumber
        stage.node.eth_getBlockByNumber = lambda tag, full: real(tag, full) | ({"hash": None} if tag == "0x4" else {})
        with pytest.raises(Unavailable):
            stage.follow()
        stage.node.eth_getBlockByNumber = real
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_a_head_that_no_chain_can_have_is_not_written(staged: Callable[..., Any]) -> None:
    world = World(finality=2)
    world.launch()
    with staged(world) as stage:
        _started(stage, world)
        stage.follow()
        for _ in range(4):
            world.block(world.mint(WALLETS[0], 1))
        at, real = stage.follower.at(), stage.node.eth_getBlockByNumber
        stage.node.eth_getBlockByNumber = lambda tag, full: real(tag, full) | (
            {"number": hex(2**80)} if tag == "latest" else {}
        )
        with pytest.raises(Unavailable):
            stage.follow()
        assert stage.follower.at() == at
        stage.node.eth_getBlockByNumber = real
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_pages_can_tell_how_old_the_figures_are(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        assert queries.status(stage.session, "31337") is None
        stage.record()
        stage.follow()
        status = queries.status(stage.session, "31337")
        assert status is not None
        assert (status.head, status.behind_blocks, status.matters) == (1, 0, False)
        stage.execute(AGE)
        later = queries.status(stage.session, "31337")
        assert later is not None
        assert later.matters
