"""The tokens against the texts of their standards; each test names the clause that it holds them to."""

from __future__ import annotations

from functools import cache

import pytest
from eth_account import Account
from eth_utils import keccak
from vyper import compile_code

from portal.chain.abi import NATIVE
from tests.chain.evm import Result, wallet
from tests.chain.steps_coin import permit_of
from tests.chain.world import Master, World

COIN = 1000
STRANGER = wallet("stranger")
RECIPIENT = """
# pragma version 0.4.3
# A contract that is handed a token, keeps what it was told and answers as it was made to.
answer: bytes4
operator: public(address)
sender: public(address)
tokenId: public(uint256)
data: public(Bytes[1024])

@deploy
def __init__(answer: bytes4):
    self.answer = answer

@external
def onERC721Received(operator: address, sender: address, tokenId: uint256, data: Bytes[1024]) -> bytes4:
    self.operator = operator
    self.sender = sender
    self.tokenId = tokenId
    self.data = data
    return self.answer
"""


@cache
def recipient_code() -> str:
    return str(compile_code(RECIPIENT, output_formats=["bytecode"])["bytecode"])


def recipient(world: World, answer: str) -> str:
    return world.evm.create(world.operator, recipient_code() + answer.ljust(64, "0"))


def told(world: World, recipient: str, name: str) -> bytes:
    return bytes(world.evm.look(recipient, "0x" + keccak(text=f"{name}()")[:4].hex()).output)


@pytest.fixture
def master(world: World, fan: str) -> Master:
    """Five shares, all held by fan."""
    made = world.master()
    assert made.mint(fan, 5).ok
    return made


def supports(master: Master, code: str) -> bool:
    return bool(master.view("supportsInterface", bytes.fromhex(code)))


# ------------------------------------------------------------ ERC-165


def test_165_its_own_id_is_supported_and_ffffffff_is_not(master: Master) -> None:
    """ERC-165: true for 0x01ffc9a7, false for 0xffffffff, and less than 30,000 gas."""
    assert supports(master, "01ffc9a7")
    assert not supports(master, "ffffffff")
    assert master.run(STRANGER, "supportsInterface", bytes.fromhex("12345678")).gas - 21_000 < 30_000


@pytest.mark.parametrize(
    ("code", "functions"),
    [
        (
            "80ac58cd",
            "balanceOf(address) ownerOf(uint256) safeTransferFrom(address,address,uint256,bytes)"
            " safeTransferFrom(address,address,uint256) transferFrom(address,address,uint256)"
            " approve(address,uint256) setApprovalForAll(address,bool) getApproved(uint256)"
            " isApprovedForAll(address,address)",
        ),
        ("5b5e139f", "name() symbol() tokenURI(uint256)"),
        ("2a55205a", "royaltyInfo(uint256,uint256)"),
        ("01ffc9a7", "supportsInterface(bytes4)"),
    ],
)
def test_165_an_id_is_the_xor_of_its_selectors_and_is_claimed(master: Master, code: str, functions: str) -> None:
    """ERC-165: the identifier is the XOR of all selectors in the interface; 721, its metadata, 2981."""
    folded = 0
    for function in functions.split():
        folded ^= int.from_bytes(keccak(text=function)[:4])
    assert folded == int(code, 16)
    assert supports(master, code)


# ------------------------------------------------------------ ERC-721


def test_721_balance_counts_and_the_zero_address_throws(master: Master, fan: str) -> None:
    """balanceOf: "NFTs assigned to the zero address are considered invalid" and the query throws."""
    assert (master.view("balanceOf", fan), master.view("balanceOf", STRANGER)) == (5, 0)
    assert not master.run(fan, "balanceOf", NATIVE).ok


