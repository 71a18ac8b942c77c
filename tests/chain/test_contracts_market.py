from __future__ import annotations

import re
from functools import cache

import pytest
from vyper import compile_code

from portal.chain.abi import NATIVE, encode_call
from portal.chain.compile import SOURCES
from tests.chain.evm import Result, wallet
from tests.chain.oracle import BURN, CALL_BACK, REFUSE
from tests.chain.storage import give, held
from tests.chain.world import ETHER, UNLIMITED, Market, World

LATE = wallet("late")
ELSEWHERE = """
# pragma version 0.4.3
# A collection that says of itself what it likes.
moved: uint256

@external
@view
def orderTerms(tokenId: uint256, price: uint256) -> (address, uint256, bool, uint256[4]):
    return tx.origin, 2**48, True, empty(uint256[4])
"""


class Trade:
    """A master whose three minters are fan, friend and LATE, sold out, and a market that fan may sell on."""

    def __init__(self, world: World, fan: str, friend: str, **terms: int) -> None:
        self.world, self.fan, self.friend = world, fan, friend
        self.master = world.master(**{"supply": 6, "price": 1} | terms)
        for who, quantity in ((fan, 1), (friend, 1), (world.evm.fund(LATE), 1), (fan, 3)):
            assert self.master.mint(who, quantity).ok
        self.market = world.market()
        self.coin = world.coin()
        for who in (fan, friend, LATE):
            self.master.run(who, "setApprovalForAll", self.market.address, True)
            give(world.evm, self.coin, who, ETHER, self.market.address)

    @property
    def shares(self) -> str:
        return self.master.shares

    def list(self, id: int = 4, price: int = 10_000, currency: str = NATIVE, until: int = 0, who: str = "") -> Result:
        return self.market.run(who or self.fan, "list", self.shares, id, currency, price, until)

    def buy(self, id: int = 4, price: int = 10_000, currency: str = NATIVE, who: str = "", sent: int = -1) -> Result:
        sent = sent if sent >= 0 else price * (currency == NATIVE)
        return self.market.run(who or self.friend, "buy", self.shares, id, currency, price, value=sent)

    def offer(self, id: int = 4, price: int = 10_000, currency: str = NATIVE, until: int = 0, who: str = "") -> Result:
        sent = price * (currency == NATIVE)
        args = self.shares, id, currency, price, until
        return self.market.run(who or self.friend, "offer", *args, value=sent)

    def accept(self, number: int = 1, who: str = "") -> Result:
        return self.market.run(who or self.fan, "accept", number)

    def owner(self, id: int = 4) -> str:
        return str(self.master.view("ownerOf", id))

    def held(self, who: str, currency: str = NATIVE) -> int:
        return held(self.world.evm, currency, who)


@pytest.fixture
def trade(world: World, fan: str, friend: str) -> Trade:
    world.evm.fund(world.treasury, 1)
    return Trade(world, fan, friend)


@cache
def elsewhere() -> str:
    return str(compile_code(ELSEWHERE, output_formats=["bytecode"])["bytecode"])


# ------------------------------------------------------------ money


@pytest.mark.parametrize("currency", ["native", "coin"])
def test_a_sale_pays_everybody_and_nothing_stays(trade: Trade, currency: str) -> None:
    money = NATIVE if currency == "native" else trade.coin
    assert trade.list(currency=money).ok
    parties = [trade.fan, trade.friend, trade.world.treasury, trade.shares]
    before = [trade.held(who, money) for who in parties]
    done = trade.buy(currency=money)
    sold = done.named("Sold")[0]
    assert (sold["buyer"], sold["seller"], sold["currency"], sold["price"]) == (trade.friend, trade.fan, money, 10_000)
    assert (sold["parts"], sold["fee"], sold["sellerGets"]) == ((1000, 300, 200, 100), 50, 8350)
    after = [trade.held(who, money) for who in parties]
    assert [new - old for new, old in zip(after, before, strict=True)] == [8350, -10_000, 50, 1600]
    assert (trade.owner(), trade.held(trade.market.address, money)) == (trade.friend, 0)


