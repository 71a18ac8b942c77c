"""A platform on an `Evm`: factory, implementations, stablecoin, and masters made through the factory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils import keccak
from vyper import compile_code

from portal.chain.abi import NATIVE, encode_call, mint_permit
from tests.chain.evm import Evm, Result, wallet
from tests.chain.storage import give

ETHER = 10**18
PRICE = 10**16
UNLIMITED = 2**256 - 1
TERMS: dict[str, Any] = {
    "currency": NATIVE,
    "price": PRICE,
    "supply": 100,
    "start": 0,
    "end": 0,
    "royaltyBps": 1000,
    "firstBps": 300,
    "secondBps": 200,
    "thirdBps": 100,
    "primaryFeeBps": 250,
    "permitRequired": False,
}


def ref(number: int) -> bytes:
    return number.to_bytes(32)


@cache
def receiver_code() -> str:
    source = Path(__file__).with_name("Receiver.vy")
    return str(compile_code(source.read_text(), output_formats=["bytecode"])["bytecode"])


def _calldata(signature: str, args: list[Any]) -> str:
    kinds = signature[signature.index("(") + 1 : -1].split(",")
    return "0x" + keccak(text=signature)[:4].hex() + abi_encode(kinds, args).hex()


class World:
    """The parties are wallets without keys, but the permit signer, who has to sign."""

    def __init__(self, evm: Evm) -> None:
        self.evm = evm
        self.operator = evm.fund(wallet("operator"))
        self.depositor = evm.fund(wallet("depositor"))
        self.artist = evm.fund(wallet("artist"))
        self.treasury = wallet("treasury")
        self.signer = Account.from_key(keccak(text="signer"))
        self.keys = count(1)
        self.factory = evm.deploy(self.operator, "Factory", self.operator, self.treasury, self.signer.address)
        self.implementations = [
            evm.deploy(self.operator, name, self.factory) for name in ("MasterShares", "Dividends", "ArtistCoin")
        ]
        self.run("setImplementations", *self.implementations)
        self.run("setDepositor", self.depositor, True)

    def run(self, function: str, *args: Any, sender: str = "") -> Result:
        return self.evm.call(sender or self.operator, self.factory, "Factory", function, *args)

    def coin(self, *holders: str, listed: bool = True) -> str:
        """A new stablecoin of which each holder has plenty."""
        coin = self.evm.deploy(self.operator, "Stablecoin")
        for holder in holders:
            give(self.evm, coin, holder, ETHER)
        if listed:
            assert self.run("setCurrency", coin, True).ok
        return coin

    def master(self, **changes: Any) -> Master:
        terms = TERMS | {"artist": self.artist} | changes
        made = self.run("createMaster", ref(next(self.keys)), terms, "Night Bus", "NIGHT", "https://x.example/m/")
        assert made.ok, made.reason
        created = made.named("MasterCreated")[0]
        return Master(self, created["shares"], created["dividends"], terms["price"], terms["currency"])

    def market(self, fee: int = 50) -> Market:
        return Market(self, self.evm.deploy(self.operator, "Market", self.factory, fee))

    def artist_coin(self, *parts: tuple[str, int]) -> str:
        key = ref(next(self.keys))
        assert self.run("createCoin", key, "Night", "NGT", parts).ok
        return str(self.evm.view(self.factory, "Factory", "predictCoin", key))

    def receiver(self) -> Receiver:
        address = self.evm.create(self.operator, receiver_code())
        self.evm.fund(address, 10**21)
        return Receiver(self.evm, address)


@dataclass(frozen=True)
class Receiver:
    evm: Evm
    address: str

    def behave(self, mode: int, target: str = NATIVE, payload: str = "0x") -> None:
        args = [mode, target, bytes.fromhex(payload[2:])]
        self.evm.send(wallet("operator"), self.address, _calldata("behave(uint256,address,bytes)", args))

    def run(self, to: str, contract: str, function: str, *args: Any, value: int = 0) -> Result:
        data = bytes.fromhex(encode_call(contract, function, args)[2:])
        return self.evm.send(wallet("operator"), self.address, _calldata("run(address,bytes)", [to, data]), value)

    def pay_royalty(self, shares: str, price: int) -> Result:
        data = _calldata("pay_royalty(address)", [shares])
        return self.evm.send(wallet("operator"), self.address, data, price)

    def number(self, name: str) -> int:
        done = self.evm.look(self.address, "0x" + keccak(text=f"{name}()")[:4].hex())
        return int.from_bytes(done.output)


@dataclass(frozen=True)
class Master:
    world: World
    shares: str
    dividends: str
    price: int
    currency: str

    def run(self, sender: str, function: str, *args: Any, value: int = 0) -> Result:
        return self.world.evm.call(sender, self.shares, "MasterShares", function, *args, value=value)

    def view(self, function: str, *args: Any) -> Any:
        return self.world.evm.view(self.shares, "MasterShares", function, *args)

    def mint(self, who: str, quantity: int = 1) -> Result:
        value = self.price * quantity if self.currency == NATIVE else 0
        return self.run(who, "mint", quantity, value=value)

    def permit(self, who: str, allowance: int, terms: bytes, deadline: int, key: Any = None) -> bytes:
        typed = mint_permit(self.shares, self.world.evm.chain_id, who, allowance, "0x" + terms.hex(), deadline)
        return bytes((key or self.world.signer).sign_typed_data(full_message=typed).signature)

    def deposit(self, number: int, pool: int, *parts: tuple[str, int], currency: str = NATIVE) -> Result:
        total = pool + sum(amount for _, amount in parts)
        return self.world.evm.call(
            self.world.depositor,
            self.dividends,
            "Dividends",
            "deposit",
            ref(number),
            currency,
            pool,
            parts,
            value=total if currency == NATIVE else 0,
        )

    def pay(self, sender: str, function: str, *args: Any) -> Result:
        """A call to the dividends."""
        return self.world.evm.call(sender, self.dividends, "Dividends", function, *args)

    def claimable(self, who: str, currency: str = NATIVE) -> int:
        return int(self.world.evm.view(self.dividends, "Dividends", "claimable", who, currency))


@dataclass(frozen=True)
class Market:
    world: World
    address: str

    def run(self, sender: str, function: str, *args: Any, value: int = 0) -> Result:
        return self.world.evm.call(sender, self.address, "Market", function, *args, value=value)

    def view(self, function: str, *args: Any) -> Any:
        return self.world.evm.view(self.address, "Market", function, *args)
