"""A chain that exists only as logs: it can fork, and everything on it is decided by a seed.

`World` plays one master on it: shares, dividends and a coin that obey the contracts' rules, so that every log is one
the contracts could have sent. Forgetting blocks forgets what happened in them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi.abi import encode as abi_encode

from portal.chain.abi import NATIVE, event_of
from portal.chain.artifacts import contract_abi
from portal.chain.ids import ZERO

GENESIS_TIME = 1_700_000_000
BLOCK_SECONDS = 12
SUPPLY = 40
TOKEN = "0x" + "cc" * 20
ARTIST = "0x" + "a0" * 20
WALLETS = ["0x" + f"{number:02x}" * 20 for number in range(1, 8)]

Raw = dict[str, Any]


def digest(*parts: object) -> str:
    return "0x" + hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


@cache
def _item(contract: str, name: str) -> Mapping[str, Any]:
    return next(item for item in contract_abi(contract) if item["type"] == "event" and item["name"] == name)


@dataclass(frozen=True)
class Event:
    """One log before it has a place."""

    contract: str
    address: str
    name: str
    args: dict[str, Any]

    def raw(self) -> Raw:
        item = _item(self.contract, self.name)
        event = event_of(item)
        words = [
            "0x" + abi_encode([part["type"]], [self.args[part["name"]]]).hex()
            for part in item["inputs"]
            if part["indexed"]
        ]
        plain = [part for part in item["inputs"] if not part["indexed"]]
        data = abi_encode([part["type"] for part in plain], [self.args[part["name"]] for part in plain])
        return {"address": self.address, "topics": [event.topic0, *words], "data": "0x" + data.hex()}


@dataclass
class FakeBlock:
    number: int
    hash: str
    parent_hash: str
    timestamp: int
    logs: list[Raw] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def header(self) -> Raw:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": self.parent_hash,
            "timestamp": hex(self.timestamp),
        }


class FakeChain:
    """Blocks by number. `salt` makes the hashes of every fork its own."""

    def __init__(self, finality: int = 8) -> None:
        self.finality = finality
        self.salt = 0
        self.blocks = [FakeBlock(0, digest("genesis"), digest("nothing"), GENESIS_TIME)]

    @property
    def head(self) -> FakeBlock:
        return self.blocks[-1]

    @property
    def finalized(self) -> int:
        return max(self.head.number - self.finality, 0)

    def mine(self, *transactions: list[Event]) -> FakeBlock:
        """A block with these transactions' logs."""
        number = self.head.number + 1
        block_hash = digest(number, self.head.hash, self.salt, len(transactions))
        block = FakeBlock(number, block_hash, self.head.hash, GENESIS_TIME + BLOCK_SECONDS * number)
        for place, events in enumerate(transactions):
            for event in events:
                block.logs.append(
                    event.raw()
                    | {
                        "blockNumber": hex(number),
                        "blockHash": block_hash,
                        "transactionHash": digest("tx", block_hash, place),
                        "transactionIndex": hex(place),
                        "logIndex": hex(len(block.logs)),
                        "removed": False,
                    }
                )
                block.events.append(event)
        self.blocks.append(block)
        return block

    def drop(self, depth: int) -> None:
        """Forget the newest blocks; what is mined next is another fork."""
        del self.blocks[len(self.blocks) - depth :]
        self.salt += 1


@dataclass
class State:
    """What the contracts would hold."""

    owners: dict[int, str] = field(default_factory=dict)
    minted: int = 0
    carry: dict[str, int] = field(default_factory=dict)
    owed: dict[tuple[str, str], int] = field(default_factory=dict)
    coins: dict[str, int] = field(default_factory=dict)