def test_price_is_seller_and_parts_and_fee_at_every_price(trade: Trade) -> None:
    """Every price of a grid, to and fro; odd rates, so that every rounding happens."""
    odd = Trade(trade.world, trade.fan, trade.friend, royaltyBps=777, firstBps=333, secondBps=99, thirdBps=1)
    seller, buyer = odd.fan, odd.friend
    for price in [*range(1, 51), 9_999, 10**15 + 7]:
        assert odd.list(price=price, who=seller).ok
        before = odd.held(seller)
        sold = odd.buy(price=price, who=buyer).named("Sold")[0]
        parts = tuple(price * rate // 10_000 for rate in (777, 333, 99, 1))
        assert (sold["parts"], sold["fee"]) == (parts, price * 50 // 10_000)
        assert price == sold["sellerGets"] + sum(sold["parts"]) + sold["fee"]
        assert odd.held(seller) - before == sold["sellerGets"]
        seller, buyer = buyer, seller
    assert odd.held(odd.market.address) == 0


def test_the_parts_are_credited_by_role(trade: Trade) -> None:
    """Each part is floored alone, their sum is split in proportion: minters down, the rest to the artist."""
    trade.master.run(trade.world.artist, "withdrawProceeds")
    for price in (10_000, 9_999, 333):
        trade.list(price=price)
        parts = trade.buy(price=price).named("Sold")[0]["parts"]
        trade.master.run(trade.friend, "transferFrom", trade.friend, trade.fan, 4)
        credited = trade.master.run(trade.fan, "syncRoyalty", NATIVE).named("RoyaltyCredited")[0]
        shares = [credited[role] for role in ("artist", "first", "second", "third")]
        assert sum(shares) == sum(parts)
        assert 0 <= shares[0] - parts[0] <= 3
        assert all(0 <= part - share <= 1 for part, share in zip(parts[1:], shares[1:], strict=True))
    for who, role in ((trade.fan, 1), (trade.friend, 2), (LATE, 3)):
        waiting, before = trade.master.view("pot", NATIVE, role), trade.held(who)
        assert trade.master.run(who, "withdrawRoyalty", NATIVE).ok
        assert trade.held(who) - before == waiting > 0


def test_no_parts_and_no_fee(trade: Trade) -> None:
    bare = Trade(trade.world, trade.fan, trade.friend, royaltyBps=0, firstBps=0, secondBps=0, thirdBps=0)
    bare.market.run(bare.world.operator, "setFee", 0)
    bare.list(price=7)
    assert bare.buy(price=7).named("Sold")[0]["sellerGets"] == 7


def test_a_missing_minters_part_stays_with_the_seller(world: World, fan: str, friend: str) -> None:
    master, market = world.master(price=1), world.market()
    master.mint(fan)
    master.run(world.artist, "close")
    master.run(fan, "setApprovalForAll", market.address, True)
    market.run(fan, "list", master.shares, 1, NATIVE, 10_000, 0)
    sold = market.run(friend, "buy", master.shares, 1, NATIVE, 10_000, value=10_000).named("Sold")[0]
    assert (sold["parts"], sold["sellerGets"]) == ((1000, 300, 0, 0), 8650)


def test_held_is_open_offers_and_credits(trade: Trade) -> None:
    box = trade.world.receiver()
    trade.master.run(trade.fan, "transferFrom", trade.fan, box.address, 4)
    box.run(trade.shares, "MasterShares", "setApprovalForAll", trade.market.address, True)
    box.behave(REFUSE)
    for price in (10_000, 700, 31):
        trade.offer(price=price)
    sold = box.run(trade.market.address, "Market", "accept", 2)
    assert sold.named("Held") == [{"who": box.address, "currency": NATIVE, "amount": 700 - 112 - 3}]
    assert trade.held(trade.market.address) == 10_000 + 31 + 585
    assert box.run(trade.market.address, "Market", "withdraw", NATIVE).reason == "receiver refused"
    box.behave(0)
    paid = box.run(trade.market.address, "Market", "withdraw", NATIVE)
    assert paid.named("Withdrawn") == [{"who": box.address, "currency": NATIVE, "amount": 585}]
    assert box.run(trade.market.address, "Market", "withdraw", NATIVE).reason == "nothing to withdraw"
    assert trade.held(trade.market.address) == 10_031


@pytest.mark.parametrize("mode", [REFUSE, BURN])
def test_a_treasury_or_bidder_that_refuses_stops_nobody(trade: Trade, mode: int) -> None:
    box = trade.world.receiver()
    trade.world.run("setTreasury", box.address)
    trade.world.evm.fund(box.address, 10**6)
    box.run(trade.market.address, "Market", "offer", trade.shares, 4, NATIVE, 500, 0, value=500)
    box.behave(mode)
    trade.list()
    sold = trade.buy()
    assert sold.named("Held") == [{"who": box.address, "currency": NATIVE, "amount": 50}]
    assert sold.gas < 400_000
    cancelled = box.run(trade.market.address, "Market", "cancelOffer", 1)
    assert [log["amount"] for log in cancelled.named("Held")] == [500]
    assert trade.market.view("credits", box.address, NATIVE) == 550


def test_a_receiver_cannot_come_in_twice(trade: Trade) -> None:
    box = trade.world.receiver()
    trade.master.run(trade.fan, "transferFrom", trade.fan, box.address, 4)
    box.run(trade.shares, "MasterShares", "setApprovalForAll", trade.market.address, True)
    box.run(trade.market.address, "Market", "list", trade.shares, 4, NATIVE, 10_000, 0)
    trade.list(id=5, price=1)
    trade.offer(price=20)
    calls = [("cancelOffer", [1]), ("withdraw", [NATIVE]), ("accept", [1])]
    calls += [("list", [trade.shares, 4, NATIVE, 9, 0]), ("cancel", [trade.shares, 4])]
    for function, args in calls:
        box.behave(CALL_BACK, trade.market.address, encode_call("Market", function, args))
        assert trade.buy().ok
        trade.master.run(trade.friend, "transferFrom", trade.friend, box.address, 4)
        box.run(trade.market.address, "Market", "list", trade.shares, 4, NATIVE, 10_000, 0)
    assert (box.number("callbacks"), box.number("successes")) == (len(calls), 0)


def test_a_seller_may_claim_dividends_while_being_paid(trade: Trade) -> None:
    box = trade.world.receiver()
    trade.master.run(trade.fan, "transferFrom", trade.fan, box.address, 4)
    box.run(trade.shares, "MasterShares", "setApprovalForAll", trade.market.address, True)
    trade.master.deposit(1, 600)
    box.run(trade.market.address, "Market", "list", trade.shares, 4, NATIVE, 10_000, 0)
    box.behave(CALL_BACK, trade.master.dividends, encode_call("Dividends", "claim", [NATIVE]))
    before = trade.held(box.address)
    assert trade.buy().ok
    assert trade.held(box.address) - before == 8350 + 100
    assert trade.master.claimable(trade.friend) == 200 - 100


def test_a_token_that_refuses_or_says_nothing(trade: Trade) -> None:
    token = trade.world.receiver()
    trade.world.run("setCurrency", token.address, True)
    assert trade.list(currency=token.address).ok
    token.behave(REFUSE)
    assert trade.buy(currency=token.address).reason == "payment refused"
    token.behave(0)
    assert trade.offer(currency=token.address).ok
    token.behave(REFUSE)
    assert trade.accept().reason == "parts refused"
    assert trade.market.run(trade.friend, "cancelOffer", 1).named("Held")[0]["amount"] == 10_000
    assert trade.market.run(trade.friend, "withdraw", token.address).reason == "receiver refused"
    token.behave(0)
    assert trade.market.run(trade.friend, "withdraw", token.address).ok
    mute = trade.world.evm.create(trade.world.operator, mute_token())
    trade.world.run("setCurrency", mute, True)
    assert trade.list(currency=mute).ok
    assert trade.buy(currency=mute).named("Held") == []


@cache
def mute_token() -> str:
    source = """
# pragma version 0.4.3
@external
def transfer(to: address, amount: uint256):
    pass

@external
def transferFrom(owner: address, to: address, amount: uint256):
    pass
"""
    return str(compile_code(source, output_formats=["bytecode"])["bytecode"])


def test_native_coin_sent_directly_comes_back(trade: Trade) -> None:
    assert not trade.world.evm.send(trade.fan, trade.market.address, value=5).ok
    assert not trade.market.run(trade.fan, "list", trade.shares, 4, NATIVE, 10_000, 0, value=5).ok


# ------------------------------------------------------------ orders


def test_any_move_ends_a_listing_even_to_and_fro(trade: Trade) -> None:
    trade.list()
    assert trade.market.view("listing", trade.shares, 4)[0] == trade.fan
    trade.master.run(trade.fan, "transferFrom", trade.fan, trade.friend, 4)
    assert trade.market.view("listing", trade.shares, 4)[0] == NATIVE
    assert trade.buy(who=LATE).reason == "listing is stale"
    trade.master.run(trade.friend, "transferFrom", trade.friend, trade.fan, 4)
    assert trade.buy().reason == "listing is stale"
    trade.list(id=5)
    trade.master.run(trade.fan, "transferFrom", trade.fan, trade.fan, 5)
    assert trade.buy(id=5).reason == "listing is stale"
    assert trade.list(id=5).ok
    assert trade.buy(id=5).ok
    assert trade.buy(id=5, who=LATE).reason == "not listed"


def test_a_new_owner_lists_over_an_old_listing(trade: Trade) -> None:
    trade.list()
    trade.master.run(trade.fan, "transferFrom", trade.fan, trade.friend, 4)
    assert trade.list(who=trade.friend, price=77).ok
    assert trade.market.run(trade.fan, "cancel", trade.shares, 4).reason == "not your listing"
    shown = trade.market.view("listing", trade.shares, 4)
    assert shown == (trade.friend, trade.shares, 4, NATIVE, 77, 50, 0)


def test_an_accepted_offer_ends_the_listing(trade: Trade) -> None:
    trade.list()
    trade.offer(price=9_000)
    assert trade.accept().named("Accepted") == [{"id": 1}]
    assert trade.owner() == trade.friend
    assert trade.buy(who=LATE).reason == "listing is stale"
    assert trade.accept(who=trade.friend).reason == "no such offer"


def test_an_offer_is_for_whoever_owns_the_share_by_then(trade: Trade) -> None:
    trade.offer(price=9_000)
    assert trade.market.view("openOffer", 1) == (trade.friend, trade.shares, 4, NATIVE, 9_000, 50, 0)
    trade.master.run(trade.fan, "transferFrom", trade.fan, LATE, 4)
    assert trade.accept().reason == "not the owner"
    assert trade.accept(who=LATE).ok
    assert trade.market.view("openOffer", 1)[0] == NATIVE


def test_deadlines_to_the_second(trade: Trade) -> None:
    now = trade.world.evm.now
    trade.list(until=now + 10)
    trade.list(id=5, until=now + 10)
    for _ in range(2):
        trade.offer(id=6, until=now + 10)
    assert trade.list(until=now - 1).reason == "order lapsed"
    assert trade.list(id=6, until=now).ok
    assert trade.market.run(LATE, "cancelOffer", 1).reason == "not your offer"
    trade.world.evm.now = now + 10
    assert trade.buy().ok
    assert trade.accept().ok
    assert trade.market.run(LATE, "cancelOffer", 2).reason == "not your offer"
    trade.world.evm.now = now + 11
    assert trade.buy(id=5).reason == "order lapsed"
    trade.master.run(trade.friend, "transferFrom", trade.friend, trade.fan, 6)
    assert trade.accept(2).reason == "order lapsed"
    before = trade.held(trade.friend)
    assert trade.market.run(LATE, "cancelOffer", 2).named("OfferCancelled") == [{"id": 2}]
    assert trade.held(trade.friend) - before == 10_000
    assert trade.offer(until=2**32 - 1, who=LATE).ok


def test_the_fee_is_the_one_of_the_order(trade: Trade) -> None:
    trade.list()
    trade.offer(id=5)
    assert trade.market.run(trade.world.operator, "setFee", 250).named("FeeChanged") == [{"feeBps": 250}]
    assert trade.buy().named("Sold")[0]["fee"] == 50
    assert trade.accept().named("Sold")[0]["fee"] == 50
    trade.list(id=6)
    assert trade.buy(id=6).named("Sold")[0]["fee"] == 250


def test_parts_and_fee_may_take_the_whole_price_and_no_more(trade: Trade) -> None:
    trade.market.run(trade.world.operator, "setFee", 8_400)
    assert trade.list().ok
    assert trade.buy().named("Sold")[0]["sellerGets"] == 0
    trade.market.run(trade.world.operator, "setFee", 8_401)
    assert trade.list(id=5).reason == "parts over price"
    assert trade.offer(id=5).reason == "parts over price"


def test_what_leaves_the_lists_is_not_traded_and_every_offer_comes_back(trade: Trade) -> None:
    trade.list(currency=trade.coin)
    trade.offer(id=5, currency=trade.coin)
    trade.world.run("setCurrency", trade.coin, False)
    assert trade.buy(currency=trade.coin).reason == "currency not allowed"
    assert trade.accept().reason == "currency not allowed"
    trade.world.run("setCurrency", trade.coin, True)
    trade.world.run("setCollection", trade.shares, False)
    assert trade.buy(currency=trade.coin).reason == "collection not traded"
    assert trade.accept().reason == "collection not traded"
    trade.world.run("setCurrency", trade.coin, False)
    assert trade.market.run(trade.fan, "cancel", trade.shares, 4).ok
    assert trade.market.run(trade.friend, "cancelOffer", 1).ok
    assert trade.held(trade.friend, trade.coin) == ETHER


def test_nothing_is_traded_before_the_sale_is_over(world: World, fan: str, friend: str) -> None:
    master, market = world.master(price=1), world.market()
    master.mint(fan, 2)
    master.run(fan, "setApprovalForAll", market.address, True)
    listing = (master.shares, 1, NATIVE, 100, 0)
    for steer in ("setPaused", "cancel"):
        assert market.run(fan, "list", *listing).reason == "sale not over"
        assert market.run(friend, "offer", *listing, value=100).reason == "sale not over"
        master.run(world.artist, steer, *([True] if steer == "setPaused" else []))
    master.run(fan, "refund", [1])
    assert market.run(fan, "list", *listing).reason == "no such token"
    assert market.run(fan, "list", master.shares, 2, NATIVE, 100, 0).reason == "sale not over"


# ------------------------------------------------------------ refusals


def refusals(trade: Trade) -> list[tuple[str, Result]]:
    """One call at least for each text with which the market refuses."""
    world, market, shares, fan, friend = trade.world, trade.market, trade.shares, trade.fan, trade.friend
    fake = world.evm.create(world.operator, elsewhere())
    world.run("setCollection", fake, True)
    unlisted, boxed = world.coin(listed=False), world.receiver()
    world.run("setCurrency", boxed.address, True)
    trade.list()
    trade.offer(id=5)
    trade.offer(id=5, currency=boxed.address)
    boxed.behave(REFUSE)
    trade.list(id=6)
    trade.master.run(fan, "transferFrom", fan, fan, 6)
    now, open_sale = world.evm.now, world.master()
    open_sale.mint(fan)
    return [
        ("operator only", market.run(fan, "setFee", 5)),
        ("fee over 100 %", market.run(world.operator, "setFee", 10_001)),
        ("not the owner", trade.list(who=friend)),
        ("moved too often", market.run(fan, "list", fake, 1, NATIVE, 100, 0)),
        ("not your listing", market.run(friend, "cancel", shares, 4)),
        ("not listed", trade.buy(id=1)),
        ("listing changed", trade.buy(price=9_999)),
        ("listing changed", trade.buy(currency=trade.coin)),
        ("your own share", trade.buy(who=fan)),
        ("listing is stale", trade.buy(id=6)),
        ("no such token", trade.offer(id=2**24)),
        ("no such token", trade.offer(id=7)),
        ("your own share", trade.offer(who=fan)),
        ("no such offer", market.run(fan, "cancelOffer", 99)),
        ("not your offer", market.run(fan, "cancelOffer", 1)),
        ("no such offer", trade.accept(99)),
        ("your own offer", trade.accept(who=friend)),
        ("nothing to withdraw", market.run(fan, "withdraw", NATIVE)),
        ("parts refused", trade.accept(2)),
        ("receiver refused", keep_and_withdraw(market, friend, boxed.address)),
        ("price too large", trade.list(price=2**96)),
        ("price too large", trade.buy(price=2**96, sent=0)),
        ("no price", trade.list(price=0)),
        ("deadline out of range", trade.list(until=2**32)),
        ("order lapsed", trade.list(until=now - 1)),
        ("collection not traded", market.run(fan, "list", fan, 1, NATIVE, 100, 0)),
        ("currency not allowed", trade.list(currency=unlisted)),
        ("sale not over", market.run(fan, "list", open_sale.shares, 1, NATIVE, 5, 0)),
        ("wrong payment", trade.buy(sent=9_999)),
        ("wrong payment", trade.buy(sent=10_001)),
        ("native coin not wanted", market.run(friend, "offer", shares, 4, trade.coin, 5, 0, value=1)),
        ("payment refused", market.run(friend, "offer", shares, 4, boxed.address, 5, 0)),
        ("parts over price", all_for_the_house(trade)),
    ]


def keep_and_withdraw(market: Market, who: str, currency: str) -> Result:
    assert market.run(who, "cancelOffer", 2).ok
    return market.run(who, "withdraw", currency)


def all_for_the_house(trade: Trade) -> Result:
    trade.market.run(trade.world.operator, "setFee", 10_000)
    return trade.list()


def test_every_refusal_of_the_source_is_reached(trade: Trade) -> None:
    found = refusals(trade)
    assert [(text, done.reason) for text, done in found if done.reason != text] == []
    source = (SOURCES / "Market.vy").read_text() + (SOURCES / "money.vy").read_text()
    texts = set(re.findall(r'^ +(?:assert|\)).*, "(.+)"$', source, re.MULTILINE))
    assert texts == {text for text, _ in found}


def test_the_first_fee_has_a_bound_too(world: World) -> None:
    with pytest.raises(AssertionError, match="fee over 100 %"):
        world.market(fee=10_001)


def test_a_share_that_the_market_may_not_move_is_not_sold(trade: Trade) -> None:
    trade.list()
    trade.master.run(trade.fan, "setApprovalForAll", trade.market.address, False)
    before = trade.held(trade.friend)
    assert trade.buy().reason == "not approved"
    assert trade.held(trade.friend) == before
    trade.master.run(trade.fan, "approve", trade.market.address, 4)
    assert trade.buy().ok


def test_a_buyer_in_coin_needs_coin_and_leave(trade: Trade) -> None:
    trade.list(currency=trade.coin, price=5)
    poor = trade.world.evm.fund(wallet("poor"))
    assert trade.buy(currency=trade.coin, price=5, who=poor).reason == "allowance too low"
    trade.world.evm.call(poor, trade.coin, "Stablecoin", "approve", trade.market.address, UNLIMITED)
    assert trade.buy(currency=trade.coin, price=5, who=poor).reason == "balance too low"
    assert trade.owner() == trade.fan
