"""One master as the rules state it, in exact Python: what the contracts must do, done the plain way.

Nothing here is packed, accumulated or lazy: a deposit walks all holders, an owner is a dictionary entry.
Every step either happens or raises `Refused`; `attempt` goes back to where it was. The market and the
artist's coin build on it in modules of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

from portal.chain.abi import NATIVE

ACCEPT, REFUSE, BURN, CALL_BACK, CALL_BACK_WITH_GAS = range(5)
SCHEDULED, LIVE, PAUSED, CLOSED, CANCELLED = range(5)


class Refused(Exception):
    pass


def need(condition: object) -> None:
    if not condition:
        raise Refused


@dataclass
class Oracle:
    terms: dict[str, Any]
    shares: str
    dividends: str
    treasury: str
    operator: str
    depositor: str
    listed: list[str]
    now: int = 0
    artist: str = ""
    minted: int = 0
    paused: bool = False
    closed: bool = False
    cancelled: bool = False
    paid_out: bool = False
    owner: dict[int, str] = field(default_factory=dict)
    moves: Counter[int] = field(default_factory=Counter)
    approved: dict[int, str] = field(default_factory=dict)
    operators: set[tuple[str, str]] = field(default_factory=set)
    minted_by: Counter[str] = field(default_factory=Counter)
    slots: list[str] = field(default_factory=list)
    unsplit: Counter[str] = field(default_factory=Counter)
    pots: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 4))
    refs: set[int] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    deposited: Counter[str] = field(default_factory=Counter)
    carry: Counter[str] = field(default_factory=Counter)
    earned: Counter[tuple[str, str]] = field(default_factory=Counter)
    claimed: Counter[tuple[str, str]] = field(default_factory=Counter)
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    modes: dict[str, int] = field(default_factory=dict)
    backs: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)

    # ------------------------------------------------------------ going back

    def copy(self) -> Self:
        """A copy that shares nothing that changes."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set):
                setattr(twin, name, value.copy())
        for currency, parts in self.pots.items():
            twin.pots[currency] = parts.copy()
        return twin

    def attempt(self, act: Callable[[Any], None]) -> bool:
        """Whether a step happens; where it is refused nothing has."""
        before = self.copy()
        try:
            act(self)
        except Refused:
            vars(self).update(vars(before))
            return False
        return True

    # ------------------------------------------------------------ what follows from the state

    @property
    def phase(self) -> int:
        if self.cancelled:
            return CANCELLED
        over = self.terms["end"] and self.now >= self.terms["end"]
        if self.closed or over or self.minted == self.terms["supply"]:
            return CLOSED
        if self.now < self.terms["start"]:
            return SCHEDULED
        return PAUSED if self.paused else LIVE

    @property
    def flags(self) -> int:
        return self.paused + 2 * self.closed + 4 * self.cancelled + 8 * self.paid_out

    @property
    def escrow(self) -> int:
        return 0 if self.paid_out else self.terms["price"] * len(self.owner)

    def balances(self) -> Counter[str]:
        return Counter(self.owner.values())

    def due(self, who: str, currency: str) -> int:
        return self.earned[who, currency] - self.claimed[who, currency]

    def roles(self) -> list[str]:
        return [self.artist, *self.slots]

    def rates(self) -> list[int]:
        names = ["royaltyBps", "firstBps", "secondBps", "thirdBps"]
        return [self.terms[name] for name in names[: len(self.roles())]]

    # ------------------------------------------------------------ money

    @contextmanager
    def lock(self, contract: str) -> Iterator[None]:
        need(contract not in self.locked)
        self.locked.add(contract)
        try:
            yield
        finally:
            self.locked.remove(contract)

    def move(self, currency: str, source: str, target: str, amount: int) -> None:
        need(self.money[currency, source] >= amount)
        self.money[currency, source] -= amount
        self.money[currency, target] += amount

    def pull(self, currency: str, payer: str, target: str, amount: int, sent: int) -> None:
        need(sent == (amount if currency == NATIVE else 0))
        self.move(currency, payer, target, amount)

    def push(self, currency: str, source: str, who: str, amount: int, limited: bool = False) -> bool:
        """Give; `limited` where the payer caps the receiver's gas, so that only a light call back fits."""
        mode = self.modes.get(who, ACCEPT) if currency == NATIVE else ACCEPT
        if mode in (REFUSE, BURN):
            return False
        self.move(currency, source, who, amount)
        if mode == CALL_BACK or (mode == CALL_BACK_WITH_GAS and not limited):
            self.attempt(self.backs[who])
        return True

    # ------------------------------------------------------------ the offer

    def mint(self, who: str, quantity: int, sent: int) -> None:
        need(not self.terms["permitRequired"])
        self.mint_up_to(who, quantity, sent, 2**256)

    def mint_with_permit(self, who: str, quantity: int, allowance: int, good: bool, sent: int) -> None:
        need(good)
        self.mint_up_to(who, quantity, sent, allowance)

    def mint_up_to(self, who: str, quantity: int, sent: int, allowance: int) -> None:
        with self.lock("shares"):
            need(self.phase == LIVE and 1 <= quantity <= 10)
            need(self.minted + quantity <= self.terms["supply"])
            need(self.minted_by[who] + quantity <= allowance)
            if self.minted < 3:
                for currency in [NATIVE, *self.listed]:
                    self.split(currency)
            self.pull(self.terms["currency"], who, self.shares, quantity * self.terms["price"], sent)
            for id in range(self.minted + 1, self.minted + quantity + 1):
                self.owner[id] = who
                if len(self.slots) < 3:
                    self.slots.append(who)
            self.minted += quantity
            self.minted_by[who] += quantity

    def steer(self, who: str) -> None:
        need(who in (self.artist, self.operator) and self.phase < CLOSED)

    def set_paused(self, who: str, paused: bool) -> None:
        self.steer(who)
        need(self.paused != paused)
        self.paused = paused

    def close(self, who: str) -> None:
        self.steer(who)
        self.closed = True

    def cancel(self, who: str) -> None:
        self.steer(who)
        self.cancelled = True

    def refund(self, who: str, ids: list[int]) -> None:
        with self.lock("shares"):
            need(self.phase == CANCELLED and ids)
            for id in ids:
                need(self.owner.get(id) == who)
                del self.owner[id]
                self.moves[id] += 1
                self.approved.pop(id, None)
            amount = len(ids) * self.terms["price"]
            need(amount == 0 or self.push(self.terms["currency"], self.shares, who, amount))

    def withdraw_proceeds(self, who: str) -> None:
        with self.lock("shares"):
            need(who in (self.artist, self.operator) and self.phase == CLOSED and self.escrow > 0)
            proceeds, currency = self.escrow, self.terms["currency"]
            fee = proceeds * self.terms["primaryFeeBps"] // 10_000
            self.paid_out = True
            need(proceeds == fee or self.push(currency, self.shares, self.artist, proceeds - fee))
            need(fee == 0 or self.push(currency, self.shares, self.treasury, fee))

    def set_artist(self, who: str, artist: str) -> None:
        need(who == self.artist and artist != NATIVE)
        self.artist = artist

    # ------------------------------------------------------------ shares

    def transfer(self, who: str, sender: str, receiver: str, id: int) -> None:
        need(id in self.owner and self.owner[id] == sender and receiver != NATIVE)
        need(who == sender or (sender, who) in self.operators or self.approved.get(id) == who)
        self.owner[id] = receiver
        self.moves[id] += 1
        self.approved.pop(id, None)

    def approve(self, who: str, approved: str, id: int) -> None:
        need(id in self.owner)
        need(who == self.owner[id] or (self.owner[id], who) in self.operators)
        self.approved[id] = approved

    def approve_all(self, who: str, operator: str, allowed: bool) -> None:
        self.operators = self.operators | {(who, operator)} if allowed else self.operators - {(who, operator)}

    # ------------------------------------------------------------ royalties

    def arrive(self, who: str, currency: str, amount: int) -> None:
        self.move(currency, who, self.shares, amount)
        self.unsplit[currency] += amount

    def split(self, currency: str) -> None:
        arrived, self.unsplit[currency] = self.unsplit[currency], 0
        rates = self.rates()
        parts = [arrived * rate // sum(rates) for rate in rates] if sum(rates) else [0]
        parts[0] = arrived - sum(parts[1:])
        for role, part in enumerate(parts):
            self.pots[currency][role] += part

    def sync_royalty(self, currency: str) -> None:
        need(currency == NATIVE or currency in self.listed)
        self.split(currency)

    def withdraw_royalty(self, who: str, currency: str) -> None:
        with self.lock("shares"):
            if currency == NATIVE or currency in self.listed:
                self.split(currency)
            amount = 0
            for role, holder in enumerate(self.roles()):
                if holder == who:
                    amount += self.pots[currency][role]
                    self.pots[currency][role] = 0
            need(amount > 0 and self.push(currency, self.shares, who, amount))

    # ------------------------------------------------------------ dividends

    def deposit(self, who: str, ref: int, currency: str, pool: int, parts: list[tuple[str, int]], sent: int) -> None:
        total = pool + sum(amount for _, amount in parts)
        need(who == self.depositor and (currency == NATIVE or currency in self.listed))
        need(total > 0 and ref not in self.refs and not self.cancelled)
        need(currency in self.places or len(self.places) < 4)
        need(all(amount == 0 or party != NATIVE for party, amount in parts))
        self.pull(currency, who, self.dividends, total, sent)
        if currency not in self.places:
            self.places.append(currency)
        self.refs.add(ref)
        self.deposited[currency] += total
        per, self.carry[currency] = divmod(pool + self.carry[currency], self.terms["supply"])
        for owner in self.owner.values():
            self.earned[owner, currency] += per
        self.earned[self.artist, currency] += per * (self.terms["supply"] - len(self.owner))
        for party, amount in parts:
            self.earned[party, currency] += amount

    def pay(self, who: str, currency: str, limited: bool = False) -> bool:
        amount = self.due(who, currency)
        self.claimed[who, currency] += amount
        paid = self.push(currency, self.dividends, who, amount, limited)
        if not paid:
            self.claimed[who, currency] -= amount
        return paid

    def claim(self, who: str, currency: str) -> None:
        with self.lock("dividends"):
            need(self.due(who, currency) > 0 and self.pay(who, currency))

    def claim_all(self, who: str) -> None:
        with self.lock("dividends"):
            owed = [currency for currency in self.places if self.due(who, currency) > 0]
            need(owed)
            for currency in owed:
                need(self.pay(who, currency))

    def claim_for(self, who: str, currency: str) -> None:
        with self.lock("dividends"):
            need(self.due(who, currency) > 0)
            self.pay(who, currency, limited=True)

    def claim_for_many(self, holders: list[str], currency: str) -> None:
        need(len(holders) <= 50)
        for who in holders:
            if self.due(who, currency) > 0:
                with self.lock("dividends"):
                    self.pay(who, currency, limited=True)

    def claim_many(self, times: int, who: str) -> None:
        """The factory's: the same master named `times` times over."""
        need(times <= 30)
        for currency in self.places if times else []:
            if self.due(who, currency) > 0:
                with self.lock("dividends"):
                    self.pay(who, currency, limited=True)