class World:
    """One master and one coin on a fake chain, stepped by a seed."""

    def __init__(self, seed: int = 0, finality: int = 8) -> None:
        self.random = random.Random(seed)
        self.chain = FakeChain(finality)
        self.shares, self.dividends = digest("shares", seed)[:42], digest("dividends", seed)[:42]
        self.coin, self.factory = digest("coin", seed)[:42], "0x" + "fa" * 20
        self.market = "0x" + "3a" * 20
        self.key = digest("key", seed)
        self.state = State()
        self._history = [deepcopy(self.state)]
        self._refs = 0
        self.refs: list[str] = []

    # --- blocks -------------------------------------------------------------------------------------------

    def launch(self) -> FakeBlock:
        """The contracts are made, and the coin's supply is handed to the artist."""
        self.state.coins[ARTIST] = 10**24
        created = {"key": bytes.fromhex(self.key[2:]), "shares": self.shares, "dividends": self.dividends}
        return self.block(
            [Event("Factory", self.factory, "MasterCreated", created)],
            [self._coin(ZERO, ARTIST, 10**24)],
        )

    def block(self, *transactions: list[Event]) -> FakeBlock:
        self._history.append(deepcopy(self.state))
        return self.chain.mine(*transactions)

    def fork(self, depth: int) -> None:
        """Forget `depth` blocks and all that happened in them."""
        self.chain.drop(depth)
        del self._history[len(self._history) - depth :]
        self.state = deepcopy(self._history[-1])

    def random_block(self, most: int = 4) -> FakeBlock:
        return self.block(*(self.random.choice(self._steps())() for _ in range(self.random.randint(0, most))))

    def _steps(self) -> list[Callable[[], list[Event]]]:
        return [self.mint, self.mint, self.move, self.move, self.move, self.deposit, self.claim, self.pay, self.burn]

    # --- transactions -------------------------------------------------------------------------------------

    def mint(self, wallet: str = "", count: int = 0) -> list[Event]:
        wallet = wallet or self.random.choice(WALLETS)
        count = min(count or self.random.randint(1, 6), SUPPLY - self.state.minted)
        first = self.state.minted + 1
        events = []
        for token in range(first, first + count):
            self.state.owners[token] = wallet
            events.append(self._share(ZERO, wallet, token))
        self.state.minted += count
        minted = {"minter": wallet, "firstId": first, "count": count, "price": 10**15, "terms": b"\1" * 32}
        return [*events, Event("MasterShares", self.shares, "Minted", minted)] if count else []

    def move(self, token: int = 0, to: str = "") -> list[Event]:
        held = sorted(token for token, owner in self.state.owners.items() if owner != ZERO)
        if not held:
            return []
        token, to = token or self.random.choice(held), to or self.random.choice(WALLETS)
        owner, self.state.owners[token] = self.state.owners[token], to
        return [self._share(owner, to, token)]

    def burn(self) -> list[Event]:
        return self.move(to=ZERO) if self.random.random() < 0.3 else []

    def deposit(self, pool: int = 0, currency: str = "", ref: str = "") -> list[Event]:
        currency = currency or self.random.choice([NATIVE, TOKEN])
        pool = pool or self.random.randint(1, 10**6)
        part = self.random.randint(0, 1000)
        self._refs += 1
        ref = ref or digest("ref", self._refs, self.shares)
        self.refs.append(ref)
        per, carry = divmod(pool + self.state.carry.get(currency, 0), SUPPLY)
        outstanding = [owner for owner in self.state.owners.values() if owner != ZERO]
        unminted = per * (SUPPLY - len(outstanding))
        self.state.carry[currency] = carry
        for owner in outstanding:
            self._owe(owner, currency, per)
        place = {"ref": bytes.fromhex(ref[2:]), "token": currency}
        paid = {"totalAmount": pool + part, "holdersPool": pool, "perShare": per, "unminted": unminted, "carry": carry}
        return [
            self._dividend("RevenueDeposited", **place, amount=pool + part, timestamp=0),
            self._dividend("DividendsDistributed", **place, **paid),
            *(
                self._dividend("Credited", **place, who=ARTIST, amount=self._owe(ARTIST, currency, amount))
                for amount in (unminted, part)
                if amount
            ),
        ]

    def claim(self, wallet: str = "", currency: str = "") -> list[Event]:
        due = sorted(key for key, amount in self.state.owed.items() if amount and wallet in ("", key[0]))
        if not due:
            return []
        holder, token = self.random.choice(due)
        amount, self.state.owed[holder, token] = self.state.owed[holder, token], 0
        return [self._dividend("DividendClaimed", holder=holder, token=token, amount=amount)]

    def pay(self) -> list[Event]:
        sender = self.random.choice(sorted(who for who, amount in self.state.coins.items() if amount))
        to, amount = self.random.choice(WALLETS), self.random.randint(1, self.state.coins[sender])
        self.state.coins[sender] -= amount
        self.state.coins[to] = self.state.coins.get(to, 0) + amount
        return [self._coin(sender, to, amount)]

    def _owe(self, wallet: str, currency: str, amount: int) -> int:
        self.state.owed[wallet, currency] = self.state.owed.get((wallet, currency), 0) + amount
        return amount

    def _share(self, sender: str, receiver: str, token: int) -> Event:
        args = {"sender": sender, "receiver": receiver, "tokenId": token}
        return Event("MasterShares", self.shares, "Transfer", args)

    def _coin(self, sender: str, receiver: str, amount: int) -> Event:
        args = {"sender": sender, "receiver": receiver, "amount": amount}
        return Event("ArtistCoin", self.coin, "Transfer", args)

    def _dividend(self, name: str, **args: Any) -> Event:
        return Event("Dividends", self.dividends, name, args)
