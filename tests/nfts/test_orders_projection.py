"""Orders, sales and royalties in the tables are what the logs say, in whatever way the logs come."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from portal import checking
from portal.accounts.service import link_wallet
from portal.chain.abi import NATIVE
from portal.db import db
from portal.indexer import service
from portal.nfts import book, market_checks
from tests.indexer.conftest import CHAIN
from tests.indexer.fake_chain import WALLETS
from tests.indexer.test_reorgs import _wander
from tests.nfts.market_world import MarketWorld, expected, found

MARKET = [check.name for check in market_checks.CHECKS] + ["transfers.have_their_kind", "artists.total_sales_is_sales"]


def _check(staged: Callable[..., Any], seed: int) -> None:
    world = MarketWorld(seed, finality=6)
    world.launch()
    with staged(world) as stage:
        stage.record()
        stage.follow()
        _wander(stage, world, steps=24, forking=0.3)
        assert found(stage.session) == expected(world.chain)
        assert stage.scalar("SELECT count(*) FROM quarantined_logs") == 0
        assert service.differences(31337) == {}
        assert _broken(stage) == {}


def _broken(stage: Any) -> dict[str, Any]:
    """What `flask check` has to say about shares, orders and royalties, without asking the chain."""
    told = [result for result in checking.run(stage.settings, MARKET, chain=False) if not result.holds]
    return {result.check.name: result.findings for result in told}


@pytest.mark.parametrize("seed", [10])
def test_random_trading_with_reorgs(staged: Callable[..., Any], seed: int) -> None:
    _check(staged, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_much_random_trading_with_reorgs(staged: Callable[..., Any], seed: int) -> None:
    _check(staged, seed)


@pytest.mark.parametrize("step", [7])
def test_trades_twice_shuffled_and_split(staged: Callable[..., Any], step: int) -> None:
    world, dice = MarketWorld(10), random.Random(step)
    world.launch()
    for _ in range(60):
        world.random_block()
    with staged(world) as stage:
        stage.record()
        stage.follower._step = step
        stage.node.twist = lambda logs: dice.sample(logs * 2, len(logs) * 2)
        stage.follow()
        truth = expected(world.chain)
        assert found(stage.session) == truth
        assert {row[1] for row in truth.orders.values()} == {"open", "sold", "cancelled", "stale"}
        assert service.differences(31337) == {}
        assert _broken(stage) == {}


def test_the_last_event_of_a_batch_decides(staged: Callable[..., Any]) -> None:
    """Mint, list, move, list again, change the price: one block; then sell and list anew in the next."""
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        stage.record()
        world.block(
            [*world.mint(WALLETS[0], 1), *world.list(1, NATIVE, 5), *world.move(1, WALLETS[1])],
            world.list(1, NATIVE, 7),
            world.list(1, NATIVE, 9),
        )
        stage.follow()
        assert found(stage.session).listed == {1: (9, "ETH")}
        world.block([*world.buy(1, WALLETS[2]), *world.list(1, NATIVE, 11)], world.offer(1, NATIVE, 3), world.accept())
        stage.follow()
        assert found(stage.session) == expected(world.chain)
        assert _broken(stage) == {}
        in_order = "SELECT string_agg(status, ' ' ORDER BY placed_block, placed_log_index) FROM nft_orders"
        assert stage.scalar(in_order) == "stale cancelled sold stale sold"
        world.fork(1)
        world.block()
        stage.follow()
        assert found(stage.session).listed == {1: (9, "ETH")}
        assert found(stage.session) == expected(world.chain)


UNTRUE: dict[str, Callable[[MarketWorld], Any]] = {
    "a listing by another": lambda world: world._market(
        "Listed", collection=world.shares, tokenId=1, seller=WALLETS[3], currency=NATIVE, price=1, feeBps=0, moves=0,
        deadline=0,
    ),
    "a sale whose parts are not its price": lambda world: world._market(
        "Sold", collection=world.shares, tokenId=2, buyer=WALLETS[1], seller=WALLETS[0], currency=NATIVE, price=100,
        parts=(1, 1, 1, 1), fee=1, sellerGets=1,
    ),
    "more fetched than was held": lambda world: world._market("Withdrawn", who=WALLETS[0], currency=NATIVE, amount=1),
    "an offer for a share that never was": lambda world: world._market(
        "Offered", id=9, collection=world.shares, tokenId=39, bidder=WALLETS[0], currency=NATIVE, price=1, feeBps=0,
        deadline=0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(UNTRUE))
def test_trades_that_cannot_be_true_are_set_aside(staged: Callable[..., Any], kind: str) -> None:
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        stage.record()
        world.block(world.mint(WALLETS[0], 3), world.list(2, NATIVE, 100))
        stage.follow()
        before = found(stage.session)
        world.block([UNTRUE[kind](world)], world.move(3, WALLETS[4]))
        stage.follow()
        assert stage.scalar("SELECT count(*) FROM quarantined_logs WHERE reason LIKE 'cannot be %'") == 1
        assert stage.scalar("SELECT current_owner_wallet FROM master_nfts WHERE token_id = 3") == WALLETS[4]
        assert found(stage.session) == before


def test_other_marketplaces_sales_are_told_as_far_as_they_can_be(staged: Callable[..., Any]) -> None:
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        stage.record()
        world.block(world.mint(WALLETS[0], 3))
        together = [*world.elsewhere(2, WALLETS[1], 5), *world.move(3)]
        world.block(world.list(1), world.elsewhere(1, WALLETS[1], 700), together)
        world.block(world.split(NATIVE))
        stage.follow()
        told = found(stage.session)
        assert [row[2:] for row in told.sales] == [
            (1, None, None, None, 700),
            (2, None, None, None, None),
            (3, None, None, None, None),
        ]
        assert told.listed == {}
        assert told.royalties[-1][2:] == ("credited", "ETH", 705, (441, 132, 88, 44))
        assert told == expected(world.chain)
        assert stage.scalar("SELECT max(total_sales) FROM artists") == 3


def test_own_trades_are_sales_without_price_and_volume(staged: Callable[..., Any]) -> None:
    """What the artist has sold is what the chain says, and stays so whichever wallets he links or lets go."""
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        master = stage.record()
        master_id, artist = master.id, master.artist.user_id
        world.block(world.mint(WALLETS[0], 2), world.list(1, NATIVE, 500), world.list(2, NATIVE, 300))
        world.block(world.buy(1, WALLETS[1]), world.buy(2, WALLETS[2]))
        stage.follow()
        for wallet, sales, volume in ((WALLETS[0], 2, 800), (WALLETS[1], 1, 300)):
            link_wallet(stage.session, artist, wallet, CHAIN, "Main")
            db.session.commit()
            assert stage.scalar("SELECT max(total_sales) FROM artists") == 2
            assert [(v.sales, v.total) for v in book.volumes(stage.session, master_id)] == [(sales, volume)]
            assert service.differences(31337) == {}
            assert _broken(stage) == {}


def test_open_pages_hear_what_is_for_sale(staged: Callable[..., Any], news: list[tuple[str, dict[str, Any]]]) -> None:
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        master = str(stage.record().id)
        world.block(world.mint(WALLETS[0], 2), world.list(1, NATIVE, 5))
        stage.follow()
        world.block(world.move(1, WALLETS[1]))
        stage.follow()
        world.fork(1)
        world.block()
        stage.follow()
        heard = [(room, said) for room, said in news if said["type"] == "listing.changed"]
        [nft] = {said["nftId"] for _, said in heard}
        assert {room for room, _ in heard} == {f"nft:{nft}", f"master:{master}", "marketplace"}
        told = [(said["status"], said["price"], said["currency"]) for room, said in heard if room == f"nft:{nft}"]
        assert told == [("listed", "5", "ETH"), ("not_listed", None, None), ("listed", "5", "ETH")]
        assert [said["seq"] for _, said in heard] == sorted(said["seq"] for _, said in heard)


def test_whom_it_concerns_hears_of_an_offer(staged: Callable[..., Any], news: list[tuple[str, dict[str, Any]]]) -> None:
    """The share's page, its owner and the bidder, when it is made and when it is taken back; the market's list not."""
    world = MarketWorld()
    world.launch()
    with staged(world) as stage:
        artist = stage.record().artist.user_id
        link_wallet(stage.session, artist, WALLETS[0], CHAIN, "Main")
        db.session.commit()
        world.block(world.mint(WALLETS[0], 1))
        for act in (lambda: world.offer(1, NATIVE, 5, WALLETS[1]), lambda: world.take_back(1)):
            world.block(act())
            stage.follow()
            heard = {room.partition(":")[0]: room for room, said in news if said["type"] == "listing.changed"}
            assert sorted(heard) == ["nft", "user"]
            assert heard["user"] == f"user:{artist}"
            news.clear()
