"""What a block makes happen: news at the head, money and closing at the end of all doubt."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from portal.accounts.models import UserWallet
from portal.db import db, utcnow
from portal.indexer.loop import Follower
from portal.revenue.models import RevenueEvent
from tests import factories
from tests.indexer.fake_chain import SUPPLY, WALLETS, World
from tests.indexer.oracle import expected, found

News = list[tuple[str, dict[str, Any]]]


def _of(news: News, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(room, payload) for room, payload in news if payload["type"] == kind]


def _link(stage: Any, wallet: str) -> str:
    """A person with this wallet; returns the person's room."""
    session = stage.session
    user = factories.person(session)
    session.add(
        UserWallet(
            user_id=user.id, wallet_address=wallet, chain_id="31337", is_primary=True, verified=True,
            verified_at=utcnow(),
        )
    )  # fmt: skip
    session.commit()
    return f"user:{user.id}"


def test_open_pages_hear_of_mints_moves_and_dividends(staged: Callable[..., Any], news: News) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        master, room = stage.record(), _link(stage, WALLETS[0])
        stage.follow()
        world.block(world.mint(WALLETS[0], 3))
        stage.follow()
        [(where, minted)] = _of(news, "ipo.mint")
        assert (where, minted["mintedSupply"], minted["masterId"]) == (f"master:{master.id}", 3, str(master.id))
        news.clear()
        world.block(world.move(1, WALLETS[1]))
        world.block(world.deposit(SUPPLY * 5))
        stage.follow()
        moves = _of(news, "nft.transfer")
        [nft] = {payload["nftId"] for _, payload in moves}
        assert {where for where, _ in moves} == {f"nft:{nft}", f"master:{master.id}", room}
        assert {payload["newOwner"] for _, payload in moves} == {WALLETS[1]}
        [(where, credited)] = _of(news, "dividend.credited")
        assert (where, credited["claimable"]) == (room, "10")
        assert credited["seq"] > minted["seq"]


def test_pages_hear_of_a_reorg_with_a_higher_seq(staged: Callable[..., Any], news: News) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        stage.record()
        room = _link(stage, WALLETS[0])
        stage.follow()
        world.block(world.mint(WALLETS[0], 2))
        world.block(world.mint(WALLETS[1], 2))
        world.block(world.deposit(SUPPLY * 5))
        stage.follow()
        world.fork(2)
        world.block()
        stage.follow()
        minted = [payload for _, payload in _of(news, "ipo.mint")]
        assert [payload["mintedSupply"] for payload in minted] == [2, 4, 2]
        assert minted[0]["seq"] < minted[1]["seq"] < minted[2]["seq"]
        credited = [payload["claimable"] for where, payload in _of(news, "dividend.credited") if where == room]
        assert credited == ["10", "0"]


def test_history_is_no_news(staged: Callable[..., Any], news: News) -> None:
    world = World()
    world.launch()
    for _ in range(20):
        world.random_block()
    for _ in range(world.chain.finality):
        world.block()
    with staged(world) as stage:
        stage.record()
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        assert news == []


def test_a_deposit_is_settled_once_when_it_is_final(staged: Callable[..., Any]) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        master, session = stage.record(), stage.session
        event = RevenueEvent(master_id=master.id, source_type="manual", amount=1, currency="ETH", status="verified")
        session.add(event)
        session.commit()
        ref = "0x" + event.id.bytes.rjust(32, b"\0").hex()
        world.block(world.mint(WALLETS[0], 1))
        world.block(world.deposit(1000, ref=ref))
        settled = "SELECT payload ->> 'revenue_event_id' FROM outbox WHERE job = 'settle_revenue'"
        for _ in range(3):
            stage.follow()
            assert stage.scalar(settled) is None
            world.block()
        stage.follow()
        assert uuid.UUID(stage.scalar(settled)) == event.id
        assert stage.scalar("SELECT count(*) FROM dividend_events WHERE revenue_event_id IS NOT NULL") == 2
        stage.follower.backfill(1, world.chain.head.number)
        assert stage.scalar("SELECT count(*) FROM outbox WHERE job = 'settle_revenue'") == 1


def test_an_ipo_is_closed_when_its_last_share_is_final(staged: Callable[..., Any]) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        master = stage.record()
        for _ in range(4):
            world.block(world.mint(WALLETS[0], SUPPLY // 4))
        stage.follow()
        closing = "SELECT payload ->> 'ipo_id' FROM outbox WHERE job = 'close_ipo'"
        assert stage.scalar("SELECT minted_supply FROM master_ipos") == SUPPLY
        assert stage.scalar(closing) is None
        for _ in range(3):
            world.block()
        stage.follow()
        assert stage.scalar(closing) == str(master.ipo.id)


def test_blocks_become_safe_and_final_and_empty_ones_are_forgotten(staged: Callable[..., Any]) -> None:
    world = World(finality=3)
    world.launch()
    with staged(world) as stage:
        stage.record()
        world.block(world.mint(WALLETS[0], 1))
        for _ in range(6):
            world.block()
        stage.follow()
        session = stage.session
        rows = session.execute(sa.text("SELECT number::int, finality FROM chain_blocks ORDER BY number")).all()
        assert [tuple(row) for row in rows] == [
            (1, "finalized"), (2, "finalized"), (5, "finalized"), (6, "safe"), (7, "safe"), (8, "head"),
        ]  # fmt: skip


def test_two_indexers_do_the_work_once(staged: Callable[..., Any]) -> None:
    world = World(7, finality=30)
    world.launch()
    for _ in range(30):
        world.random_block()
    with staged(world) as stage:
        stage.record()
        failures: list[BaseException] = []

        def follow() -> None:
            with stage.app.app_context():
                follower = Follower(stage.settings)
                try:
                    while follower.round():
                        pass
                except BaseException as error:
                    failures.append(error)
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=follow) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert found(stage.session, world) == expected(world.chain)
        assert stage.follower.at().number == world.chain.head.number