def test_721_the_owner_of_an_invalid_token_throws(master: Master, fan: str) -> None:
    """ownerOf, getApproved, tokenURI: throw for a token that is not valid; approve and transfers likewise."""
    for missing in (0, 6, 2**256 - 1):
        for call in (("ownerOf", missing), ("getApproved", missing), ("tokenURI", missing), ("approve", fan, missing)):
            assert not master.run(fan, *call).ok
        for function in ("transferFrom", "safeTransferFrom"):
            assert not master.run(fan, function, fan, STRANGER, missing).ok


def test_721_a_token_handed_back_is_invalid(world: World, master: Master, fan: str) -> None:
    """Transfer is emitted to the zero address when a token is destroyed, and no query finds it again."""
    master.run(world.artist, "cancel")
    assert master.run(fan, "refund", [2]).named("Transfer") == [{"sender": fan, "receiver": NATIVE, "tokenId": 2}]
    for function in ("ownerOf", "getApproved", "tokenURI"):
        assert not master.run(fan, function, 2).ok


def test_721_creation_and_every_change_of_owner_are_logged(world: World, fan: str) -> None:
    """Transfer: emitted when ownership changes by any mechanism, from zero when created."""
    master = world.master()
    minted = master.mint(fan, 2).named("Transfer")
    assert minted == [{"sender": NATIVE, "receiver": fan, "tokenId": id} for id in (1, 2)]
    for function in ("transferFrom", "safeTransferFrom"):
        moved = master.run(fan, function, fan, STRANGER, 1 if function == "transferFrom" else 2)
        assert [(log["sender"], log["receiver"]) for log in moved.named("Transfer")] == [(fan, STRANGER)]


@pytest.mark.parametrize("function", ["transferFrom", "safeTransferFrom"])
def test_721_who_may_transfer_what_to_whom(master: Master, fan: str, friend: str, function: str) -> None:
    """Throws unless the caller is owner, operator or approved; if from is not the owner; if to is zero."""
    assert not master.run(friend, function, fan, friend, 1).ok
    assert not master.run(fan, function, friend, fan, 1).ok
    assert not master.run(fan, function, fan, NATIVE, 1).ok
    master.run(fan, "approve", friend, 1)
    assert not master.run(friend, function, fan, friend, 2).ok
    assert master.run(friend, function, fan, friend, 1).ok
    master.run(fan, "setApprovalForAll", friend, True)
    assert master.run(friend, function, fan, friend, 2).ok
    assert master.run(fan, function, fan, fan, 3).ok


def test_721_a_safe_transfer_asks_the_contract_that_receives(world: World, master: Master, fan: str) -> None:
    """onERC721Received(operator, from, tokenId, data) after the transfer; anything but its selector throws."""
    assert keccak(text="onERC721Received(address,address,uint256,bytes)")[:4].hex() == "150b7a02"
    good, bad = recipient(world, "150b7a02"), recipient(world, "150b7a03")
    operator = world.evm.fund(wallet("helper"))
    master.run(fan, "setApprovalForAll", operator, True)
    assert master.run(operator, "safeTransferFrom", fan, good, 1, b"hello").ok
    assert told(world, good, "operator")[12:].hex() == operator[2:]
    assert told(world, good, "sender")[12:].hex() == fan[2:]
    assert int.from_bytes(told(world, good, "tokenId")) == 1
    assert told(world, good, "data").rstrip(b"\0").endswith(b"hello")
    for refusing in (bad, world.factory):
        assert not master.run(fan, "safeTransferFrom", fan, refusing, 2).ok
        assert not master.run(fan, "safeTransferFrom", fan, refusing, 2, b"").ok
    assert master.view("ownerOf", 2) == fan


def test_721_without_data_a_safe_transfer_says_the_empty_text(world: World, master: Master, fan: str) -> None:
    """safeTransferFrom without data: identical but for data = ""."""
    good = recipient(world, "150b7a02")
    assert master.run(fan, "safeTransferFrom", fan, good, 1).ok
    assert int.from_bytes(told(world, good, "data")[32:64]) == 0


