"""Random steps on one master, on the contracts and on the oracle at once.

A step is a method `step_<kind>`: it draws its arguments, good ones more often than bad, and returns the
call for the chain beside the call for the oracle. Both must accept it or both refuse it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from eth_tester import EthereumTester

from portal.chain.abi import NATIVE, encode_call
from tests.chain.evm import Evm, Result, wallet
from tests.chain.oracle import CALL_BACK, CANCELLED, CLOSED, Oracle, Refused
from tests.chain.replay import Replay
from tests.chain.world import ETHER, TERMS, World, ref

OFTEN = ["transfer", "deposit", "deposit", "claim", "arrive", "withdraw_royalty"]

Step = tuple[Callable[[], Result], Callable[[Oracle], None]]


class Driver:
    def __init__(self, tester: EthereumTester, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(Evm(tester))
        self.evm = self.world.evm
        self.fans = [self.evm.fund(wallet(name)) for name in ("ann", "bob", "cay")]
        self.boxes = [self.world.receiver() for _ in range(2)]
        self.wallets = [*self.fans, *(box.address for box in self.boxes)]
        self.parties = [*self.wallets, self.world.artist, self.world.depositor]
        self.coins = [self.world.coin(*self.parties, listed=number < 4) for number in range(5)]
        self.terms = self._terms()
        self.master = self.world.master(**self.terms)
        self.oracle = self._oracle()
        self.seen: Counter[tuple[str, bool]] = Counter()
        for party in self.parties:
            for coin in self.coins:
                for spender in (self.master.shares, self.master.dividends):
                    self.evm.call(party, coin, "Stablecoin", "approve", spender, ETHER)

    def _terms(self) -> dict[str, Any]:
        draw, now = self.random, self.evm.now
        start = draw.choice([0, 0, now + 30])
        return TERMS | {
            "artist": self.world.artist,
            "currency": draw.choice([NATIVE, NATIVE, self.coins[0]]),
            "price": draw.choice([0, 7, 1000, 10**6 + 1, 10**15]),
            "supply": draw.choice([2, 9, 30, 100]),
            "start": start,
            "end": draw.choice([0, 0, now + 250]),
            "royaltyBps": draw.choice([0, 1000, 9400]),
            "primaryFeeBps": draw.choice([0, 250, 10_000]),
            "permitRequired": draw.random() < 0.25,
        }

    def _oracle(self) -> Oracle:
        world, master = self.world, self.master
        oracle = Oracle(
            terms=self.terms,
            shares=master.shares,
            dividends=master.dividends,
            treasury=world.treasury,
            operator=world.operator,
            depositor=world.depositor,
            listed=self.coins[:4],
            now=self.evm.now,
            artist=world.artist,
        )
        for party in self.parties:
            oracle.money[NATIVE, party] = self.evm.balance(party)
            for coin in self.coins:
                oracle.money[coin, party] = ETHER
        return oracle

    # ------------------------------------------------------------ running

    @classmethod
    def kinds(cls) -> list[str]:
        return [name.removeprefix("step_") for name in dir(cls) if name.startswith("step_")]

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.weather()
            self.step(self.random.choice([*self.kinds(), *OFTEN, *self.timely()]))
            self.check()
        self.check_all()
        self.check_logs()
        self.drain()

    def timely(self) -> list[str]:
        """What is likely to go through now gets more turns; every kind has one at any time."""
        if self.oracle.phase == CANCELLED:
            return ["refund"] * 4
        if self.oracle.phase == CLOSED:
            return ["withdraw_proceeds"] * 2
        return ["mint_with_permit" if self.terms["permitRequired"] else "mint"] * 6

    def step(self, kind: str) -> None:
        chain, model = getattr(self, f"step_{kind}")()
        after = deepcopy(self.oracle)
        try:
            model(after)
        except Refused:
            expected = False
        else:
            self.oracle, expected = after, True
        result = chain()
        assert result.ok == expected, f"{kind}: chain {result.ok} ({result.reason}), oracle {expected}"
        self.seen[kind, expected] += 1

    def weather(self) -> None:
        """Time passes and receivers change their minds."""
        if self.random.random() < 0.2:
            self.evm.now += self.random.choice([1, 15, 60])
            self.oracle.now = self.evm.now
        if self.random.random() < 0.2:
            self.behave(self.random.choice(self.boxes), self.random.choice([0, 0, 1, 2, 3, 3]))

    def behave(self, box: Any, mode: int) -> None:
        payload = encode_call("Dividends", "claimAll") if mode == CALL_BACK else "0x"
        box.behave(mode, self.master.dividends, payload)
        self.oracle.modes[box.address] = mode

    # ------------------------------------------------------------ draws

    def wallet(self) -> str:
        return self.random.choice(self.wallets)

    def manager(self) -> str:
        """Mostly nobody who may steer, or every offer would be over at once."""
        return self.random.choice([self.oracle.artist, self.world.operator, *self.fans * 3])

    def currency(self) -> str:
        return self.random.choice([NATIVE, NATIVE, NATIVE, *self.coins])

    def debt(self) -> tuple[str, str]:
        """(wallet, currency): somebody who is owed money, or anybody."""
        owed = [key for key in self.oracle.earned if key[0] in self.wallets and self.oracle.due(*key) > 0]
        if owed and self.random.random() < 0.6:
            return self.random.choice(owed)
        return self.wallet(), self.currency()

    def royalties(self, currency: str) -> int:
        return self.oracle.unsplit[currency] + sum(self.oracle.pots[currency])

    def token(self) -> int:
        """A share that somebody holds, or nearly."""
        held = list(self.oracle.owner)
        if held and self.random.random() < 0.85:
            return self.random.choice(held)
        return self.random.choice([0, self.oracle.minted + 1, 1])

    def payment(self, amount: int, currency: str) -> int:
        """What comes along with a call: what is due, or now and then a unit more."""
        due = amount if currency == NATIVE else 0
        return due + (self.random.random() < 0.08)

    def shares_call(self, who: str, function: str, *args: Any, value: int = 0) -> Callable[[], Result]:
        return lambda: self.master.run(who, function, *args, value=value)

    def dividends_call(self, who: str, function: str, *args: Any) -> Callable[[], Result]:
        return lambda: self.master.pay(who, function, *args)

    # ------------------------------------------------------------ steps

    def step_mint(self) -> Step:
        who, quantity = self.wallet(), self.random.choice([1, 1, 2, 3, 4, 5, 10, 11])
        sent = self.payment(quantity * self.terms["price"], self.terms["currency"])
        return self.shares_call(who, "mint", quantity, value=sent), lambda o: o.mint(who, quantity, sent)

    def step_mint_with_permit(self) -> Step:
        who, quantity = self.wallet(), self.random.choice([1, 1, 2, 4, 10])
        allowance, deadline = self.random.choice([2, 5, 30]), self.evm.now + self.random.choice([-1, 0, 9, 9])
        sent = self.payment(quantity * self.terms["price"], self.terms["currency"])
        signed_for = self.random.choice([who] * 9 + [self.world.artist])
        signature = self.master.permit(signed_for, allowance, ref(3), deadline)
        good = signed_for == who and deadline >= self.evm.now
        return (
            self.shares_call(who, "mintWithPermit", quantity, allowance, ref(3), deadline, signature, value=sent),
            lambda o: o.mint_with_permit(who, quantity, allowance, good, sent),
        )

    def step_transfer(self) -> Step:
        id, receiver = self.token(), self.random.choice([*self.wallets * 3, NATIVE])
        owner = self.oracle.owner.get(id, self.wallet())
        who = self.random.choice([owner, owner, self.wallet()])
        sender = self.random.choice([owner] * 9 + [self.wallet()])
        return (
            self.shares_call(who, "transferFrom", sender, receiver, id),
            lambda o: o.transfer(who, sender, receiver, id),
        )

    def step_approve(self) -> Step:
        id, approved = self.token(), self.wallet()
        who = self.random.choice([self.oracle.owner.get(id, self.wallet()), self.wallet()])
        if self.random.random() < 0.2:
            return self.shares_call(who, "setApprovalForAll", approved, True), lambda o: o.approve_all(who, approved)
        return self.shares_call(who, "approve", approved, id), lambda o: o.approve(who, approved, id)

    def step_deposit(self) -> Step:
        currency, number = self.currency(), self.random.choice([1, 2, self.random.randrange(3, 10_000)])
        who = self.random.choice([self.world.depositor] * 9 + [self.wallet()])
        pool = self.random.choice([0, 1, 1000, 1000, 10**9 + 7])
        parties = [*self.wallets, self.oracle.artist, self.world.treasury]
        parts = [(self.random.choice(parties), self.random.choice([0, 1, 500])) for _ in range(2)]
        if self.random.random() < 0.05:
            parts.append((NATIVE, 5))
        sent = self.payment(pool + sum(amount for _, amount in parts), currency)

        def deposit() -> Result:
            args = (ref(number), currency, pool, parts)
            return self.evm.call(who, self.master.dividends, "Dividends", "deposit", *args, value=sent)

        return deposit, lambda o: o.deposit(who, number, currency, pool, parts, sent)

    def step_claim(self) -> Step:
        who, currency = self.debt()
        return self.dividends_call(who, "claim", currency), lambda o: o.claim(who, currency)

    def step_claim_all(self) -> Step:
        who, _ = self.debt()
        return self.dividends_call(who, "claimAll"), lambda o: o.claim_all(who)

    def step_claim_for(self) -> Step:
        who, currency = self.debt()
        call = self.dividends_call(self.fans[0], "claimFor", who, currency)
        return call, lambda o: o.claim_for(who, currency)

    def step_claim_for_many(self) -> Step:
        who, currency = self.debt()
        holders = [who, *(self.wallet() for _ in range(self.random.choice([0, 2, 5, 50])))]
        return (
            self.dividends_call(self.fans[0], "claimForMany", holders, currency),
            lambda o: o.claim_for_many(holders, currency),
        )

    def step_claim_many(self) -> Step:
        (who, _), times = self.debt(), self.random.choice([0, 1, 2, 31])
        masters = [self.master.dividends] * times
        return (
            lambda: self.world.run("claimMany", masters, who, sender=self.fans[1]),
            lambda o: o.claim_many(times, who),
        )

    def step_set_paused(self) -> Step:
        who = self.random.choice([self.oracle.artist, self.world.operator, self.fans[0]])
        paused = self.oracle.paused if self.random.random() < 0.2 else not self.oracle.paused
        return self.shares_call(who, "setPaused", paused), lambda o: o.set_paused(who, paused)

    def step_close(self) -> Step:
        who = self.manager() if self.random.random() < 0.4 else self.fans[0]
        return self.shares_call(who, "close"), lambda o: o.close(who)

    def step_cancel(self) -> Step:
        who = self.random.choice([self.world.operator, self.oracle.artist, self.fans[1]])
        who = who if self.oracle.minted > 1 else self.fans[0]
        return self.shares_call(who, "cancel"), lambda o: o.cancel(who)

    def step_refund(self) -> Step:
        who = self.oracle.owner.get(self.token(), self.wallet())
        mine = [id for id, owner in self.oracle.owner.items() if owner == who]
        ids = self.random.sample(mine, min(len(mine), self.random.choice([0, 1, 3])))
        if self.random.random() < 0.1:
            ids = [*ids, self.token()]
        return self.shares_call(who, "refund", ids), lambda o: o.refund(who, ids)

    def step_withdraw_proceeds(self) -> Step:
        who = self.random.choice([self.oracle.artist, self.world.operator, self.manager()])
        return self.shares_call(who, "withdrawProceeds"), lambda o: o.withdraw_proceeds(who)

    def step_set_artist(self) -> Step:
        who, artist = self.manager(), self.random.choice([*self.wallets, self.world.artist, NATIVE])
        return self.shares_call(who, "setArtist", artist), lambda o: o.set_artist(who, artist)

    def step_sync_royalty(self) -> Step:
        currency = self.currency()
        return self.shares_call(self.fans[0], "syncRoyalty", currency), lambda o: o.sync_royalty(currency)

    def step_arrive(self) -> Step:
        who, currency = self.random.choice(self.fans), self.random.choice([NATIVE, NATIVE, *self.coins[3:]])
        amount = self.random.choice([1, 999, 10**12, 10**30])
        if currency == NATIVE:
            send = lambda: self.evm.send(who, self.master.shares, value=amount)  # noqa: E731
        else:
            send = lambda: self.evm.call(  # noqa: E731
                who, currency, "Stablecoin", "transfer", self.master.shares, amount
            )
        amount = amount if currency != NATIVE else min(amount, 10**12)
        return send, lambda o: o.arrive(who, currency, amount)

    def step_withdraw_royalty(self) -> Step:
        who = self.random.choice([self.oracle.artist, *self.oracle.roles(), self.wallet()])
        waiting = [currency for currency in (NATIVE, *self.coins) if self.royalties(currency)]
        currency = self.random.choice([*waiting * 2, self.currency()])
        call = self.shares_call(who, "withdrawRoyalty", currency)
        return call, lambda o: o.withdraw_royalty(who, currency)

    # ------------------------------------------------------------ checks

    def held(self, currency: str, who: str) -> int:
        if currency == NATIVE:
            return self.evm.balance(who)
        return int(self.evm.view(currency, "Stablecoin", "balanceOf", who))

    def check(self) -> None:
        """What can be read cheaply, after every step; the rest is drawn."""
        oracle, master, who, currency = self.oracle, self.master, self.wallet(), self.currency()
        assert master.view("phase") == oracle.phase
        assert master.view("escrow") == oracle.escrow
        assert master.view("balanceOf", who) == oracle.held_by(who)
        assert master.claimable(who, currency) == oracle.due(who, currency)
        self.check_currency(currency)
        role = self.random.randrange(4)
        assert master.view("pot", currency, role) == oracle.pots[currency][role]
        if oracle.owner:
            id = self.random.choice(list(oracle.owner))
            assert master.view("getApproved", id) == oracle.approved.get(id, NATIVE)
        for party in (master.shares, master.dividends, self.world.treasury, *self.wallets):
            assert self.evm.balance(party) == oracle.money[NATIVE, party]

    def check_currency(self, currency: str) -> None:
        """The invariants of the money, on what the chain says."""
        oracle, master = self.oracle, self.master
        deposited, _, carry = self.evm.view(master.dividends, "Dividends", "pool", currency)
        earned = sum(amount for (_, token), amount in oracle.earned.items() if token == currency)
        claimed = sum(amount for (_, token), amount in oracle.claimed.items() if token == currency)
        assert deposited == earned + carry
        assert 0 <= carry < self.terms["supply"]
        assert claimed <= earned
        assert self.held(currency, master.dividends) == deposited - claimed
        escrow = oracle.escrow if currency == self.terms["currency"] else 0
        waiting = sum(oracle.pots[currency]) + oracle.unsplit[currency]
        assert self.held(currency, master.shares) == escrow + waiting

    def check_all(self) -> None:
        oracle, master = self.oracle, self.master
        assert oracle.minted <= self.terms["supply"]
        assert (master.view("minted"), master.view("flags")) == (oracle.minted, oracle.flags)
        assert master.view("totalSupply") == len(oracle.owner)
        assert master.view("artist") == oracle.artist
        for id in range(1, oracle.minted + 1):
            if id in oracle.owner:
                assert master.view("ownerOf", id) == oracle.owner[id]
                assert master.view("moves", id) == oracle.moves[id]
                assert master.view("getApproved", id) == oracle.approved.get(id, NATIVE)
        roles = [*oracle.roles(), NATIVE, NATIVE, NATIVE][:4]
        assert [master.view("roleWallet", role) for role in range(4)] == roles
        for who in [*self.wallets, self.world.artist, self.world.treasury]:
            assert master.view("balanceOf", who) == oracle.held_by(who)
            assert master.view("mintedBy", who) == oracle.minted_by[who]
            for currency in [NATIVE, *self.coins]:
                assert master.claimable(who, currency) == oracle.due(who, currency)
                assert self.held(currency, who) == oracle.money[currency, who]
        for currency in [NATIVE, *self.coins]:
            self.check_currency(currency)
            pots = [master.view("pot", currency, role) for role in range(4)]
            assert pots == oracle.pots[currency]

    def check_logs(self) -> None:
        oracle, ours = self.oracle, (self.master.shares, self.master.dividends)
        replay = Replay(artist=self.world.artist, supply=self.terms["supply"])
        replay.read([log for log in self.evm.logs if log.address in ours])
        assert (replay.owner, replay.slots, replay.artist) == (oracle.owner, oracle.slots, oracle.artist)
        assert replay.escrow == oracle.escrow
        assert replay.flags == oracle.flags & 7
        for currency in [NATIVE, *self.coins]:
            assert replay.pots[currency] == oracle.pots[currency]
            assert replay.carry[currency] == oracle.carry[currency]
            for who in [*self.wallets, self.world.artist, self.world.treasury]:
                due = replay.earned[who, currency] - replay.claimed[who, currency]
                assert due == oracle.due(who, currency)

    def drain(self) -> None:
        """Everybody takes what is theirs: what is left is the carry, and royalties nobody could be told of."""
        for box in self.boxes:
            self.behave(box, 0)
        if self.oracle.phase < CLOSED:
            self.master.run(self.world.operator, "close")
        self.master.run(self.world.operator, "withdrawProceeds")
        for who in dict.fromkeys([*self.wallets, self.world.artist, self.world.treasury, self.oracle.artist]):
            mine = [id for id, owner in self.oracle.owner.items() if owner == who]
            for first in range(0, len(mine), 30):
                self.master.run(who, "refund", mine[first : first + 30])
            self.master.pay(self.fans[0], "claimAllFor", who)
            for currency in [NATIVE, *self.coins]:
                self.master.run(who, "withdrawRoyalty", currency)
        for currency in [NATIVE, *self.coins]:
            unlisted = self.oracle.unsplit[currency] if currency == self.coins[4] else 0
            assert self.held(currency, self.master.dividends) == self.oracle.carry[currency]
            assert self.held(currency, self.master.shares) == unlisted
