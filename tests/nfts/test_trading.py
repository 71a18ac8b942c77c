"""Trading on a real chain: every act is prepared, signed, seen, and told to the last unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import checking
from portal.accounts.models import User
from portal.chain import bootstrap
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.signer import Role
from portal.db import db, utcnow
from portal.errors import Conflict, Invalid, NotFound
from portal.indexer import loop, service
from portal.masters import ending, minting
from portal.nfts import book, market_checks, orders, wishes
from portal.nfts.models import MasterNft, NftOrder, NftTransfer
from portal.nfts.orders import Changed
from portal.nfts.prices import Label
from portal.nfts.wishes import Wish
from portal.outbox import OutboxJob
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client
from tests.masters.test_minting import linked, on_sale, sign, wallet
from tests.onchain import as_worker

MARKET = [check.name for check in market_checks.CHECKS]
PRICE = 33_333_333
ASKED = 77_777_777
"""7.5 cents of a fraction in every part."""


class Floor:
    """A closed master whose three shares the fan (wallet 1) holds; a friend with wallet 2; the artist's is wallet 0."""

    def __init__(self, app: Flask, session: Session, work: Callable[[], int], node: Node, **terms: Any) -> None:
        self.app, self.node, self._work = app, node, work
        self.settings = app.config["SETTINGS"]
        self.fan, self.friend = factories.person(session).id, factories.person(session).id
        linked(app, self.fan, 1)
        linked(app, self.friend, 2)
        self.master = on_sale(app, session, work, mint_price=PRICE, total_supply=3, **terms)
        self.id, self.artist = self.master.id, self.master.artist.user_id
        self.known = bootstrap.known()
        assert self.known is not None

    def open(self) -> None:
        """Sold out to the fan."""
        minting.request_mint(self.fan, self.id, wallet(self.app, 1), 3)
        self.work()
        self.work()

    def work(self) -> None:
        db.session().execute(sa.update(OutboxJob).values(not_before=None))
        db.session().commit()
        self._work()
        for _ in range(4):
            self.node.request("evm_mine")
        with as_worker(self.app):
            loop.catch_up()
        db.session.remove()

    def share(self, number: int = 1) -> MasterNft:
        db.session.remove()
        n = MasterNft
        return db.session().scalars(sa.select(n).where(n.master_id == self.id, n.token_id == number)).one()

    def does(self, who: Any, wish: Wish) -> str:
        """With the person's demo wallet; returns why it failed, or nothing."""
        name = orders.request(who, wish)
        self.work()
        row = db.session().execute(sa.select(OutboxJob.failed_at, OutboxJob.last_error).where(OutboxJob.dedupe == name))
        failed, error = row.one()
        return str(error) if failed else ""

    def coins(self, who: str) -> int:
        answer = self.node.call(self.known.stablecoin, encode_call("Stablecoin", "balanceOf", (who,)))
        return int(decode_result("Stablecoin", "balanceOf", answer)[0])

    def last(self, kind: str) -> NftOrder:
        db.session.remove()
        o = NftOrder
        newest = o.placed_block.desc(), o.placed_log_index.desc()
        return db.session().scalars(sa.select(o).where(o.kind == kind).order_by(*newest).limit(1)).one()


@pytest.fixture
def floor(
    live_app: Flask, session: Session, contracts: Contracts, onchain: Node, work: Callable[[], int], chain: Chain
) -> Floor:
    made = Floor(live_app, session, work, onchain)
    made.open()
    return made


