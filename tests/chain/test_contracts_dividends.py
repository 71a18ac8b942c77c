from __future__ import annotations

from portal.chain.abi import NATIVE, encode_call
from tests.chain.evm import wallet
from tests.chain.world import ETHER, PRICE, Master, World, ref

PLATFORM = wallet("platform")


def sold_out(world: World, *holders: str, supply: int = 10) -> Master:
    """A master whose shares are all held, `supply / holders` each."""
    master = world.master(supply=supply)
    for holder in holders:
        assert master.mint(holder, supply // len(holders)).ok
    return master


def test_a_deposit_is_shared_per_share_and_carries_the_rest(world: World, fan: str, friend: str) -> None:
    master = sold_out(world, fan, friend)
    done = master.deposit(1, 107, (world.artist, 80), (PLATFORM, 20))
    assert done.named("RevenueDeposited")[0]["amount"] == 207
    split = done.named("DividendsDistributed")[0]
    assert [split[name] for name in ("totalAmount", "holdersPool", "perShare", "unminted", "carry")] == [
        207,
        107,
        10,
        0,
        7,
    ]
    assert [(log["who"], log["amount"]) for log in done.named("Credited")] == [
        (world.artist, 80),
        (PLATFORM, 20),
    ]
    assert [master.claimable(who) for who in (fan, friend, world.artist, PLATFORM)] == [50, 50, 80, 20]
    master.deposit(2, 3)
    assert [master.claimable(who) for who in (fan, friend)] == [55, 55]
    assert world.evm.view(master.dividends, "Dividends", "pool", NATIVE) == (210, 11, 0)


def test_the_artist_has_the_part_of_what_nobody_holds(world: World, fan: str) -> None:
    master = world.master(supply=10)
    master.mint(fan, 3)
    done = master.deposit(1, 100)
    assert done.named("DividendsDistributed")[0]["unminted"] == 70
    assert [(log["who"], log["amount"]) for log in done.named("Credited")] == [(world.artist, 70)]
    master.mint(fan, 3)
    assert (master.claimable(fan), master.claimable(world.artist)) == (30, 70)
    master.deposit(2, 100)
    assert (master.claimable(fan), master.claimable(world.artist)) == (90, 110)


def test_unclaimed_money_stays_with_who_earned_it(world: World, fan: str, friend: str) -> None:
    master = sold_out(world, fan)
    master.deposit(1, 100)
    master.run(fan, "transferFrom", fan, friend, 1)
    master.run(fan, "transferFrom", fan, fan, 2)
    assert (master.claimable(fan), master.claimable(friend)) == (100, 0)
    master.deposit(2, 100)
    assert (master.claimable(fan), master.claimable(friend)) == (190, 10)
    assert world.evm.view(master.dividends, "Dividends", "owed", fan, NATIVE) == 100


def test_only_depositors_and_listed_currencies(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    unlisted = world.coin(world.depositor, listed=False)
    assert master.pay(fan, "deposit", ref(1), NATIVE, 1, []).reason == "not allowed to deposit"
    assert master.deposit(1, 5, currency=unlisted).reason == "not allowed to deposit"
    world.run("setDepositor", world.depositor, False)
    assert master.deposit(1, 5).reason == "not allowed to deposit"


def test_a_ref_is_taken_once_and_the_money_must_come_along(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    assert master.deposit(1, 0).reason == "nothing to share"
    assert master.pay(world.depositor, "deposit", ref(1), NATIVE, 9, []).reason == "wrong payment"
    assert master.deposit(1, 9).ok
    assert master.deposit(1, 9).reason == "deposited already"
    assert world.evm.view(master.dividends, "Dividends", "deposits", ref(1)) == 9
    assert master.deposit(2, 0, (NATIVE, 5)).reason == "no receiver"
    world.evm.fund(world.depositor, 2**127)
    assert master.deposit(3, 2**118).reason == "amount too large"


def test_four_currencies_and_no_fifth(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    coins = [world.coin(world.depositor) for _ in range(4)]
    for coin in coins:
        world.evm.call(world.depositor, coin, "Stablecoin", "approve", master.dividends, ETHER)
    for number, currency in enumerate([NATIVE, *coins[:3]]):
        assert master.deposit(number, 100, currency=currency).ok
    assert master.deposit(9, 100, currency=coins[3]).reason == "too many currencies"
    assert world.evm.view(master.dividends, "Dividends", "currencies") == (NATIVE, *coins[:3])
    assert master.pay(fan, "claim", coins[3]).reason == "nothing owed"
    done = master.pay(fan, "claimAll")
    assert [(log["token"], log["amount"]) for log in done.named("DividendClaimed")] == [
        (currency, 100) for currency in [NATIVE, *coins[:3]]
    ]


def test_a_cancelled_master_takes_no_deposit_but_pays_what_it_owes(world: World, fan: str) -> None:
    master = world.master(supply=10)
    master.mint(fan, 5)
    master.deposit(1, 100)
    master.run(world.artist, "cancel")
    assert master.deposit(2, 100).reason == "master cancelled"
    master.run(fan, "refund", [1, 2])
    assert master.claimable(fan) == 50
    assert master.pay(fan, "claim", NATIVE).ok
    assert master.pay(fan, "claim", NATIVE).reason == "nothing owed"


def test_anyone_claims_for_a_holder_and_the_holder_is_paid(world: World, fan: str, friend: str) -> None:
    master = sold_out(world, fan)
    master.deposit(1, 100)
    before = world.evm.balance(fan)
    assert master.pay(friend, "claimFor", fan, NATIVE).ok
    assert world.evm.balance(fan) - before == 100
    assert master.pay(friend, "claimFor", fan, NATIVE).reason == "nothing owed"


def test_a_refusing_receiver_is_skipped_and_stays_owed(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    boxes = [world.receiver() for _ in range(3)]
    for id, box in enumerate(boxes, 1):
        master.run(fan, "transferFrom", fan, box.address, id)
    master.deposit(1, 100)
    boxes[0].behave(1)
    boxes[1].behave(2)
    holders = [box.address for box in boxes] + [fan]
    done = master.pay(fan, "claimForMany", holders, NATIVE)
    assert [log["holder"] for log in done.named("ClaimSkipped")] == holders[:2]
    assert [log["holder"] for log in done.named("DividendClaimed")] == holders[2:]
    assert [master.claimable(who) for who in holders] == [10, 10, 0, 0]
    assert done.gas < 500_000
    assert boxes[0].run(master.dividends, "Dividends", "claim", NATIVE).reason == "receiver refused"
    boxes[0].behave(0)
    assert boxes[0].run(master.dividends, "Dividends", "claim", NATIVE).ok


def test_a_claim_cannot_be_entered_twice(world: World, fan: str) -> None:
    coin = world.coin(world.depositor)
    master = sold_out(world, fan)
    box = world.receiver()
    master.run(fan, "transferFrom", fan, box.address, 1)
    world.evm.call(world.depositor, coin, "Stablecoin", "approve", master.dividends, ETHER)
    master.deposit(1, 100)
    master.deposit(2, 100, currency=coin)
    for again in (encode_call("Dividends", "claimAll"), encode_call("Dividends", "claim", [coin])):
        box.behave(3, master.dividends, again)
        assert box.run(master.dividends, "Dividends", "claim", NATIVE).ok
        assert (box.number("successes"), master.claimable(box.address)) == (0, 0)
        assert master.claimable(box.address, coin) == 10
        master.deposit(box.number("callbacks") + 2, 100)


def test_a_token_that_answers_false_has_refused(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    token = world.receiver()
    world.run("setCurrency", token.address, True)
    assert master.deposit(1, 100, currency=token.address).ok
    token.behave(1)
    assert master.deposit(2, 100, currency=token.address).reason == "payment refused"
    assert master.pay(fan, "claim", token.address).reason == "receiver refused"
    assert master.pay(fan, "claimFor", fan, token.address).named("ClaimSkipped")[0]["amount"] == 100
    assert master.claimable(fan, token.address) == 100


def test_a_share_sold_while_its_dividend_arrives(world: World, fan: str, friend: str) -> None:
    master = sold_out(world, fan)
    box = world.receiver()
    master.run(fan, "transferFrom", fan, box.address, 1)
    master.deposit(1, 100)
    box.behave(3, master.shares, encode_call("MasterShares", "transferFrom", [box.address, friend, 1]))
    assert box.run(master.dividends, "Dividends", "claim", NATIVE).ok
    assert (master.view("ownerOf", 1), box.number("successes")) == (friend, 1)
    assert (master.claimable(box.address), master.claimable(friend)) == (0, 0)
    master.deposit(2, 100)
    assert (master.claimable(box.address), master.claimable(friend)) == (0, 10)


def test_only_the_shares_settle(world: World, fan: str) -> None:
    master = sold_out(world, fan)
    assert master.pay(fan, "onMove", fan, 10**6, NATIVE, 0).reason == "shares only"
    assert master.pay(fan, "setup", fan, 1).reason == "factory only"
    assert world.evm.send(fan, master.dividends, value=PRICE).ok is False
