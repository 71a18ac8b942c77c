from __future__ import annotations

import pytest
from eth_account import Account

from portal.chain.abi import NATIVE, encode_call
from tests.chain.evm import wallet
from tests.chain.world import ETHER, PRICE, World, ref

SCHEDULED, LIVE, PAUSED, CLOSED, CANCELLED = range(5)


def owners(master, count: int) -> list[str]:
    return [master.view("ownerOf", id) for id in range(1, count + 1)]


@pytest.mark.parametrize("code", ["01ffc9a7", "80ac58cd", "5b5e139f", "2a55205a", "49064906"])
def test_it_names_its_interfaces(world: World, code: str) -> None:
    master = world.master()
    assert master.view("supportsInterface", bytes.fromhex(code))
    assert not master.view("supportsInterface", bytes.fromhex("ffffffff"))


def test_metadata_follows_the_base(world: World, fan: str) -> None:
    master = world.master()
    master.mint(fan, 2)
    assert (master.view("name"), master.view("symbol")) == ("Night Bus", "NIGHT")
    assert master.view("tokenURI", 2) == "https://x.example/m/2"
    assert master.run(fan, "setBaseURI", "https://y.example/").reason == "operator only"
    moved = master.run(world.operator, "setBaseURI", "https://y.example/")
    assert moved.named("BatchMetadataUpdate") == [{"fromTokenId": 1, "toTokenId": 2}]
    assert master.view("contractURI") == "https://y.example/contract"
    assert master.run(fan, "tokenURI", 3).reason == "no such token"


def test_a_mint_takes_the_price_and_names_every_share(world: World, fan: str) -> None:
    master = world.master()
    done = master.mint(fan, 3)
    assert [log["tokenId"] for log in done.named("Transfer")] == [1, 2, 3]
    assert done.named("Minted") == [{"minter": fan, "firstId": 1, "count": 3, "price": PRICE, "terms": "0x" + "0" * 64}]
    assert (master.view("minted"), master.view("balanceOf", fan), master.view("mintedBy", fan)) == (3, 3, 3)
    assert master.view("escrow") == world.evm.balance(master.shares) == 3 * PRICE


def test_a_wrong_mint_is_refused(world: World, fan: str) -> None:
    master = world.master(supply=12)
    for quantity in (0, 11):
        assert master.mint(fan, quantity).reason == "1 to 10 at a time"
    assert master.run(fan, "mint", 1, value=PRICE - 1).reason == "wrong payment"
    assert master.run(fan, "mint", 1, value=PRICE + 1).reason == "wrong payment"
    master.mint(fan, 10)
    assert master.mint(fan, 3).reason == "not enough left"
    assert master.mint(fan, 2).ok
    assert master.view("phase") == CLOSED


def test_a_price_in_stablecoin(world: World, fan: str) -> None:
    coin = world.coin(fan)
    master = world.master(currency=coin, price=5_000_000)
    assert master.mint(fan).reason == "allowance too low"
    world.evm.call(fan, coin, "Stablecoin", "approve", master.shares, ETHER)
    assert master.run(fan, "mint", 2, value=1).reason == "native coin not wanted"
    assert master.mint(fan, 2).ok
    assert world.evm.view(coin, "Stablecoin", "balanceOf", master.shares) == 10_000_000
    master.run(world.artist, "close")
    paid = master.run(world.artist, "withdrawProceeds").named("ProceedsWithdrawn")
    assert paid == [{"artist": 9_750_000, "fee": 250_000}]
    assert world.evm.view(coin, "Stablecoin", "balanceOf", world.treasury) == 250_000


def test_a_batch_has_one_owner_word_and_splits(world: World, fan: str, friend: str) -> None:
    master = world.master()
    master.mint(fan, 10)
    master.mint(friend)
    assert master.run(fan, "transferFrom", fan, friend, 4).ok
    assert owners(master, 11) == [fan] * 3 + [friend] + [fan] * 6 + [friend]
    master.run(fan, "transferFrom", fan, friend, 1)
    master.run(fan, "transferFrom", fan, fan, 10)
    assert owners(master, 11) == [friend] + [fan] * 2 + [friend] + [fan] * 6 + [friend]
    assert [master.view("moves", id) for id in (1, 2, 4, 5, 10, 11)] == [1, 0, 1, 0, 1, 0]
    assert (master.view("balanceOf", fan), master.view("balanceOf", friend)) == (8, 3)
    for missing in (0, 12, 2**255):
        assert master.run(fan, "ownerOf", missing).reason == "no such token"


