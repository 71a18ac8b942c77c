"""Steps of the market, and what the operator may change under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.chain.abi import NATIVE
from tests.chain.evm import Result
from tests.chain.oracle_market import Order
from tests.chain.stage import Stage, Step

NOBODYS = Order(NATIVE, 1, NATIVE, 1, 0, 0, 0)


class MarketSteps(Stage):
    def market_call(self, who: str, function: str, *args: Any, value: int = 0) -> Callable[[], Result]:
        return lambda: self.market.run(who, function, *args, value=value)

    def registry_call(self, who: str, function: str, *args: Any) -> Callable[[], Result]:
        return lambda: self.world.run(function, *args, sender=who)

    def price(self) -> int:
        return self.random.choice([1, 50, 199, 10_001, 10**6 + 7, 10**15] * 5 + [0, 2**96 - 1, 2**96])

    def order_currency(self) -> str:
        """One that is listed, mostly, or few shares would ever be sold."""
        return self.random.choice([NATIVE] * 7 + self.coins[:4] * 2 + self.coins)

    def deadline(self) -> int:
        now = self.evm.now
        return self.random.choice([0] * 10 + [now + 15, now + 60, now, 2**32 - 1] * 2 + [now - 1, 2**32])

    def listed(self) -> Order:
        """A listing, good ones first; or none."""
        oracle = self.oracle
        orders, live = list(oracle.listings.values()), oracle.live_listings().values()
        stale = [order for order in orders if order not in live and oracle.owner.get(order.token) == order.maker]
        good = [order for order in live if not 0 < order.deadline < oracle.now]
        if self.chance(0.9):
            orders = (stale if stale and self.chance(0.25) else good) or orders
        return self.random.choice(orders) if orders else NOBODYS._replace(token=self.token())

    def offered(self) -> tuple[int, Order]:
        if self.oracle.offers and self.chance(0.9):
            now, offers = self.oracle.now, list(self.oracle.offers.items())
            good = [one for one in offers if not 0 < one[1].deadline < now] if self.chance(0.7) else []
            return self.random.choice(good or offers)
        return self.random.choice([0, 1, self.oracle.last_offer + 1]), NOBODYS

    def owner_of(self, id: int) -> str:
        return self.oracle.owner.get(id, self.wallet())

    # ------------------------------------------------------------ listings

    def step_list(self) -> Step:
        id = self.token()
        who = self.owner_of(id) if self.chance(0.85) else self.wallet()
        return self._list(who, id)

    def step_list_again(self) -> Step:
        id = self.listed().token
        return self._list(self.owner_of(id) if self.chance(0.85) else self.wallet(), id)

    def _list(self, who: str, id: int) -> Step:
        args = id, self.order_currency(), self.price(), self.deadline()
        return self.market_call(who, "list", self.master.shares, *args), lambda o: o.list(who, *args)

    def step_cancel_listing(self) -> Step:
        order = self.listed()
        who = order.maker if order.maker != NATIVE and self.chance(0.6) else self.wallet()
        call = self.market_call(who, "cancel", self.master.shares, order.token)
        return call, lambda o: o.cancel_listing(who, order.token)

    def step_move_listed(self) -> Step:
        """A listed share moves, and comes back to who listed it: its listing must stay dead."""
        orders = list(self.oracle.listings.values())
        order = self.random.choice(orders) if orders else NOBODYS
        owner = self.owner_of(order.token)
        receiver = order.maker if owner != order.maker else self.random.choice([owner, self.wallet()])
        who = owner if self.chance(0.9) else self.wallet()
        call = lambda: self.master.run(who, "transferFrom", owner, receiver, order.token)  # noqa: E731
        return call, lambda o: o.transfer(who, owner, receiver, order.token)

    def step_buy(self) -> Step:
        order = self.listed()
        who = self.random.choice([other for other in self.wallets if other != order.maker or self.chance(0.2)])
        price = order.price + self.random.choice([0] * 20 + [-1, 1])
        currency = order.currency if self.chance(0.95) else self.currency()
        sent = self.payment(price, currency)
        args = order.token, currency, price
        call = self.market_call(who, "buy", self.master.shares, *args, value=sent)
        return call, lambda o: o.buy(who, *args, sent)

    # ------------------------------------------------------------ offers

    def step_offer(self) -> Step:
        id = self.token()
        who = self.random.choice([other for other in self.wallets if other != self.owner_of(id) or self.chance(0.2)])
        args = id, self.order_currency(), self.price(), self.deadline()
        sent = self.payment(args[2], args[1])
        call = self.market_call(who, "offer", self.master.shares, *args, value=sent)
        return call, lambda o: o.offer(who, *args, sent)

    def step_cancel_offer(self) -> Step:
        number, order = self.offered()
        who = order.maker if order.maker != NATIVE and self.chance(0.3) else self.wallet()
        return self.market_call(who, "cancelOffer", number), lambda o: o.cancel_offer(who, number)

    def step_accept(self) -> Step:
        number, order = self.offered()
        who = self.owner_of(order.token) if self.chance(0.85) else self.wallet()
        return self.market_call(who, "accept", number), lambda o: o.accept(who, number)

    def step_withdraw(self) -> Step:
        waiting = list(+self.oracle.credits)
        who, currency = (self.wallet(), self.currency())
        if waiting and self.chance(0.9):
            who, currency = self.random.choice(waiting)
        return self.market_call(who, "withdraw", currency), lambda o: o.withdraw(who, currency)

    # ------------------------------------------------------------ the operator

    def operator(self) -> str:
        return self.world.operator if self.chance(0.7) else self.wallet()

    def step_set_fee(self) -> Step:
        who, fee = self.operator(), self.random.choice([0, 50, 50, 250, 250, 250, 10_000, 10_001])
        return self.market_call(who, "setFee", fee), lambda o: o.set_fee(who, fee)

    def step_set_collection(self) -> Step:
        who, traded = self.operator(), self.chance(0.6) or not self.oracle.traded
        call = self.registry_call(who, "setCollection", self.master.shares, traded)
        return call, lambda o: o.set_collection(who, traded)

    def step_set_currency(self) -> Step:
        who, coin = self.operator(), self.random.choice([self.coins[0], self.coins[3]])
        allowed = coin not in self.oracle.listed if self.chance(0.8) else coin in self.oracle.listed
        return self.registry_call(who, "setCurrency", coin, allowed), lambda o: o.set_currency(who, coin, allowed)
