"""The marketplace's filters and their counts, in the database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import BadRequest, Invalid
from portal.marketplace import listing
from portal.marketplace.listing import Filters
from portal.masters.enums import IpoStatus, MasterStatus
from portal.nfts.models import MasterNft
from tests import factories
from tests.conftest import Client
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import Mirror, address

HALL = {1: 10, 11: 20, 60: 30, 120: 40}
"""Share -> its price in millionths of a USDC; the pub's first two ask 15 each."""


@pytest.fixture
def market(session: Session) -> Session:
    """A verified artist's closed master with four of 120 shares listed, and an unverified one's with two of three."""
    for name, genre, verified, count, listed in (
        ("Hall", "Dub", True, 120, HALL),
        ("Pub", "Jazz", False, 3, {1: 15, 2: 15}),
    ):
        master = factories.master(session, factories.artist(session, name, verified=verified), title=name)
        master.genre, master.status, master.ipo.status = genre, MasterStatus.LIVE, IpoStatus.CLOSED
        mirror = Mirror(session, master)
        mirror.mint(address(), count)
        for number, price in listed.items():
            share = mirror.tokens[number]
            share.listing_price_wei, share.listing_currency = price, "USDC"
            share.listing_status, share.listed_at = "listed", sa.func.now()
        if verified:
            mirror.distribute(1, months_ago=1)
            mirror.distribute(1, months_ago=2)
            mirror.distribute(9, "ETH")
            mirror.distribute(500, months_ago=14)
        session.commit()
    return session


def found(session: Session, filters: Filters) -> list[tuple[str, int]]:
    rows, _ = listing.page(session, filters, 100, None)
    assert listing.total(session, filters) == len(rows)
    return sorted((row.title, row.token_id) for row in rows)


def test_each_filter_leaves_its_own(market: Session) -> None:
    assert len(found(market, Filters())) == 6
    assert found(market, Filters(tiers=("Pioneer",))) == [("Hall", 1), ("Pub", 1), ("Pub", 2)]
    assert found(market, Filters(tiers=("Growing", "General"))) == [("Hall", 60), ("Hall", 120)]
    assert found(market, Filters(verified=False)) == [("Pub", 1), ("Pub", 2)]
    assert found(market, Filters(min_yield_bps=1000)) == [("Hall", 1), ("Hall", 11)]
    assert len(found(market, Filters(status="not_listed", genres=("Jazz",)))) == 1
    by_number = {row.token_id: row.yield_bps for row in listing.page(market, Filters(genres=("Dub",)), 9, None)[0]}
    assert by_number == {1: 2000, 11: 1000, 60: 666, 120: 500}
    assert {row.yield_bps for row in listing.page(market, Filters(genres=("Jazz",)), 9, None)[0]} == {None}


def test_counts_keep_the_other_filters(market: Session) -> None:
    counted = listing.facets(market, Filters(genres=("Jazz",), tiers=("Pioneer",)))
    assert counted.genre == [("Jazz", 2), ("Dub", 1)]
    assert counted.tier == [("Pioneer", 2)]
    assert counted.verified == [("false", 2)]
    assert counted.status == [("listed", 2), ("not_listed", 1)]


def test_pages_of_what_is_not_for_sale_go_on_where_they_ended(market: Session) -> None:
    filters, seen, after = Filters(status="not_listed"), list[str](), None
    while True:
        rows, cursor = listing.page(market, filters, 50, after)
        seen += [str(row.nft_id) for row in rows]
        if cursor is None:
            break
        after = ["newest", rows[-1].listed_at.isoformat(), str(rows[-1].nft_id)]
    assert len(seen) == len(set(seen)) == 117


def test_a_listing_whose_time_is_over_is_not_for_sale(market: Session) -> None:
    share = market.scalars(sa.select(MasterNft).where(MasterNft.listing_price_wei == 40)).one()
    market.execute(
        sa.text(
            "INSERT INTO nft_orders (id, kind, chain_id, market_address, order_key, contract_address, token_id,"
            " master_nft_id, master_id, maker_wallet, price, currency, fee_bps, moves, deadline, placed_tx_hash,"
            " placed_block, placed_log_index, placed_at)"
            " SELECT gen_random_uuid(), 'listing', chain_id, '0x09', '0x0a:0', contract_address,"
            " token_id, id, master_id, current_owner_wallet, 40, 'USDC', 50, 0,"
            " now() - interval '1 second', '0x0a', 1, 0, now() FROM master_nfts WHERE id = :share"
        ),
        {"share": share.id},
    )
    assert ("Hall", 120) not in found(market, Filters())


@pytest.mark.parametrize(
    "asked", [{"status": "sold"}, {"tiers": ("Gold",)}, {"status": "not_listed", "min_price": 1, "currency": "USDC"}]
)
def test_what_cannot_be_asked(asked: dict[str, object]) -> None:
    with pytest.raises((BadRequest, Invalid)):
        Filters(**asked)  # type: ignore[arg-type]


def test_the_api_takes_the_filters(client: Client, market: Session) -> None:
    wanted = {"tier": ["Early", "General"], "verified": "true", "minYieldBps": "501"}
    body = client.get("/api/v2/marketplace", query_string=wanted).json
    assert [row["tokenId"] for row in body["data"]] == ["11"]
    free = client.get("/api/v2/marketplace", query_string={"status": "not_listed", "genre": "Jazz"}).json["data"]
    told = [(row["listingPrice"], row["listedAt"], row["listingStatus"]) for row in free]
    assert told == [(None, None, "not_listed")]
    for odd in ({"verified": "maybe"}, {"tier": "Gold"}, {"status": "x"}, {"minYieldBps": "-1"}):
        assert client.get("/api/v2/marketplace", query_string=odd).status_code in (400, 422)
