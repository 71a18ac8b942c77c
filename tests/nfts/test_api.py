"""What API clients and other features read about shares."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from portal.chain.ids import ZERO, derived_id
from portal.nfts import queries
from portal.nfts.rules import minter_slot, tier
from tests.conftest import Client
from tests.indexer.fake_chain import WALLETS, World


def _minted(stage: Any, world: World) -> uuid.UUID:
    """Twelve shares of a public master; the first moved twice, the second was handed back. Returns the master's id."""
    master = stage.record()
    world.block(world.mint(WALLETS[0], 10), world.mint(WALLETS[1], 2))
    world.block(world.move(1, WALLETS[1]), world.move(1, WALLETS[2]), world.move(2, ZERO))
    stage.follow()
    stage.execute("UPDATE masters SET status = 'live'")
    return uuid.UUID(str(master.id))


def test_shares_are_listed_by_number_in_pages(staged: Callable[..., Any], client: Client) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        master_id = _minted(stage, world)
        path = f"/api/v2/masters/{master_id}/nfts"
        first = client.get(path, query_string={"limit": 7}).get_json()
        second = client.get(path, query_string={"limit": 7, "after": first["page"]["next"]}).get_json()
        assert [row["tokenId"] for row in first["data"] + second["data"]] == [str(n) for n in range(1, 13)]
        assert second["page"]["next"] is None
        assert first["data"][0] == {
            "nftId": str(derived_id("nft", "31337", world.shares, 1)),
            "masterId": str(master_id),
            "tokenId": "1",
            "chainId": "31337",
            "contractAddress": world.shares,
            "owner": WALLETS[2],
            "originalMinter": WALLETS[0],
            "minterSlot": 1,
            "tier": "Pioneer",
            "mintTxHash": world.chain.blocks[2].logs[0]["transactionHash"],
            "mintedAt": "2023-11-14T22:13:44.000Z",
            "mintPrice": str(10**15),
            "listingStatus": "not_listed",
            "listingPrice": None,
            "listingCurrency": None,
            "listedAt": None,
        }
        assert first["data"][1]["owner"] == ZERO


def test_a_share_tells_its_moves_the_newest_first(staged: Callable[..., Any], client: Client) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        _minted(stage, world)
        share = derived_id("nft", "31337", world.shares, 1)
        assert client.get(f"/api/v2/nfts/{share}").get_json()["master"]["artist"]["isVerified"] is True
        path = f"/api/v2/nfts/{share}/transfers"
        first = client.get(path, query_string={"limit": 2}).get_json()
        rest = client.get(path, query_string={"limit": 2, "after": first["page"]["next"]}).get_json()
        moves = [(row["type"], row["from"], row["to"]) for row in first["data"] + rest["data"]]
        assert moves == [
            ("transfer", WALLETS[1], WALLETS[2]),
            ("transfer", WALLETS[0], WALLETS[1]),
            ("mint", ZERO, WALLETS[0]),
        ]


def test_shares_of_a_master_that_is_not_public_are_not_there(staged: Callable[..., Any], client: Client) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        master_id = _minted(stage, world)
        stage.execute("UPDATE masters SET status = 'draft'")
        share = derived_id("nft", "31337", world.shares, 1)
        for path in (f"masters/{master_id}/nfts", f"nfts/{share}", f"nfts/{share}/transfers", f"nfts/{uuid.uuid4()}"):
            assert client.get(f"/api/v2/{path}").status_code == 404


def test_holdings_are_those_of_the_named_wallets(staged: Callable[..., Any]) -> None:
    world = World()
    world.launch()
    with staged(world) as stage:
        master_id = _minted(stage, world)
        session, mine = stage.session, [WALLETS[1], WALLETS[2]]
        held = queries.holdings(session, mine, "31337")
        assert [share.token_id for share in held] == [1, 11, 12]
        artist_id = held[0].master.artist_id
        assert len(queries.shares_held(session, mine, "31337", artist_id=artist_id)) == 3
        assert len(queries.shares_held(session, mine, "31337", master_id=master_id)) == 3
        assert queries.shares_held(session, mine, "31337", artist_id=uuid.uuid4()) == []
        assert queries.shares_held(session, mine, "1") == []


def test_numbers_have_tiers_and_slots() -> None:
    tiers = ["Pioneer", "Pioneer", "Early", "Early", "Growing", "Growing", "General"]
    assert [tier(number) for number in (1, 10, 11, 50, 51, 100, 101)] == tiers
    assert [minter_slot(number) for number in (1, 2, 3, 4)] == [1, 2, 3, None]