def test_who_may_move_a_share(world: World, fan: str, friend: str) -> None:
    master = world.master()
    stranger = wallet("stranger")
    master.mint(fan, 3)
    assert master.run(friend, "transferFrom", fan, friend, 1).reason == "not approved"
    assert master.run(friend, "approve", friend, 1).reason == "not the owner"
    assert master.run(fan, "transferFrom", fan, NATIVE, 1).reason == "no receiver"
    assert master.run(fan, "transferFrom", friend, fan, 1).reason == "not the owner"
    master.run(fan, "approve", friend, 1)
    assert master.view("getApproved", 1) == friend
    assert master.run(friend, "transferFrom", fan, stranger, 1).ok
    assert master.view("getApproved", 1) == NATIVE
    assert master.run(friend, "transferFrom", stranger, friend, 1).reason == "not approved"
    master.run(fan, "setApprovalForAll", friend, True)
    assert master.view("isApprovedForAll", fan, friend)
    assert master.run(friend, "transferFrom", fan, friend, 2).ok


def test_a_safe_transfer_asks_the_receiver(world: World, fan: str) -> None:
    master = world.master()
    master.mint(fan, 4)
    box = world.receiver()
    assert master.run(fan, "safeTransferFrom", fan, box.address, 1).ok
    assert master.run(fan, "safeTransferFrom", fan, box.address, 2, b"hello").ok
    box.behave(1)
    assert master.run(fan, "safeTransferFrom", fan, box.address, 3).reason == "refused"
    assert not master.run(fan, "safeTransferFrom", fan, world.factory, 3).ok
    assert master.view("ownerOf", 3) == fan


def test_a_receiver_may_pass_a_share_on_at_once(world: World, fan: str, friend: str) -> None:
    master = world.master()
    master.mint(fan)
    box = world.receiver()
    box.behave(3, master.shares, encode_call("MasterShares", "transferFrom", [box.address, friend, 1]))
    assert master.run(fan, "safeTransferFrom", fan, box.address, 1).ok
    assert (box.number("successes"), master.view("ownerOf", 1)) == (1, friend)


def test_phases_follow_the_clock(world: World, fan: str) -> None:
    now = world.evm.now
    master = world.master(start=now + 100, end=now + 200)
    assert master.view("phase") == SCHEDULED
    assert master.mint(fan).reason == "not live"
    world.evm.now = now + 99
    assert master.view("phase") == SCHEDULED
    world.evm.now = now + 100
    assert master.mint(fan).ok
    paused = master.run(world.operator, "setPaused", True)
    assert paused.named("PhaseChanged") == [{"flags": 1}]
    assert (master.view("phase"), master.mint(fan).reason) == (PAUSED, "not live")
    assert master.run(world.artist, "setPaused", True).reason == "no change"
    master.run(world.artist, "setPaused", False)
    world.evm.now = now + 199
    assert master.mint(fan).ok
    world.evm.now = now + 200
    assert (master.view("phase"), master.mint(fan).reason) == (CLOSED, "not live")
    for call in (("cancel",), ("close",), ("setPaused", True)):
        assert master.run(world.artist, *call).reason == "offer is over"
    assert master.run(world.artist, "withdrawProceeds").ok


def test_only_artist_and_operator_steer(world: World, fan: str) -> None:
    master = world.master()
    for call in (("cancel",), ("close",), ("setPaused", True), ("withdrawProceeds",)):
        assert master.run(fan, *call).reason == "artist or operator only"
    assert master.run(world.operator, "setArtist", fan).reason == "artist only"
    assert master.run(world.artist, "setArtist", fan).named("ArtistChanged") == [{"artist": fan}]
    assert master.run(fan, "close").ok


def test_proceeds_wait_for_the_close_and_leave_once(world: World, fan: str) -> None:
    master = world.master()
    master.mint(fan, 4)
    assert master.run(world.artist, "withdrawProceeds").reason == "not closed"
    master.run(world.artist, "close")
    before = world.evm.balance(world.artist)
    assert master.run(world.operator, "withdrawProceeds").ok
    assert world.evm.balance(world.artist) - before == 4 * PRICE * 9750 // 10_000
    assert world.evm.balance(world.treasury) == 4 * PRICE * 250 // 10_000
    assert (world.evm.balance(master.shares), master.view("escrow"), master.view("flags")) == (0, 0, 10)
    assert master.run(world.artist, "withdrawProceeds").reason == "nothing to withdraw"


