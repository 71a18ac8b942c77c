from __future__ import annotations

from uuid import UUID

from portal.chain.abi import NATIVE, record_key
from tests.chain.evm import wallet
from tests.chain.world import TERMS, World, ref


def test_addresses_follow_from_the_key(world: World) -> None:
    predicted = world.evm.view(world.factory, "Factory", "predictMaster", ref(1))
    master = world.master()
    assert predicted == (master.shares, master.dividends)
    assert master.view("dividends") == master.dividends
    assert world.evm.view(master.dividends, "Dividends", "shares") == master.shares
    assert world.evm.view(world.factory, "Factory", "isCollection", master.shares)


def test_a_key_is_used_once(world: World) -> None:
    world.master()
    again = world.run("createMaster", ref(1), TERMS | {"artist": world.artist}, "B", "B", "b/")
    assert again.reason == "made already"
    assert world.master().shares != NATIVE


def test_clones_are_set_up_once_and_by_the_factory(world: World, fan: str) -> None:
    master = world.master()
    terms = TERMS | {"artist": fan}
    for target in (master.shares, world.implementations[0]):
        taken = world.evm.call(fan, target, "MasterShares", "setup", terms, "A", "A", "a/", fan)
        assert taken.reason == "factory only"
    for target in (master.dividends, world.implementations[1]):
        assert world.evm.call(fan, target, "Dividends", "setup", fan, 5).reason == "factory only"
    assert world.run("setImplementations", *world.implementations).reason == "set already"


def test_only_the_operator_registers(world: World, fan: str) -> None:
    calls = [
        ("setOperator", fan),
        ("setTreasury", fan),
        ("setPermitSigner", fan),
        ("setDepositor", fan, True),
        ("setCurrency", world.factory, True),
        ("setCollection", fan, True),
        ("createMaster", ref(1), TERMS | {"artist": fan}, "A", "A", "a/"),
        ("createCoin", ref(1), "A", "A", [(fan, 1)]),
        ("setImplementations", fan, fan, fan),
    ]
    assert [world.run(*call, sender=fan).reason for call in calls] == ["operator only"] * len(calls)
    world.run("setOperator", fan)
    assert world.run("setTreasury", world.operator).reason == "operator only"
    assert world.run("setTreasury", fan, sender=fan).ok


def test_terms_out_of_range_are_refused(world: World) -> None:
    wrong = [
        ({"supply": 0}, "supply out of range"),
        ({"supply": 1_000_001}, "supply out of range"),
        ({"price": 2**128}, "price too large"),
        ({"start": 9, "end": 9}, "ends before it starts"),
        ({"start": 2**40}, "time out of range"),
        ({"royaltyBps": 9401}, "royalties over 100 %"),
        ({"firstBps": 2**255}, "royalties over 100 %"),
        ({"primaryFeeBps": 10_001}, "fee over 100 %"),
        ({"artist": NATIVE}, "no artist"),
        ({"currency": world.coin(listed=False)}, "currency not allowed"),
    ]
    for changes, reason in wrong:
        terms = TERMS | {"artist": world.artist} | changes
        assert world.run("createMaster", ref(1), terms, "A", "A", "a/").reason == reason


def test_currencies_come_and_go(world: World) -> None:
    coins = [world.coin(listed=False) for _ in range(9)]
    for coin in coins[:8]:
        assert world.run("setCurrency", coin, True).ok
    assert world.run("setCurrency", coins[8], True).reason == "too many currencies"
    assert world.run("setCurrency", coins[0], True).reason == "no change"
    assert world.run("setCurrency", wallet("plain"), True).reason == "not a token"
    world.run("setCurrency", coins[3], False)
    assert world.evm.view(world.factory, "Factory", "currencies") == (*coins[:3], *coins[4:8])
    assert not world.evm.view(world.factory, "Factory", "isCurrency", coins[3])


def test_claim_many_pays_the_holder_of_many_masters(world: World, fan: str, friend: str) -> None:
    masters = [world.master(supply=10) for _ in range(3)]
    for number, master in enumerate(masters):
        master.mint(fan)
        master.deposit(1, 100 * (number + 1))
    before = world.evm.balance(fan)
    done = world.run("claimMany", [master.dividends for master in masters], fan, sender=friend)
    assert [claim["amount"] for claim in done.named("DividendClaimed")] == [10, 20, 30]
    assert world.evm.balance(fan) - before == 60


def test_an_artist_coin_is_handed_out_once(world: World, fan: str, friend: str) -> None:
    key = record_key(UUID(int=7))
    predicted = world.evm.view(world.factory, "Factory", "predictCoin", bytes.fromhex(key[2:]))
    made = world.run("createCoin", key, "Night", "NGT", [(fan, 700), (friend, 300)])
    assert [log["amount"] for log in made.named("Transfer")] == [700, 300]
    assert world.evm.view(predicted, "ArtistCoin", "totalSupply") == 1000
    assert world.run("createCoin", key, "Night", "NGT", [(fan, 1)]).reason == "made already"
    assert world.evm.call(fan, predicted, "ArtistCoin", "setup", "A", "A", [(fan, 1)]).reason == "factory only"
    world.evm.call(fan, predicted, "ArtistCoin", "transfer", friend, 200)
    assert world.evm.view(predicted, "ArtistCoin", "balanceOf", friend) == 500