def test_721_transfer_from_asks_nobody(world: World, master: Master, fan: str) -> None:
    """transferFrom: the caller is responsible; a contract is not asked."""
    assert master.run(fan, "transferFrom", fan, world.factory, 1).ok


def test_721_approve_is_for_owner_and_operator_and_may_be_taken_back(master: Master, fan: str, friend: str) -> None:
    """approve: throws unless the caller is owner or operator; zero means nobody; Approval is emitted."""
    assert not master.run(friend, "approve", friend, 1).ok
    done = master.run(fan, "approve", friend, 1)
    assert done.named("Approval") == [{"owner": fan, "approved": friend, "tokenId": 1}]
    assert not master.run(friend, "approve", STRANGER, 1).ok
    assert master.run(fan, "approve", NATIVE, 1).named("Approval")[0]["approved"] == NATIVE
    assert master.view("getApproved", 1) == NATIVE
    assert not master.run(friend, "transferFrom", fan, friend, 1).ok
    master.run(fan, "setApprovalForAll", friend, True)
    assert master.run(friend, "approve", STRANGER, 1).named("Approval")[0]["owner"] == fan


def test_721_a_transfer_resets_the_approval(master: Master, fan: str, friend: str) -> None:
    """Approval: "when a Transfer event emits, this also indicates that the approved address is reset"."""
    master.run(fan, "approve", friend, 1)
    master.run(fan, "transferFrom", fan, fan, 1)
    assert master.view("getApproved", 1) == NATIVE
    assert not master.run(friend, "transferFrom", fan, friend, 1).ok


def test_721_an_owner_has_many_operators(master: Master, fan: str, friend: str) -> None:
    """setApprovalForAll: must allow multiple operators per owner; ApprovalForAll is emitted."""
    for operator in (friend, STRANGER):
        done = master.run(fan, "setApprovalForAll", operator, True)
        assert done.named("ApprovalForAll") == [{"owner": fan, "operator": operator, "approved": True}]
    master.run(fan, "setApprovalForAll", friend, False)
    assert [master.view("isApprovedForAll", fan, who) for who in (friend, STRANGER)] == [False, True]


def test_721_metadata(master: Master) -> None:
    """name, symbol, tokenURI: a distinct URI for each asset."""
    assert (master.view("name"), master.view("symbol")) == ("Night Bus", "NIGHT")
    assert [master.view("tokenURI", id) for id in (1, 5)] == [f"https://x.example/m/{id}" for id in (1, 5)]


# ------------------------------------------------------------ ERC-2981, 4906, 7572