def test_a_cancel_opens_refunds_for_the_current_holder(world: World, fan: str, friend: str) -> None:
    master = world.master()
    master.mint(fan, 5)
    master.run(fan, "transferFrom", fan, friend, 2)
    assert master.run(fan, "refund", [1]).reason == "not cancelled"
    master.run(world.artist, "cancel")
    assert master.run(fan, "refund", [2]).reason == "not the holder"
    assert master.run(fan, "refund", []).reason == "no shares named"
    assert master.run(fan, "refund", [1, 1]).reason == "no such token"
    before = world.evm.balance(fan)
    done = master.run(fan, "refund", [4, 1])
    assert done.named("Refunded") == [{"holder": fan, "count": 2, "amount": 2 * PRICE}]
    assert world.evm.balance(fan) - before == 2 * PRICE
    assert master.run(fan, "ownerOf", 1).reason == "no such token"
    assert [master.view("ownerOf", id) for id in (2, 3, 5)] == [friend, fan, fan]
    assert (master.view("escrow"), master.view("totalSupply")) == (3 * PRICE, 3)
    master.run(fan, "transferFrom", fan, friend, 3)
    assert master.run(friend, "refund", [2, 3]).ok
    assert master.run(world.artist, "withdrawProceeds").reason == "not closed"


def test_a_refund_cannot_be_entered_twice(world: World) -> None:
    master = world.master()
    box = world.receiver()
    assert box.run(master.shares, "MasterShares", "mint", 2, value=2 * PRICE).ok
    master.run(world.operator, "cancel")
    box.behave(3, master.shares, encode_call("MasterShares", "refund", [[2]]))
    assert box.run(master.shares, "MasterShares", "refund", [1]).ok
    assert (box.number("callbacks"), box.number("successes")) == (1, 0)
    box.behave(1)
    assert box.run(master.shares, "MasterShares", "refund", [2]).reason == "receiver refused"
    assert master.view("ownerOf", 2) == box.address


def test_a_permit_binds_wallet_allowance_terms_and_time(world: World, fan: str, friend: str) -> None:
    master = world.master(permitRequired=True)
    now, terms = world.evm.now, b"\x07" * 32
    signature = master.permit(fan, 3, terms, now + 60)

    def mint(who: str, quantity: int, allowance: int, bound: bytes, deadline: int, signed: bytes) -> str:
        args = (quantity, allowance, bound, deadline, signed)
        return master.run(who, "mintWithPermit", *args, value=quantity * PRICE).reason

    assert master.mint(fan).reason == "permit required"
    assert mint(friend, 1, 3, terms, now + 60, signature) == "bad permit"
    assert mint(fan, 1, 4, terms, now + 60, signature) == "bad permit"
    assert mint(fan, 1, 3, b"\x08" * 32, now + 60, signature) == "bad permit"
    assert mint(fan, 1, 3, terms, now + 61, signature) == "bad permit"
    assert mint(fan, 1, 3, terms, now + 60, signature[:64]) == "bad permit"
    assert mint(fan, 1, 3, terms, now + 60, b"\0" * 65) == "bad permit"
    stranger = Account.from_key(b"\x01" * 32)
    assert mint(fan, 1, 3, terms, now + 60, master.permit(fan, 3, terms, now + 60, stranger)) == "bad permit"
    assert mint(fan, 2, 3, terms, now + 60, signature) == ""
    assert world.evm.logs[-1].args["terms"] == "0x" + terms.hex()
    assert mint(fan, 2, 3, terms, now + 60, signature) == "over the allowance"
    world.evm.now = now + 60
    assert mint(fan, 1, 3, terms, now + 60, signature) == ""
    world.evm.now = now + 61
    assert mint(fan, 1, 3, terms, now + 60, signature) == "permit lapsed"


def test_a_permit_is_for_one_master_and_dies_with_its_signer(world: World, fan: str) -> None:
    one, other = world.master(permitRequired=True), world.master(permitRequired=True)
    deadline = world.evm.now + 60
    args = (1, 3, ref(0), deadline, one.permit(fan, 3, ref(0), deadline))
    assert other.run(fan, "mintWithPermit", *args, value=PRICE).reason == "bad permit"
    world.run("setPermitSigner", wallet("new signer"))
    assert one.run(fan, "mintWithPermit", *args, value=PRICE).reason == "bad permit"
    world.run("setPermitSigner", NATIVE)
    assert one.run(fan, "mintWithPermit", *args, value=PRICE).reason == "bad permit"
    world.run("setPermitSigner", world.signer.address)
    assert one.run(fan, "mintWithPermit", *args, value=PRICE).ok