def test_a_share_is_listed_repriced_and_bought_to_the_last_unit(floor: Floor) -> None:
    share, fan, friend = floor.share(), wallet(floor.app, 1), wallet(floor.app, 2)
    assert floor.does(floor.fan, wishes.list_share(share.id, 5, "USDC")) == ""
    assert floor.does(floor.fan, wishes.list_share(share.id, ASKED, "USDC")) == ""
    listed = floor.share()
    assert (listed.listing_status, listed.listing_price_wei, listed.listing_currency) == ("listed", ASKED, "USDC")
    with pytest.raises(Changed, match=r"it is 77\.777777 USDC now") as refusal:
        orders.prepare(floor.friend, wishes.buy(share.id, 5, "USDC"), floor.settings)
    assert (refusal.value.price, refusal.value.currency) == (ASKED, "USDC")
    with pytest.raises(Conflict, match=r"it needs 77\.777777 USDC, and 77\.777777 USDC are missing"):
        orders.prepare(floor.friend, wishes.buy(share.id, ASKED, "USDC"), floor.settings)
    treasury = signers.of_role(floor.settings, Role.TREASURY).address
    before = floor.coins(fan), floor.coins(treasury)
    assert floor.does(floor.friend, wishes.buy(share.id, ASKED, "USDC")) == ""
    parts = [ASKED * bps // 10_000 for bps in (1000, 300, 200, 100)]
    fee = ASKED * 50 // 10_000
    gets = ASKED - sum(parts) - fee
    assert (floor.coins(fan), floor.coins(treasury)) == (before[0] + gets, before[1] + fee)
    sold, now = floor.last("listing"), floor.share()
    assert (now.current_owner_wallet, now.listing_status, now.listing_price_wei) == (friend, "not_listed", None)
    assert [sold.artist_part, sold.first_part, sold.second_part, sold.third_part] == parts
    assert (sold.status, sold.taker_wallet, sold.fee, sold.seller_gets) == ("sold", friend, fee, gets)
    move = db.session().scalars(sa.select(NftTransfer).where(NftTransfer.marketplace == "AudiFi")).one()
    assert (move.sale_price_wei, move.sale_currency, move.royalty_paid_wei) == (ASKED, "USDC", sum(parts))
    assert [(v.currency, v.sales, v.total) for v in book.volumes(db.session(), floor.id)] == [("USDC", 1, ASKED)]
    _royalties_wait_and_are_fetched(floor, parts)
    _nothing_is_broken(floor)
    assert service.differences(31337) == {}


@pytest.mark.walk
def test_the_fee_that_is_told_is_the_markets_also_after_the_setting_changed(floor: Floor) -> None:
    wish = wishes.list_share(floor.share().id, ASKED, "USDC")
    told = orders.preview(floor.fan, wish, replace(floor.settings, trading_fee_bps=900))
    assert [line.amount for line in told.lines if line.label is Label.FEE] == [ASKED * 50 // 10_000]
    assert floor.does(floor.fan, wish) == ""
    assert floor.last("listing").fee_bps == 50


def _nothing_is_broken(floor: Floor) -> None:
    """`flask check` about orders, credits and royalties, the chain's own word included."""
    with as_worker(floor.app):
        told = checking.run(floor.settings, MARKET)
    assert [(result.check.name, result.findings, result.unchecked) for result in told if not result.holds] == []


def _royalties_wait_and_are_fetched(floor: Floor, parts: list[int]) -> None:
    """The fan minted all three: one wallet, three roles; the artist has the fourth."""
    fan, artist = wallet(floor.app, 1), wallet(floor.app, 0)
    whole = sum(parts)
    minters = [whole * bps // 1600 for bps in (300, 200, 100)]
    mine = book.royalties(db.session(), floor.fan, [fan], "31337")
    assert [(r.role, r.waiting) for r in mine] == list(zip(("first", "second", "third"), minters, strict=True))
    his = book.royalties(db.session(), floor.artist, [artist], "31337")
    assert [(r.role, r.waiting) for r in his] == [("artist", whole - sum(minters))]
    before = floor.coins(fan), floor.coins(artist)
    assert floor.does(floor.fan, wishes.withdraw_royalty(floor.id, "USDC", fan)) == ""
    _nothing_is_broken(floor)
    assert floor.does(floor.artist, wishes.withdraw_royalty(floor.id, "USDC")) == ""
    assert (floor.coins(fan), floor.coins(artist)) == (before[0] + sum(minters), before[1] + whole - sum(minters))
    for who, held in ((floor.fan, fan), (floor.artist, artist)):
        assert {r.waiting for r in book.royalties(db.session(), who, [held], "31337")} == {0}
        with pytest.raises(Conflict, match="Nothing waits"):
            orders.request(who, wishes.withdraw_royalty(floor.id, "USDC", held))


@pytest.mark.walk
def test_offers_are_made_accepted_and_taken_back(floor: Floor) -> None:
    share = floor.share(2)
    later = utcnow() + dt.timedelta(days=400)
    assert floor.does(floor.friend, wishes.make_offer(share.id, 100, "ETH", later)) == ""
    assert floor.does(floor.friend, wishes.make_offer(share.id, 10**6, "USDC")) == ""
    assert floor.does(floor.fan, wishes.list_share(share.id, 9**9, "ETH")) == ""
    [coins, ether] = book.offers_on(db.session(), share.id, 10)
    assert (coins.price, ether.price, ether.currency) == (10**6, 100, "ETH")
    coins_id, ether_id = coins.id, ether.id
    _nothing_is_broken(floor)
    assert [o.id for o in book.offered_to(db.session(), floor.fan)] == [coins_id, ether_id]
    with pytest.raises(NotFound):
        orders.prepare(floor.fan, wishes.cancel_offer(ether_id), floor.settings)
    with pytest.raises(NotFound):
        orders.prepare(floor.friend, wishes.accept_offer(ether_id), floor.settings)
    native = floor.node.balance(floor.known.market)
    assert floor.does(floor.friend, wishes.cancel_offer(ether_id)) == ""
    assert floor.node.balance(floor.known.market) == native - 100
    assert floor.does(floor.fan, wishes.accept_offer(coins_id)) == ""
    sold = db.session().get_one(NftOrder, coins_id)
    assert (sold.status, sold.taker_wallet, sold.maker_wallet) == ("sold", wallet(floor.app, 1), wallet(floor.app, 2))
    assert (sold.price, floor.share(2).current_owner_wallet) == (10**6, wallet(floor.app, 2))
    told = sold.closed_tx_hash
    stale = floor.last("listing")
    assert (stale.status, stale.closed_tx_hash) == ("stale", told)
    _nothing_is_broken(floor)
    with pytest.raises(Changed, match="accepted or taken back"):
        orders.prepare(floor.fan, wishes.accept_offer(coins_id), floor.settings)
    assert service.differences(31337) == {}


def test_who_may_not_trade_is_told_why(floor: Floor) -> None:
    share = floor.share().id
    stranger = factories.person(db.session()).id
    past = utcnow() - dt.timedelta(seconds=5)
    for who, wish, kind, words in (
        (floor.friend, wishes.list_share(share, 5, "USDC"), NotFound, "not in a wallet of yours"),
        (stranger, wishes.buy(share, 5, "USDC"), Conflict, "no longer for sale"),
        (stranger, wishes.make_offer(share, 5, "USDC"), Conflict, "Link a wallet first"),
        (floor.fan, wishes.make_offer(share, 5, "USDC"), Conflict, "owns the share already"),
        (floor.fan, wishes.cancel_listing(share), Conflict, "not listed"),
        (floor.fan, wishes.withdraw_credit(wallet(floor.app, 1), "ETH"), Conflict, "Nothing waits"),
        (floor.fan, wishes.withdraw_credit(wallet(floor.app, 2), "ETH"), Invalid, None),
        (floor.fan, wishes.list_share(share, 2**96, "USDC"), Invalid, None),
        (floor.fan, wishes.list_share(share, 5, "EUR"), Invalid, None),
        (floor.fan, wishes.list_share(share, 5, "USDC", past), Invalid, None),
    ):
        with pytest.raises(kind, match=words):
            orders.prepare(who, wish, floor.settings)
    _of_two_buyers_one_gets_it_and_the_other_keeps_the_money(floor)


def _of_two_buyers_one_gets_it_and_the_other_keeps_the_money(floor: Floor) -> None:
    share = floor.share(3).id
    third = factories.person(db.session()).id
    linked(floor.app, third, 3)
    assert floor.does(floor.fan, wishes.list_share(share, 500, "ETH")) == ""
    names = [orders.request(who, wishes.buy(share, 500, "ETH")) for who in (floor.friend, third)]
    before = floor.node.balance(wallet(floor.app, 3))
    with pytest.raises(AssertionError, match="no longer for sale"):
        floor.work()
    floor.work()
    failed = sa.select(OutboxJob.last_error).where(OutboxJob.dedupe == names[1], OutboxJob.failed_at.is_not(None))
    assert db.session().scalar(failed) == "The share is no longer for sale: it was sold, or taken back."
    assert floor.share(3).current_owner_wallet == wallet(floor.app, 2)
    assert floor.node.balance(wallet(floor.app, 3)) == before


@pytest.mark.slow
def test_no_resale_before_the_sale_is_over_or_where_the_artist_forbids_it(
    live_app: Flask, session: Session, contracts: Contracts, onchain: Node, work: Callable[[], int]
) -> None:
    floor = Floor(live_app, session, work, onchain, allow_resale=False)
    minting.request_mint(floor.fan, floor.id, wallet(live_app, 1), 1)
    floor.work()
    share = floor.share().id
    db.session().execute(sa.text("UPDATE master_ipos SET allow_secondary_resale = true"))
    db.session().commit()
    with pytest.raises(Conflict, match="once the first sale is over"):
        orders.prepare(floor.fan, wishes.list_share(share, 5, "USDC"), floor.settings)
    ending.close_offer(floor.artist, floor.id)
    floor.work()
    floor.work()
    with pytest.raises(Conflict, match="not traded on this market"):  # the chain's own word, whatever the row says
        orders.prepare(floor.fan, wishes.list_share(share, 5, "USDC"), floor.settings)
    db.session().execute(sa.text("UPDATE master_ipos SET allow_secondary_resale = false"))
    db.session().commit()
    with pytest.raises(Conflict, match="does not allow"):
        orders.prepare(floor.fan, wishes.list_share(share, 5, "USDC"), floor.settings)


def test_the_api_gives_what_a_wallet_signs(
    floor: Floor, client: Client, sign_in: Callable[..., Any]
) -> None:
    share, path = floor.share().id, f"/api/v2/nfts/{floor.share().id}"
    sign_in(client, db.session().get_one(User, floor.fan))
    wish, key = {"price": str(ASKED), "currency": "USDC"}, {"Idempotency-Key": "k"}
    asked, again = (client.post(f"{path}/listing", json=wish, headers=key) for _ in range(2))
    assert (asked.status_code, again.json) == (200, asked.json), asked.json
    other = client.post(f"{path}/listing", json=wish | {"price": "6"}, headers=key)
    assert other.status_code == 422
    assert [step["name"] for step in asked.json["transactions"]] == ["approveShare", "list"]
    amounts = {line["label"]: int(line["amount"]) for line in asked.json["lines"]}
    parts = sum(amounts[name] for name in ("artist", "firstMinter", "secondMinter", "thirdMinter", "fee"))
    assert amounts["sellerReceives"] == ASKED - parts
    assert parts == sum(ASKED * bps // 10_000 for bps in (1000, 300, 200, 100, 50))
    for step in asked.json["transactions"]:
        sign(floor.app, floor.node, 1, step["transaction"])
    floor.work()
    shown = client.get("/api/v2/marketplace", query_string={"tier": "Pioneer", "verified": "true"}).json["data"]
    assert [(row["nftId"], row["listingPrice"]) for row in shown] == [(str(share), str(ASKED))]
    taken = client.delete(f"{path}/listing").json["transactions"]
    sign(floor.app, floor.node, 1, taken[0]["transaction"])
    floor.work()
    assert floor.share().listing_status == "not_listed"
    sign_in(client, db.session().get_one(User, floor.friend))
    bid = {"wallet": wallet(floor.app, 2), "kind": "offer", "price": "7", "currency": "ETH"}
    offered = client.post(f"{path}/orders", json=bid).json["transactions"]
    assert [(step["name"], step["transaction"]["value"]) for step in offered] == [("offer", "7")]
    sign(floor.app, floor.node, 2, offered[0]["transaction"])
    floor.work()
    [made] = client.get(f"{path}/offers").json["data"]
    assert (made["price"], made["bidder"], made["status"]) == ("7", wallet(floor.app, 2), "open")
    assert client.post(f"/api/v2/offers/{made['offerId']}/accept").status_code == 404
    back = client.delete(f"/api/v2/offers/{made['offerId']}").json
    assert (back["lines"][0]["label"], back["lines"][0]["amount"]) == ("paidOut", "7")
    assert client.get("/api/v2/me/waiting").json == {"credits": [], "royalties": []}
