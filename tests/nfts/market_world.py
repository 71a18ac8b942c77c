"""A master on a fake chain whose shares are traded too, and what the tables must hold of it, told slowly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.abi import NATIVE
from portal.chain.ids import ZERO
from tests.indexer.fake_chain import ARTIST, TOKEN, WALLETS, Event, FakeChain, State, World
from tests.indexer.oracle import symbol

RATES = (1000, 300, 200, 100)
"""As the offer that the factories make."""
Terms = tuple[str, str, int]


@dataclass
class MarketState(State):
    """What the market and the royalty pots would hold."""

    moves: Counter[int] = field(default_factory=Counter)
    minters: list[str] = field(default_factory=list)
    listings: dict[int, tuple[str, str, int, int]] = field(default_factory=dict)
    offers: dict[int, tuple[int, str, str, int]] = field(default_factory=dict)
    last_offer: int = 0
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsplit: Counter[str] = field(default_factory=Counter)
    pots: dict[str, list[int]] = field(default_factory=dict)


class MarketWorld(World):
    """`state.listings`: token -> seller, currency, price, moves; `.offers`: id -> token, bidder, currency, price."""

    state: MarketState

    def __init__(self, seed: int = 0, finality: int = 8) -> None:
        super().__init__(seed, finality)
        self.state = MarketState()
        self._history = [deepcopy(self.state)]

    def _steps(self) -> list[Callable[[], list[Event]]]:
        trades = [self.list, self.list, self.list, self.buy, self.buy, self.offer, self.offer, self.accept]
        others = [self.cancel, self.take_back, self.elsewhere, self.split, self.withdraw_royalty, self.fetch]
        return [*super()._steps(), *trades, *others, self.bundle]

    def bundle(self) -> list[Event]:
        """Several acts in one transaction, as a contract wallet sends them."""
        steps = [*World._steps(self), self.list, self.buy, self.accept, self.cancel, self.list]
        return [event for _ in range(3) for event in self.random.choice(steps)()]

    # --- shares -------------------------------------------------------------------------------------------

    def mint(self, wallet: str = "", count: int = 0) -> list[Event]:
        before = [event for code in (NATIVE, TOKEN) for event in self.split(code)] if self.state.minted < 3 else []
        events = super().mint(wallet, count)
        for event in events:
            if event.name == "Transfer" and event.args["tokenId"] <= 3:
                self.state.minters.append(event.args["receiver"])
        return [*before, *events]

    def move(self, token: int = 0, to: str = "") -> list[Event]:
        events = super().move(token, to)
        self.state.moves.update(event.args["tokenId"] for event in events)
        return events

    def elsewhere(self, token: int = 0, to: str = "", amount: int = 0) -> list[Event]:
        """Another marketplace pays its royalty in native coin, and the share moves."""
        moved = self.move(token, to or self.random.choice(WALLETS))
        amount = amount or self.random.randint(1, 10**6)
        if not moved:
            return []
        self.state.unsplit[NATIVE] += amount
        return [self._shares("RoyaltyReceived", sender="0x" + "ee" * 20, amount=amount), *moved]

    # --- orders -------------------------------------------------------------------------------------------

    def list(self, token: int = 0, currency: str = "", price: int = 0, deadline: int = 0) -> list[Event]:
        token = token or self._some_token()
        if not token:
            return []
        seller, moves = self.state.owners[token], self.state.moves[token]
        currency, price = self._terms(currency, price)
        self.state.listings[token] = (seller, currency, price, moves)
        terms = {"currency": currency, "price": price, "feeBps": 50, "moves": moves, "deadline": deadline}
        return [self._market("Listed", collection=self.shares, tokenId=token, seller=seller, **terms)]

    def cancel(self, token: int = 0) -> list[Event]:
        """Also of a listing that a transfer ended: the contract allows it to who placed it."""
        token = token or self._any(self.state.listings)
        if not token:
            return []
        seller = self.state.listings.pop(token)[0]
        return [self._market("Cancelled", collection=self.shares, tokenId=token, seller=seller)]

    def buy(self, token: int = 0, buyer: str = "") -> list[Event]:
        good = [t for t, listing in self.state.listings.items() if listing[3] == self.state.moves[t]]
        token = token or self._any(good)
        if not token:
            return []
        seller, currency, price, _ = self.state.listings.pop(token)
        buyer = buyer or self.random.choice([wallet for wallet in WALLETS if wallet != seller])
        return self._sell(token, seller, buyer, currency, price)

    def offer(self, token: int = 0, currency: str = "", price: int = 0, bidder: str = "") -> list[Event]:
        token = token or self._some_token()
        if not token:
            return []
        others = [wallet for wallet in WALLETS if wallet != self.state.owners[token]]
        bidder = bidder or self.random.choice(others)
        currency, price = self._terms(currency, price)
        self.state.last_offer += 1
        number = self.state.last_offer
        self.state.offers[number] = (token, bidder, currency, price)
        terms = {"currency": currency, "price": price, "feeBps": 50, "deadline": 0}
        return [self._market("Offered", id=number, collection=self.shares, tokenId=token, bidder=bidder, **terms)]

    def take_back(self, number: int = 0) -> list[Event]:
        number = number or self._any(self.state.offers)
        if not number:
            return []
        _, bidder, currency, price = self.state.offers.pop(number)
        return [self._market("OfferCancelled", id=number), *self._pay(bidder, currency, price)]

    def accept(self, number: int = 0) -> list[Event]:
        owners, offers = self.state.owners, self.state.offers
        good = [n for n, (token, bidder, *_) in offers.items() if owners[token] not in (ZERO, bidder)]
        number = number or self._any(good)
        if not number:
            return []
        token, bidder, currency, price = offers.pop(number)
        return [self._market("Accepted", id=number), *self._sell(token, owners[token], bidder, currency, price)]

    def _sell(self, token: int, seller: str, buyer: str, currency: str, price: int) -> list[Event]:
        parts = tuple(price * rate // 10_000 for rate in self._rates())
        royalty, fee = sum(parts), price * 50 // 10_000
        out = {"parts": parts, "fee": fee, "sellerGets": price - royalty - fee}
        who = {"collection": self.shares, "tokenId": token, "buyer": buyer, "seller": seller}
        events = [*self.move(token, buyer), self._market("Sold", **who, currency=currency, price=price, **out)]
        self.state.unsplit[currency] += royalty
        if currency == NATIVE and royalty:
            events.append(self._shares("RoyaltyReceived", sender=self.market, amount=royalty))
        return [*events, *self._pay(seller, currency, price - royalty - fee)]

    def _pay(self, who: str, currency: str, amount: int) -> list[Event]:
        """Now and then a receiver refuses."""
        if not amount or self.random.random() < 0.7:
            return []
        self.state.held[who, currency] += amount
        return [self._market("Held", who=who, currency=currency, amount=amount)]

    def fetch(self) -> list[Event]:
        due = sorted(key for key, amount in self.state.held.items() if amount)
        if not due:
            return []
        who, currency = self.random.choice(due)
        amount = self.state.held.pop((who, currency))
        return [self._market("Withdrawn", who=who, currency=currency, amount=amount)]

    # --- royalties ----------------------------------------------------------------------------------------

    def split(self, currency: str = "") -> list[Event]:
        currency = currency or self.random.choice([NATIVE, TOKEN])
        arrived, rates = self.state.unsplit.pop(currency, 0), self._rates()
        if not arrived:
            return []
        minters = [arrived * rate // sum(rates) for rate in rates[1:]]
        parts = [arrived - sum(minters), *minters]
        pot = self.state.pots.setdefault(currency, [0] * 4)
        self.state.pots[currency] = [held + part for held, part in zip(pot, parts, strict=True)]
        names = dict(zip(("artist", "first", "second", "third"), parts, strict=True))
        return [self._shares("RoyaltyCredited", currency=currency, **names)]

    def withdraw_royalty(self, who: str = "", currency: str = "") -> list[Event]:
        who = who or self.random.choice([ARTIST, *self.state.minters])
        currency = currency or self.random.choice([NATIVE, TOKEN])
        before = self.split(currency)
        pot = self.state.pots.get(currency, [0] * 4)
        roles = [role for role, wallet in enumerate([ARTIST, *self.state.minters]) if wallet == who]
        amount = sum(pot[role] for role in roles)
        for role in roles:
            pot[role] = 0
        taken = self._shares("RoyaltyWithdrawn", who=who, currency=currency, amount=amount)
        return [*before, taken] if amount else before

    # --- helpers ------------------------------------------------------------------------------------------

    def _rates(self) -> list[int]:
        return [rate if slot <= self.state.minted else 0 for slot, rate in enumerate(RATES)]

    def _terms(self, currency: str, price: int) -> tuple[str, int]:
        return currency or self.random.choice([NATIVE, TOKEN]), price or self.random.randint(1, 10**9)

    def _some_token(self) -> int:
        return self._any([token for token, owner in self.state.owners.items() if owner != ZERO])

    def _any(self, found: Any) -> int:
        return self.random.choice(sorted(found)) if found else 0

    def _market(self, name: str, **args: Any) -> Event:
        return Event("Market", self.market, name, args)

    def _shares(self, name: str, **args: Any) -> Event:
        return Event("MasterShares", self.shares, name, args)


# --- the truth --------------------------------------------------------------------------------------------


@dataclass
class Trade:
    """By table, in plain values; of orders what is compared: kind, status, maker, taker, price, fee, seller's, ends."""

    orders: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    listed: dict[int, tuple[int, str]] = field(default_factory=dict)
    held: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    royalties: list[tuple[Any, ...]] = field(default_factory=list)
    sales: list[tuple[Any, ...]] = field(default_factory=list)