def test_royalties_count_filled_slots_only(world: World, fan: str, friend: str) -> None:
    master = world.master()
    assert master.view("royaltyInfo", 1, 10_000) == (master.shares, 1000)
    master.mint(fan)
    assert master.view("resaleParts", 19_999) == (1999, 599, 0, 0)
    master.mint(friend, 5)
    assert master.view("royaltyInfo", 1, 10_000) == (master.shares, 1600)
    assert [master.view("roleWallet", role) for role in range(4)] == [world.artist, fan, friend, friend]
    assert master.view("royaltyInfo", 99, 0) == (master.shares, 0)


def test_royalties_are_split_by_the_slots_as_they_were(world: World, fan: str, friend: str) -> None:
    coin = world.coin(fan)
    master = world.master()
    master.mint(fan)
    world.evm.send(friend, master.shares, value=1301)
    world.evm.call(fan, coin, "Stablecoin", "transfer", master.shares, 2600)
    credited = master.mint(friend, 2).named("RoyaltyCredited")
    assert credited == [
        {"currency": NATIVE, "artist": 1001, "first": 300, "second": 0, "third": 0},
        {"currency": coin, "artist": 2000, "first": 600, "second": 0, "third": 0},
    ]
    world.evm.send(friend, master.shares, value=1600)
    before = world.evm.balance(friend)
    done = master.run(friend, "withdrawRoyalty", NATIVE)
    assert done.named("RoyaltyWithdrawn") == [{"who": friend, "currency": NATIVE, "amount": 300}]
    assert world.evm.balance(friend) - before == 300
    assert master.run(friend, "withdrawRoyalty", NATIVE).reason == "nothing to withdraw"
    assert master.run(friend, "withdrawRoyalty", coin).reason == "nothing to withdraw"
    assert world.evm.balance(master.shares) == master.view("escrow") + 2001 + 600


def test_a_market_elsewhere_pays_with_the_stipend_alone(world: World) -> None:
    master = world.master()
    done = world.receiver().pay_royalty(master.shares, 10_000)
    assert [log["amount"] for log in done.named("RoyaltyReceived")] == [1000]


def test_the_third_slot_is_filled_alone(world: World, fan: str, friend: str) -> None:
    master = world.master()
    for who in (fan, fan, friend, fan):
        assert master.mint(who).ok
    assert [master.view("roleWallet", role) for role in (1, 2, 3)] == [fan, fan, friend]


def test_royalties_come_and_go_again(world: World, fan: str, friend: str) -> None:
    master = world.master(currency=world.coin())
    for number in range(3):
        world.evm.send(fan, master.shares, value=100 + number)
        paid = master.run(world.artist, "withdrawRoyalty", NATIVE).named("RoyaltyWithdrawn")
        assert paid[0]["amount"] == 100 + number
        assert world.evm.balance(master.shares) == 0


def test_waiting_royalties_follow_the_artists_role(world: World, fan: str, friend: str) -> None:
    master = world.master()
    world.evm.send(fan, master.shares, value=500)
    master.run(fan, "syncRoyalty", NATIVE)
    master.run(world.artist, "setArtist", friend)
    assert master.run(world.artist, "withdrawRoyalty", NATIVE).reason == "nothing to withdraw"
    assert master.run(friend, "withdrawRoyalty", NATIVE).ok


def test_a_royalty_in_a_currency_taken_off_the_list_stays_payable(world: World, fan: str) -> None:
    coin = world.coin(fan)
    master = world.master()
    world.evm.call(fan, coin, "Stablecoin", "transfer", master.shares, 50)
    master.run(fan, "syncRoyalty", coin)
    world.evm.call(fan, coin, "Stablecoin", "transfer", master.shares, 7)
    world.run("setCurrency", coin, False)
    assert master.run(fan, "syncRoyalty", coin).reason == "currency not allowed"
    paid = master.run(world.artist, "withdrawRoyalty", coin).named("RoyaltyWithdrawn")
    assert paid[0]["amount"] == 50


def test_unknown_calls_are_refused_and_plain_money_is_a_royalty(world: World, fan: str) -> None:
    master = world.master()
    assert world.evm.send(fan, master.shares, "0xdeadbeef").reason == "no such function"
    done = world.evm.send(fan, master.shares, value=5)
    assert done.named("RoyaltyReceived") == [{"sender": fan, "amount": 5}]


def test_the_terms_read_back(world: World) -> None:
    master = world.master(start=5, end=2**40 - 1, supply=1_000_000, permitRequired=True)
    expected = (world.artist, NATIVE, PRICE, 1_000_000, 5, 2**40 - 1, 1000, 300, 200, 100, 250, True)
    assert master.view("terms") == expected
