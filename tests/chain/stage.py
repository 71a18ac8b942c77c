"""One master, its market and its artist's coin, on the contracts and on the oracle at once, and how steps go.

A step is a method `step_<kind>`: it draws its arguments, good ones more often than bad, and returns the
call for the chain beside the call for the oracle. Both must accept it or both refuse it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from eth_account import Account
from eth_tester import EthereumTester
from eth_utils import keccak

from portal.chain.abi import NATIVE, encode_call
from tests.chain.evm import Evm, Result, wallet
from tests.chain.oracle import ACCEPT, BURN, CALL_BACK, CALL_BACK_WITH_GAS, REFUSE
from tests.chain.oracle_coin import CoinOracle
from tests.chain.oracle_market import MarketOracle
from tests.chain.storage import give, held
from tests.chain.world import ETHER, TERMS, World

SAVED = 10**6  # coins each signer starts with

Model = Callable[[MarketOracle], None]
Step = tuple[Callable[[], Result], Model]


class Stage:
    """`resale`: the sale is over soon and early, so that there is a market to speak of."""

    def __init__(self, tester: EthereumTester, seed: int, resale: bool) -> None:
        self.random, self.resale = Random(seed), resale
        self.world = World(Evm(tester))
        self.evm = self.world.evm
        self.fans = [self.evm.fund(wallet(name)) for name in ("ann", "bob", "cay")]
        self.boxes = [self.world.receiver() for _ in range(2)]
        self.wallets = [*self.fans, *(box.address for box in self.boxes)]
        self.parties = [*self.wallets, self.world.artist, self.world.depositor]
        self.everyone = [*self.parties, self.world.treasury]
        self.coins = [self.world.coin(listed=number < 4) for number in range(5)]
        self.currencies = [NATIVE, *self.coins]
        self.terms = self._terms()
        self.master = self.world.master(**self.terms)
        self.market = self.world.market()
        self.signers = [Account.from_key(keccak(text=f"saver {number}")) for number in range(3)]
        self.savers = [signer.address.lower() for signer in self.signers]
        self.artist_coin = self.world.artist_coin(*((saver, SAVED) for saver in self.savers))
        self._supply()
        self.oracle = self._oracle()
        self.seen: Counter[tuple[str, bool]] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.result: Result | None = None

    def _terms(self) -> dict[str, Any]:
        draw, now = self.random, self.evm.now
        return TERMS | {
            "artist": self.world.artist,
            "currency": draw.choice([NATIVE, NATIVE, self.coins[0]]),
            "price": draw.choice([0, 7, 1000, 10**6 + 1, 10**15]),
            "supply": draw.choice([4, 9, 30] if self.resale else [2, 9, 30, 100]),
            "start": 0 if self.resale else draw.choice([0, 0, now + 30]),
            "end": 0 if self.resale else draw.choice([0, 0, now + 250]),
            "royaltyBps": draw.choice([0, 1000, 9400]),
            "primaryFeeBps": draw.choice([0, 250, 10_000]),
            "permitRequired": not self.resale and draw.random() < 0.25,
        }

    def _supply(self) -> None:
        """Money, and leave to take it; a treasury that now and then is code; receivers that remember."""
        contracts = self.master.shares, self.master.dividends, self.market.address
        for party in self.parties:
            for coin in self.coins:
                give(self.evm, coin, party, ETHER, *contracts)
        if self.random.random() < 0.4:
            self.world.run("setTreasury", self.boxes[1].address)
        for who in self.wallets:
            self.master.run(who, "setApprovalForAll", self.market.address, True)
        for box in self.boxes:
            self.evm.poke(box.address, 1, 1)
            self.evm.poke(box.address, 2, 1)

    def _oracle(self) -> MarketOracle:
        world, master = self.world, self.master
        oracle = MarketOracle(
            terms=self.terms,
            shares=master.shares,
            dividends=master.dividends,
            treasury=str(self.evm.view(world.factory, "Factory", "treasury")),
            operator=world.operator,
            depositor=world.depositor,
            listed=self.coins[:4],
            now=self.evm.now,
            artist=world.artist,
            market=self.market.address,
            fee=50,
            coin=CoinOracle(SAVED * len(self.savers), Counter(dict.fromkeys(self.savers, SAVED))),
        )
        oracle.operators = {(who, self.market.address) for who in self.wallets}
        for party in self.parties:
            for currency in self.currencies:
                oracle.money[currency, party] = held(self.evm, currency, party)
        return oracle

    # ------------------------------------------------------------ running

    @classmethod
    def kinds(cls) -> list[str]:
        return [name.removeprefix("step_") for name in dir(cls) if name.startswith("step_")]

    def step(self, kind: str) -> None:
        chain, model = getattr(self, f"step_{kind}")()
        expected = self.oracle.attempt(model)
        self.result = result = chain()
        assert result.ok == expected, f"{kind}: chain {result.ok} ({result.reason}), oracle {expected}"
        self.seen[kind, expected] += 1
        self.reasons[kind, result.reason] += 1

    def must(self, chain: Callable[[], Result], model: Model) -> None:
        """A step that is meant to be made, whatever comes of it."""
        expected = self.oracle.attempt(model)
        assert chain().ok == expected

    def weather(self) -> None:
        """Time passes and receivers change their minds."""
        if self.chance(0.2):
            self.evm.now += self.random.choice([1, 15, 60])
            self.oracle.now = self.evm.now
        if self.chance(0.3):
            modes = [ACCEPT, ACCEPT, REFUSE, REFUSE, BURN, CALL_BACK, CALL_BACK_WITH_GAS]
            self.behave(self.random.choice(self.boxes), self.random.choice(modes))

        for box in self.boxes:
            if self.oracle.credits[box.address, NATIVE] and self.chance(0.3):
                self.behave(box, ACCEPT)

    def behave(self, box: Any, mode: int) -> None:
        target, payload, model = NATIVE, "0x", lambda oracle: None
        if mode == CALL_BACK:
            target, payload, model = self.random.choice(self._light(box.address))
        if mode == CALL_BACK_WITH_GAS:
            target, payload, model = self.random.choice(self._heavy(box.address))
        box.behave(mode, target, payload)
        self.oracle.modes[box.address], self.oracle.backs[box.address] = mode, model

    def _light(self, who: str) -> list[tuple[str, str, Model]]:
        """What a receiver may do with the gas that comes along when others make the payment."""
        claim, withdraw = encode_call("Dividends", "claim", [NATIVE]), encode_call("Market", "withdraw", [NATIVE])
        return [
            (self.master.dividends, claim, lambda o: o.claim(who, NATIVE)),
            (self.market.address, withdraw, lambda o: o.withdraw(who, NATIVE)),
        ]

    def _heavy(self, who: str) -> list[tuple[str, str, Model]]:
        """What it may do with more: claim all, take royalties, pass a share on, take an offer back or buy."""
        id, fan, number = self.random.choice([1, 2, 3]), self.fans[0], max(self.oracle.last_offer, 1)
        shares, dividends, market = self.master.shares, self.master.dividends, self.market.address
        take = encode_call("MasterShares", "withdrawRoyalty", [NATIVE])
        give_away = encode_call("MasterShares", "transferFrom", [who, fan, id])
        return [
            (dividends, encode_call("Dividends", "claimAll"), lambda o: o.claim_all(who)),
            (shares, take, lambda o: o.withdraw_royalty(who, NATIVE)),
            (shares, give_away, lambda o: o.transfer(who, who, fan, id)),
            (market, encode_call("Market", "accept", [number]), lambda o: o.accept(who, number)),
            (market, encode_call("Market", "cancelOffer", [number]), lambda o: o.cancel_offer(who, number)),
        ]

    # ------------------------------------------------------------ draws

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def wallet(self) -> str:
        return self.random.choice(self.wallets)

    def manager(self) -> str:
        """Mostly nobody who may steer, or every offer would be over at once."""
        return self.random.choice([self.oracle.artist, self.world.operator, *self.fans * 3])

    def currency(self) -> str:
        return self.random.choice([NATIVE, NATIVE, NATIVE, *self.coins])

    def token(self) -> int:
        """A share that somebody holds, or nearly."""
        owned = list(self.oracle.owner)
        if owned and self.chance(0.85):
            return self.random.choice(owned)
        return self.random.choice([0, self.oracle.minted + 1, 1])

    def payment(self, amount: int, currency: str) -> int:
        """What comes along with a call: what is due, or now and then a unit more."""
        due = amount if currency == NATIVE else 0
        return due + self.chance(0.08)