def test_2981_the_royalty_is_a_percentage_of_any_price(master: Master) -> None:
    """royaltyInfo: receiver and amount in the unit of the price, the same percentage at every price."""
    assert supports(master, "2a55205a")
    for price in (0, 10_000, 10**24):
        assert master.view("royaltyInfo", 1, price) == (master.shares, price * 16 // 100)


def test_4906_a_change_of_metadata_is_announced_for_all_tokens(world: World, master: Master) -> None:
    """ERC-4906: supportsInterface(0x49064906), and an event when the metadata of a range changed."""
    assert supports(master, "49064906")
    done = master.run(world.operator, "setBaseURI", "https://y.example/m/")
    assert done.named("BatchMetadataUpdate") == [{"fromTokenId": 1, "toTokenId": 5}]


def test_7572_the_contracts_own_metadata(world: World, master: Master) -> None:
    """ERC-7572: contractURI() answers a URI, and ContractURIUpdated() is emitted when it changes."""
    assert master.view("contractURI") == "https://x.example/m/contract"
    assert len(master.run(world.operator, "setBaseURI", "https://y.example/m/").named("ContractURIUpdated")) == 1
    assert master.view("contractURI") == "https://y.example/m/contract"


# ------------------------------------------------------------ ERC-20

TOKENS = pytest.mark.parametrize("kind", ["ArtistCoin", "Stablecoin"])


class Token:
    """A token of which `fan` has all."""

    def __init__(self, world: World, kind: str, fan: str) -> None:
        self.world, self.kind = world, kind
        if kind == "ArtistCoin":
            self.at = world.artist_coin((fan, COIN))
            return
        self.at = world.coin()
        self.run(fan, "faucet", fan, COIN)

    def run(self, who: str, function: str, *args: object) -> Result:
        return self.world.evm.call(who, self.at, self.kind, function, *args)

    def view(self, function: str, *args: object) -> object:
        return self.world.evm.view(self.at, self.kind, function, *args)

    def balances(self, *who: str) -> list[object]:
        return [self.view("balanceOf", one) for one in who]


@TOKENS
def test_20_the_optional_names_and_the_supply(world: World, fan: str, kind: str) -> None:
    """name, symbol, decimals; totalSupply; balanceOf of anybody."""
    token = Token(world, kind, fan)
    assert (token.view("name"), token.view("decimals")) in (("Night", 18), ("Demo Stablecoin", 6))
    assert token.view("symbol") in ("NGT", "USDC")
    assert token.view("totalSupply") == COIN
    assert token.balances(fan, STRANGER) == [COIN, 0]


@TOKENS
def test_20_creation_is_a_transfer_from_zero(world: World, fan: str, kind: str) -> None:
    """ "A token contract which creates new tokens SHOULD trigger a Transfer event with _from 0x0"."""
    token = Token(world, kind, fan)
    made = [log.args for log in world.evm.logs if log.address == token.at and log.name == "Transfer"]
    assert made == [{"sender": NATIVE, "receiver": fan, "amount": COIN}]


@TOKENS
def test_20_transfer(world: World, fan: str, kind: str) -> None:
    """transfer: fires Transfer, also for 0; throws when the balance is too low; answers true."""
    token = Token(world, kind, fan)
    for amount in (0, 1, COIN - 1):
        done = token.run(fan, "transfer", STRANGER, amount)
        assert done.named("Transfer") == [{"sender": fan, "receiver": STRANGER, "amount": amount}]
        assert int.from_bytes(done.output) == 1
    assert not token.run(fan, "transfer", STRANGER, 1).ok
    assert token.run(fan, "transfer", STRANGER, 0).ok
    assert token.balances(fan, STRANGER) == [0, COIN]


@TOKENS
def test_20_to_oneself_changes_nothing(world: World, fan: str, kind: str) -> None:
    token = Token(world, kind, fan)
    assert token.run(fan, "transfer", fan, COIN).ok
    assert token.balances(fan) == [COIN]


@TOKENS
def test_20_transfer_from_needs_leave(world: World, fan: str, friend: str, kind: str) -> None:
    """transferFrom: throws unless the owner has authorised the caller; 0 is a normal transfer."""
    token = Token(world, kind, fan)
    assert not token.run(friend, "transferFrom", fan, STRANGER, 1).ok
    assert token.run(friend, "transferFrom", fan, STRANGER, 0).named("Transfer")[0]["amount"] == 0
    token.run(fan, "approve", friend, COIN + 5)
    done = token.run(friend, "transferFrom", fan, STRANGER, 400)
    assert done.named("Transfer") == [{"sender": fan, "receiver": STRANGER, "amount": 400}]
    assert int.from_bytes(done.output) == 1
    assert token.view("allowance", fan, friend) == COIN + 5 - 400
    assert not token.run(friend, "transferFrom", fan, STRANGER, COIN - 399).ok
    assert token.balances(fan, friend, STRANGER) == [600, 0, 400]


@TOKENS
def test_20_approve_overwrites(world: World, fan: str, friend: str, kind: str) -> None:
    """approve: up to the amount; called again it overwrites; Approval on any successful call."""
    token = Token(world, kind, fan)
    for amount in (5, 0, 3):
        done = token.run(fan, "approve", friend, amount)
        assert done.named("Approval") == [{"owner": fan, "spender": friend, "amount": amount}]
        assert (int.from_bytes(done.output), token.view("allowance", fan, friend)) == (1, amount)
    assert token.run(friend, "transferFrom", fan, friend, 2).ok
    assert not token.run(friend, "transferFrom", fan, friend, 2).ok


# ------------------------------------------------------------ ERC-2612


class Saver:
    def __init__(self, world: World) -> None:
        self.world, self.account = world, Account.from_key(keccak(text="saver"))
        self.at = self.account.address.lower()
        self.token = Token(world, "ArtistCoin", self.at)

    def permit(self, spender: str, amount: int, nonce: int, deadline: int, signer: object = None) -> Result:
        typed = permit_of(self.token.at, self.world.evm.chain_id, self.at, spender, amount, nonce, deadline)
        signed = (signer or self.account).sign_typed_data(full_message=typed)
        args = spender, amount, deadline, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)
        return self.token.run(STRANGER, "permit", self.at, *args)


