"""Whatever a node calls a log: ours are taken once and in order, the rest is named and kept aside.

Promises 22 and 23.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portal.chain.abi import NATIVE
from portal.errors import Unavailable
from portal.indexer import service
from portal.indexer.follow import Followed, Kind
from portal.indexer.reading import read
from tests.indexer.fake_chain import SUPPLY, WALLETS, Event, Raw, World
from tests.indexer.oracle import expected, found

HEX = "0123456789abcdef"


def _history(seed: int) -> World:
    world = World(seed)
    world.launch()
    for _ in range(30):
        world.random_block()
    return world


def _followed(world: World) -> Followed:
    kinds = {world.shares: Kind.SHARES, world.dividends: Kind.DIVIDENDS, world.coin: Kind.COIN}
    return Followed("31337", kinds | {world.factory: Kind.FACTORY}, {world.shares: SUPPLY}, {NATIVE: "ETH"})


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_logs_twice_shuffled_and_split_give_the_same_tables(staged: Callable[..., Any], step: int) -> None:
    world, dice = _history(3), random.Random(step)
    with staged(world) as stage:
        stage.record()
        stage.follower._step = step
        stage.node.twist = lambda logs: dice.sample(logs * 2, len(logs) * 2)
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        assert stage.scalar("SELECT count(*) FROM quarantined_logs") == 0


MALFORMED: dict[str, Callable[[Raw], Any]] = {
    "no dictionary": lambda raw: "0xdeadbeef",
    "no topics": lambda raw: raw | {"topics": []},
    "no data": lambda raw: {key: value for key, value in raw.items() if key != "data"},
    "short data": lambda raw: raw | {"topics": raw["topics"][:1], "data": "0x12"},
    "odd data": lambda raw: raw | {"data": "0x1"},
    "unknown event": lambda raw: raw | {"topics": ["0x" + "77" * 32, *raw["topics"][1:]]},
    "a stranger": lambda raw: raw | {"address": "0x" + "99" * 20},
    "another kind of contract": lambda raw: raw | {"address": "0x" + "fa" * 20},
    "a block of another chain": lambda raw: raw | {"blockHash": "0x" + "ab" * 32},
    "another block": lambda raw: raw | {"blockNumber": "0xffff"},
    "no index": lambda raw: raw | {"logIndex": "0x" + "f" * 40},
    "tabs and line breaks": lambda raw: raw | {"transactionHash": "0x\t\n\\N" + "0" * 58},
    "a nul": lambda raw: raw | {"transactionHash": "\0"},
    "beyond the supply": lambda raw: raw | {"topics": [*raw["topics"][:-1], "0x" + "ff" * 32]},
}


def test_malformed_logs_are_named_and_the_others_are_taken(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        for count, (kind, spoil) in enumerate(MALFORMED.items(), 1):
            block = world.block(world.mint(WALLETS[0], 2), world.move(1, WALLETS[count % 5]))
            bad = spoil(block.logs[0] | {"logIndex": "0x63"})
            stage.node.twist = lambda logs, bad=bad: [bad, *logs]
            with suppress(Unavailable):
                stage.follow()
            stage.follow()
            assert stage.follower.at().number == block.number, kind
            assert stage.scalar("SELECT count(*) FROM quarantined_logs WHERE reason <> ''") == count, kind
        assert found(stage.session, world) == expected(world.chain)


UNTRUE: dict[str, Callable[[World], Event]] = {
    "minted twice": lambda world: world._share("0x" + "0" * 40, WALLETS[2], 1),
    "moved before its mint": lambda world: world._share(WALLETS[0], WALLETS[2], 30),
    "claimed more than earned": lambda world: world._dividend(
        "DividendClaimed", holder=WALLETS[0], token=NATIVE, amount=10**30
    ),
    "claimed without earning": lambda world: world._dividend(
        "DividendClaimed", holder=WALLETS[5], token=NATIVE, amount=1
    ),
    "coins out of nothing": lambda world: world._coin(WALLETS[4], WALLETS[5], 1),
    "more coins than there are": lambda world: world._coin("0x" + "a0" * 20, WALLETS[5], 10**25),
}


def test_logs_that_cannot_be_true_are_set_aside_alone(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    world.block(world.mint(WALLETS[0], 4), world.deposit(4000, NATIVE))
    with staged(world) as stage:
        stage.record()
        for count, (kind, lie) in enumerate(UNTRUE.items(), 1):
            _block_with(stage, world, lie(world))
            stage.follow()
            truth, now = expected(world.chain), found(stage.session, world)
            assert (now.shares, now.balances, now.coins) == (truth.shares, truth.balances, truth.coins), kind
            assert stage.scalar("SELECT count(*) FROM quarantined_logs WHERE reason LIKE 'cannot be %'") == count, kind
        assert stage.scalar("SELECT count(*) FROM master_nfts WHERE mint_price_wei IS NULL") == 0
        assert service.differences(31337) == {}


def _block_with(stage: Any, world: World, lie: Event) -> None:
    """A good block whose third log, for the indexer, is a lie."""
    block = world.block(world.mint(WALLETS[1], 2), world.move(1), world.claim(), world.deposit())
    forged = block.logs[0] | lie.raw() | {"logIndex": "0x2", "transactionHash": "0x" + "ee" * 32}
    for raw in block.logs[2:]:
        raw["logIndex"] = hex(int(raw["logIndex"], 16) + 1)
    stage.node.twist = lambda logs: [*logs, forged] if block.logs[0] in logs else logs


def _mutations(world: World) -> st.SearchStrategy[Any]:
    raws = [raw for block in world.chain.blocks for raw in block.logs]
    text = st.text(HEX, max_size=80).map(lambda digits: "0x" + digits)
    anything = st.one_of(text, st.text(max_size=10), st.none(), st.integers(), st.lists(text, max_size=6))
    change = st.dictionaries(st.sampled_from(sorted(raws[0])), anything, min_size=1, max_size=3)
    return st.builds(lambda raw, new: raw | new, st.sampled_from(raws), change)


WORLD = _history(5)


GOOD = [raw for block in WORLD.chain.blocks for raw in block.logs]


@examples(max_examples=100, deadline=None)
@given(_mutations(WORLD))
def test_no_bytes_crash_the_reader_or_cost_a_good_log(bad: Raw) -> None:
    blocks = range(WORLD.chain.head.number + 1)
    alone, _ = read(GOOD, _followed(WORLD), blocks)
    entries, named = read([*GOOD, bad], _followed(WORLD), blocks)
    assert [entry for entry in entries if entry in alone] == alone
    assert len(entries) + len(named) - len(alone) in (0, 1)
