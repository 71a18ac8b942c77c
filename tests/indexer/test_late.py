"""Contracts recorded late, holes, and the proof that the tables are what the logs say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.errors import Unavailable
from portal.indexer import service
from portal.indexer.loop import Follower
from portal.indexer.rebuild import FIGURES, MIRRORS
from tests.indexer.fake_chain import WALLETS, World
from tests.indexer.fake_node import Refusal
from tests.indexer.oracle import expected, found
from tests.indexer.test_logs import UNTRUE

CORRUPTIONS = {
    "master_nfts": "UPDATE master_nfts SET current_owner_wallet = '0x01' WHERE token_id = 1",
    "nft_transfers": "DELETE FROM nft_transfers WHERE id = (SELECT id FROM nft_transfers ORDER BY id LIMIT 1)",
    "nft_orders": "INSERT INTO nft_orders (id, kind, chain_id, market_address, order_key, contract_address, token_id,"
    " master_nft_id, master_id, maker_wallet, price, currency, fee_bps, placed_tx_hash, placed_block, placed_log_index,"
    " placed_at) SELECT gen_random_uuid(), 'offer', chain_id, '0x09', '1', contract_address, token_id, id, master_id,"
    " '0x03', 5, 'ETH', 50, '0x0a', 1, 0, now() FROM master_nfts WHERE token_id = 1",
    "market_credits": "INSERT INTO market_credits (id, chain_id, market_address, wallet, currency, held)"
    " VALUES (gen_random_uuid(), '31337', '0x09', '0x03', 'ETH', 1)",
    "royalty_credits": "INSERT INTO royalty_credits (id, master_id, chain_id, contract_address, kind, currency, amount,"
    " tx_hash, block_number, log_index, block_timestamp)"
    " SELECT gen_random_uuid(), id, '31337', '0x08', 'arrived', 'ETH', 1, '0x0b', 1, 0, now() FROM masters",
    "nft_ownership_snapshots": "UPDATE nft_ownership_snapshots SET owner_wallet = '0x02'",
    "token_transfers": "UPDATE token_transfers SET amount = amount + 1",
    "token_holders": "UPDATE token_holders SET balance = balance + 1",
    "dividend_events": "UPDATE dividend_events SET total_amount = total_amount + 1 WHERE event_type = 'deposit'",
    "wallet_dividend_balances": "UPDATE wallet_dividend_balances SET total_earned = total_earned + 1,"
    " claimable_amount = claimable_amount + 1",
    "dividend_claims": "DELETE FROM dividend_claims",
    "master_ipos": "UPDATE master_ipos SET minted_supply = minted_supply - 1",
    "master_contracts": "UPDATE master_contracts SET first_minter_wallet = '0x03'",
    "dividend_contracts": "UPDATE dividend_contracts SET total_revenue_deposited = total_revenue_deposited + 1",
    "artist_tokens": "UPDATE artist_tokens SET holders_count = holders_count + 1",
    "artists": "UPDATE artists SET total_sales = total_sales + 1",
}


def _told(stage: Any, title: str) -> int:
    count: int = stage.scalar(f"SELECT count(*) FROM security_events WHERE title = '{title}'")
    return count


@pytest.mark.parametrize("blocks", [3, 30])
def test_a_contract_recorded_late_is_read_from_its_first_block(staged: Callable[..., Any], blocks: int) -> None:
    world = World(2)
    world.launch()
    with staged(world) as stage:
        stage.follow()
        for _ in range(blocks):
            world.random_block()
        stage.follow()
        assert stage.follower.at().number == world.chain.head.number
        stage.record()
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        world.random_block()
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)
        assert service.differences(31337) == {}
        assert _told(stage, "A recorded contract that the factory did not make") == 0


def test_dying_while_a_late_contract_is_read_leaves_no_hole(staged: Callable[..., Any]) -> None:
    world = World(2)
    world.launch()
    for _ in range(30):
        world.random_block()
    with staged(world) as stage:
        stage.follow()
        stage.record()
        stage.follower._step, answered = 5, []

        def die_at_the_third() -> None:
            answered.append(1)
            if len(answered) >= 3:
                raise Refusal("gone")

        stage.node.before_logs = die_at_the_third
        stage.node.most_blocks = 5
        with pytest.raises(Unavailable):
            stage.follow()
        assert stage.scalar("SELECT count(*) FROM chain_logs") > 0
        stage.node.before_logs = lambda: None
        stage.follower = Follower(stage.settings)
        stage.follow()
        assert found(stage.session, world) == expected(world.chain)


def test_a_contract_that_the_factory_did_not_make_is_told(staged: Callable[..., Any]) -> None:
    world = World(2)
    world.block(world.mint(WALLETS[0], 1))
    with staged(world) as stage:
        stage.follow()
        stage.record()
        stage.follow()
        assert _told(stage, "A recorded contract that the factory did not make") == 1


def test_a_backfill_finds_what_a_forgetful_node_left_out(staged: Callable[..., Any]) -> None:
    world = World(4)
    world.launch()
    for _ in range(20):
        world.random_block()
    with staged(world) as stage:
        stage.record()
        transfers = world.chain.blocks[5].logs
        stage.node.twist = lambda logs: [raw for raw in logs if raw not in transfers]
        stage.follow()
        stage.node.twist = lambda logs: logs
        assert found(stage.session, world) != expected(world.chain)
        assert service.backfill(1, world.chain.head.number) >= len(transfers)
        assert found(stage.session, world) == expected(world.chain)
        assert service.backfill(1, world.chain.head.number) == 0
        assert service.differences(31337) == {}


@pytest.mark.parametrize(
    "kind",
    [
        "moved before its mint",
        pytest.param("minted twice", marks=pytest.mark.slow),
        pytest.param("claimed more than earned", marks=pytest.mark.slow),
    ],
)
def test_a_backfill_from_a_lying_node_takes_what_is_true(staged: Callable[..., Any], kind: str) -> None:
    world = World(4)
    world.launch()
    block = world.block(world.mint(WALLETS[0], 4), world.deposit(4000))
    for _ in range(8):
        world.random_block()
    with staged(world) as stage:
        stage.record()
        left_out = world.chain.blocks[6].logs
        stage.node.twist = lambda logs: [raw for raw in logs if raw not in left_out]
        stage.follow()
        forged = block.logs[0] | UNTRUE[kind](world).raw() | {"logIndex": "0x63", "transactionHash": "0x" + "ee" * 32}
        stage.node.twist = lambda logs: [*logs, forged] if block.logs[0] in logs else logs
        service.backfill(2, 7)
        assert stage.scalar("SELECT count(*) FROM quarantined_logs WHERE reason LIKE 'cannot be true%'") == 1
        assert stage.scalar(f"SELECT count(*) FROM chain_logs WHERE block_number = {world.chain.blocks[6].number}")
        assert service.differences(31337) == {}


@pytest.mark.walk
def test_a_rebuild_names_and_repairs_every_corruption(staged: Callable[..., Any]) -> None:
    world = World(6)
    world.launch()
    for _ in range(40):
        world.random_block()
    assert set(CORRUPTIONS) == {model.__tablename__ for model in (*MIRRORS, *FIGURES)}
    with staged(world) as stage:
        stage.record()
        stage.follow()
        for table, corruption in CORRUPTIONS.items():
            stage.execute(corruption)
            assert list(service.differences(31337)) == [table]
            assert list(service.rebuild(31337)) == [table]
            assert service.differences(31337) == {}
        assert found(stage.session, world) == expected(world.chain)
