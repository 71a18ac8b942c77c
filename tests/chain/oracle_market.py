"""The resale of one master's shares as the rules state it, on top of the master's own oracle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from portal.chain.abi import NATIVE
from tests.chain.oracle import CLOSED, Oracle, need
from tests.chain.oracle_coin import CoinOracle

BPS = 10_000


class Order(NamedTuple):
    maker: str
    token: int
    currency: str
    price: int
    fee: int
    moves: int
    deadline: int


@dataclass
class MarketOracle(Oracle):
    market: str = ""
    fee: int = 0
    traded: bool = True
    listings: dict[int, Order] = field(default_factory=dict)
    offers: dict[int, Order] = field(default_factory=dict)
    last_offer: int = 0
    credits: Counter[tuple[str, str]] = field(default_factory=Counter)
    coin: CoinOracle = field(default_factory=lambda: CoinOracle(0))

    def live_listings(self) -> dict[int, Order]:
        """Those whose share has not moved since; the clock apart."""
        return {id: order for id, order in self.listings.items() if order.moves == self.moves[id]}

    def due_from_market(self, currency: str) -> int:
        """What the market has to hold."""
        waiting = sum(amount for (_, token), amount in self.credits.items() if token == currency)
        return waiting + sum(order.price for order in self.offers.values() if order.currency == currency)

    def parts(self, price: int) -> list[int]:
        return [price * rate // BPS for rate in self.rates()]

    # ------------------------------------------------------------ the operator

    def set_fee(self, who: str, fee: int) -> None:
        need(who == self.operator and fee <= BPS)
        self.fee = fee

    def set_collection(self, who: str, traded: bool) -> None:
        need(who == self.operator)
        self.traded = traded

    def set_currency(self, who: str, currency: str, allowed: bool) -> None:
        need(who == self.operator and (currency in self.listed) != allowed)
        self.listed = [*self.listed, currency] if allowed else [one for one in self.listed if one != currency]

    # ------------------------------------------------------------ rules

    def tradable(self, id: int, currency: str) -> None:
        need(self.traded and (currency == NATIVE or currency in self.listed))
        need(self.phase == CLOSED and id in self.owner)

    def in_time(self, deadline: int) -> None:
        need(deadline == 0 or self.now <= deadline)

    def order(self, who: str, id: int, currency: str, price: int, deadline: int) -> Order:
        need(0 < price < 2**96 and deadline < 2**32)
        self.in_time(deadline)
        self.tradable(id, currency)
        need(sum(self.parts(price)) + price * self.fee // BPS <= price)
        return Order(who, id, currency, price, self.fee, self.moves[id], deadline)

    # ------------------------------------------------------------ listings

    def list(self, who: str, id: int, currency: str, price: int, deadline: int) -> None:
        order = self.order(who, id, currency, price, deadline)
        need(self.owner[id] == who)
        self.listings[id] = order

    def cancel_listing(self, who: str, id: int) -> None:
        need(id in self.listings and self.listings[id].maker == who)
        del self.listings[id]

    def buy(self, who: str, id: int, currency: str, price: int, sent: int) -> None:
        with self.lock("market"):
            need(id in self.listings)
            order = self.listings[id]
            need((order.currency, order.price) == (currency, price) and order.maker != who)
            self.in_time(order.deadline)
            self.tradable(id, currency)
            need(order.moves == self.moves[id])
            del self.listings[id]
            self.pull(currency, who, self.market, price, sent)
            self.settle(order, seller=order.maker, buyer=who)

    # ------------------------------------------------------------ offers

    def offer(self, who: str, id: int, currency: str, price: int, deadline: int, sent: int) -> None:
        with self.lock("market"):
            order = self.order(who, id, currency, price, deadline)
            need(self.owner[id] != who)
            self.pull(currency, who, self.market, price, sent)
            self.last_offer += 1
            self.offers[self.last_offer] = order

    def cancel_offer(self, who: str, number: int) -> None:
        with self.lock("market"):
            need(number in self.offers)
            order = self.offers[number]
            need(who == order.maker or 0 < order.deadline < self.now)
            del self.offers[number]
            self.deliver(order.currency, order.maker, order.price)

    def accept(self, who: str, number: int) -> None:
        with self.lock("market"):
            need(number in self.offers)
            order = self.offers[number]
            self.in_time(order.deadline)
            self.tradable(order.token, order.currency)
            need(order.maker != who)
            del self.offers[number]
            self.settle(order, seller=who, buyer=order.maker)

    # ------------------------------------------------------------ money

    def settle(self, order: Order, seller: str, buyer: str) -> None:
        royalty, fee = sum(self.parts(order.price)), order.price * order.fee // BPS
        self.transfer(self.market, seller, buyer, order.token)
        self.arrive(self.market, order.currency, royalty)
        self.deliver(order.currency, self.treasury, fee)
        self.deliver(order.currency, seller, order.price - royalty - fee)

    def deliver(self, currency: str, who: str, amount: int) -> None:
        if amount and not self.push(currency, self.market, who, amount, limited=True):
            self.credits[who, currency] += amount

    def withdraw(self, who: str, currency: str) -> None:
        with self.lock("market"):
            amount = self.credits.pop((who, currency), 0)
            need(amount > 0 and self.push(currency, self.market, who, amount))