class Teller:
    """Walks the logs one by one, as a reader would."""

    def __init__(self, chain: FakeChain) -> None:
        self.told = Trade()
        self.open: dict[int, str] = {}
        self.accepting: str | None = None
        self.minters: dict[int, str] = {}
        self.pots: dict[str, list[int]] = {}
        self.given, self.taken = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for block in chain.blocks:
            rows = list(zip(block.events, block.logs, strict=True))
            for index, (event, raw) in enumerate(rows):
                together = [(i, e) for i, (e, r) in enumerate(rows) if r["transactionHash"] == raw["transactionHash"]]
                teller = getattr(self, f"_{event.name}", None)
                if teller:
                    teller(event.args, (block.number, index), raw["transactionHash"], together)
        for key in self.given:
            self.told.held[key] = (self.given[key], self.taken[key])

    def _Transfer(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        if "tokenId" not in args:
            return
        token = args["tokenId"]
        if args["sender"] == ZERO:
            self.minters.setdefault(token, args["receiver"])
            return
        after = [e for i, e in together if i > place[1] and e.args.get("tokenId") == token]
        rest = [e for e in after if e.name in ("Transfer", "Sold")]
        if rest and rest[0].name == "Sold":
            return
        self._end(token, "stale", place)
        foreign = [e for _, e in together if e.name == "RoyaltyReceived" and e.args["sender"].startswith("0xee")]
        if foreign and args["receiver"] != ZERO:
            moves = [e for _, e in together if e.name == "Transfer" and "tokenId" in e.args]
            royalty = sum(e.args["amount"] for e in foreign) if len(moves) == 1 else None
            self.told.sales.append((*place, token, None, None, None, royalty))

    def _Listed(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        token, key = args["tokenId"], f"{tx}:{place[1]}"
        self._end(token, "cancelled", place)
        self.open[token] = key
        code = symbol(args["currency"])
        self.told.orders[key] = ("listing", "open", args["seller"], None, args["price"], code, None, None, None)
        self.told.listed[token] = (args["price"], code)

    def _Cancelled(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        self._end(args["tokenId"], "cancelled", place)

    def _Offered(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        row = ("offer", "open", args["bidder"], None, args["price"], symbol(args["currency"]), None, None, None)
        self.told.orders[str(args["id"])] = row

    def _OfferCancelled(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        self._close(str(args["id"]), "cancelled", place)

    def _Accepted(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        self.accepting = str(args["id"])

    def _Sold(self, args: Any, place: tuple[int, int], tx: str, together: Any) -> None:
        token, key = args["tokenId"], self.accepting or self.open.get(args["tokenId"])
        by_offer, self.accepting = self.accepting is not None, None
        taker = args["seller"] if by_offer else args["buyer"]
        assert key is not None
        self._close(key, "sold", place, taker, args["fee"], args["sellerGets"])
        if by_offer:
            self._end(token, "stale", place)
        self.open.pop(token, None)
        self.told.listed.pop(token, None)
        code, royalty = symbol(args["currency"]), sum(args["parts"])
        moved = max(i for i, e in together if i < place[1] and e.name == "Transfer" and e.args.get("tokenId") == token)
        self.told.sales.append((place[0], moved, token, args["price"], code, "AudiFi", royalty))
        if code != "ETH" and royalty:
            self.told.royalties.append((*place, "arrived", code, royalty, None))

    def _Held(self, args: Any, *_rest: Any) -> None:
        self.given[args["who"], symbol(args["currency"])] += args["amount"]

    def _Withdrawn(self, args: Any, *_rest: Any) -> None:
        self.taken[args["who"], symbol(args["currency"])] += args["amount"]

    def _RoyaltyReceived(self, args: Any, place: tuple[int, int], *_rest: Any) -> None:
        self.told.royalties.append((*place, "arrived", "ETH", args["amount"], None))

    def _RoyaltyCredited(self, args: Any, place: tuple[int, int], *_rest: Any) -> None:
        parts, code = [args[role] for role in ("artist", "first", "second", "third")], symbol(args["currency"])
        self.pots[code] = [a + b for a, b in zip(self.pots.get(code, [0] * 4), parts, strict=True)]
        self.told.royalties.append((*place, "credited", code, sum(parts), tuple(parts)))

    def _RoyaltyWithdrawn(self, args: Any, place: tuple[int, int], *_rest: Any) -> None:
        code, pot = symbol(args["currency"]), self.pots[symbol(args["currency"])]
        seats = [args["who"] == ARTIST, *(self.minters.get(slot) == args["who"] for slot in (1, 2, 3))]
        parts = tuple(held if mine else 0 for held, mine in zip(pot, seats, strict=True))
        self.pots[code] = [held - part for held, part in zip(pot, parts, strict=True)]
        self.told.royalties.append((*place, "withdrawn", code, args["amount"], parts))

    def _end(self, token: int, status: str, place: tuple[int, int]) -> None:
        self.told.listed.pop(token, None)
        if key := self.open.pop(token, None):
            self._close(key, status, place)

    def _close(
        self, key: str, status: str, place: tuple[int, int], taker: str | None = None, fee: Any = None, gets: Any = None
    ) -> None:
        kind, _, maker, _, price, code, *_ = self.told.orders[key]
        self.told.orders[key] = (kind, status, maker, taker, price, code, fee, gets, place)


def expected(chain: FakeChain) -> Trade:
    told = Teller(chain).told
    told.sales.sort()
    told.royalties.sort()
    return told


def found(session: Session) -> Trade:
    """The tables, where this world is all there is."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.execute(sa.text(query))]

    told = Trade()
    for key, *row, block, index in rows(
        "SELECT order_key, kind, status, maker_wallet, taker_wallet, price::bigint, currency, fee::bigint,"
        " seller_gets::bigint, closed_block::int, closed_log_index FROM nft_orders"
    ):
        told.orders[key] = (*row, None if block is None else (block, index))
    for token, price, code in rows(
        "SELECT token_id::int, listing_price_wei::bigint, listing_currency FROM master_nfts"
        " WHERE listing_status = 'listed'"
    ):
        told.listed[token] = (price, code)
    credits = rows("SELECT wallet, currency, held::bigint, withdrawn::bigint FROM market_credits")
    told.held = {(wallet, code): (held, withdrawn) for wallet, code, held, withdrawn in credits}
    told.royalties = [
        (*row, None if kind == "arrived" else tuple(parts))
        for kind, *row, parts in (
            (kind, block, index, kind, code, amount, parts)
            for block, index, kind, code, amount, parts in rows(
                "SELECT block_number::int, log_index, kind, currency, amount::bigint, ARRAY[artist_part::bigint,"
                " first_part::bigint, second_part::bigint, third_part::bigint] FROM royalty_credits ORDER BY 1, 2"
            )
        )
    ]
    told.sales = rows(
        "SELECT block_number::int, log_index, token_id::int, sale_price_wei::bigint, sale_currency, marketplace,"
        " royalty_paid_wei::bigint FROM nft_transfers WHERE transfer_type = 'sale' ORDER BY 1, 2"
    )
    session.rollback()
    return told