def test_2612_a_permit_sets_the_allowance_once(world: World, fan: str) -> None:
    """allowance = value, nonce + 1, Approval; sent by anybody; the same permit again must revert."""
    saver, late = Saver(world), world.evm.now + 60
    done = saver.permit(fan, 70, 0, late)
    assert done.named("Approval") == [{"owner": saver.at, "spender": fan, "amount": 70}]
    assert (saver.token.view("allowance", saver.at, fan), saver.token.view("nonces", saver.at)) == (70, 1)
    assert saver.permit(fan, 70, 0, late).reason == "bad signature"
    assert saver.permit(fan, 0, 1, late).ok
    assert saver.token.view("allowance", saver.at, fan) == 0


def test_2612_time_signer_nonce_and_every_field_are_bound(world: World, fan: str) -> None:
    """Must revert when late, when signed by another, with another nonce, or for other values."""
    saver, now = Saver(world), world.evm.now
    assert saver.permit(fan, 5, 0, now - 1).reason == "permit lapsed"
    assert saver.permit(fan, 5, 1, now).reason == "bad signature"
    assert saver.permit(fan, 5, 0, now, Account.from_key(b"\x01" * 32)).reason == "bad signature"
    typed = permit_of(saver.token.at, world.evm.chain_id, saver.at, fan, 5, 0, now)
    signed = saver.account.sign_typed_data(full_message=typed)
    r, s = signed.r.to_bytes(32), signed.s.to_bytes(32)
    for spender, amount, deadline in ((STRANGER, 5, now), (fan, 6, now), (fan, 5, now + 1)):
        args = (saver.at, spender, amount, deadline, signed.v, r, s)
        assert saver.token.run(fan, "permit", *args).reason == "bad signature"
    assert saver.token.run(fan, "permit", NATIVE, fan, 5, now, 27, b"\0" * 32, b"\0" * 32).reason == "bad signature"
    mirrored = (0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - signed.s).to_bytes(32)
    args = (saver.at, fan, 5, now, 55 - signed.v, r, mirrored)
    assert saver.token.run(fan, "permit", *args).reason == "bad signature"
    assert saver.token.run(fan, "permit", saver.at, fan, 5, now, signed.v, r, s).ok


def test_2612_the_domain_names_chain_and_contract(world: World) -> None:
    """DOMAIN_SEPARATOR: hash of name, version, chain id and the contract, as in EIP-712."""
    saver = Saver(world)
    kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    words = [keccak(text=kind), keccak(text="Night"), keccak(text="1"), world.evm.chain_id.to_bytes(32)]
    expected = keccak(b"".join(words) + bytes.fromhex(saver.token.at[2:]).rjust(32, b"\0"))
    assert saver.token.view("DOMAIN_SEPARATOR") == expected
    assert saver.token.view("version") == "1"
