"""What the logs alone say: owners, slots, entitlements, pots and escrow, orders and credits rebuilt from events."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from portal.chain.abi import NATIVE, DecodedLog
from tests.chain.oracle_market import Order


class Reader:
    def read(self, logs: list[DecodedLog]) -> None:
        for log in logs:
            handler = getattr(self, f"on_{log.name}", None)
            if handler:
                handler(log.args)


@dataclass
class Replay(Reader):
    artist: str
    supply: int
    owner: dict[int, str] = field(default_factory=dict)
    slots: list[str] = field(default_factory=list)
    earned: Counter[tuple[str, str]] = field(default_factory=Counter)
    claimed: Counter[tuple[str, str]] = field(default_factory=Counter)
    carry: Counter[str] = field(default_factory=Counter)
    pots: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 4))
    escrow: int = 0
    flags: int = 0

    def on_Transfer(self, args: dict[str, Any]) -> None:
        self.owner[args["tokenId"]] = args["receiver"]
        if args["receiver"] == NATIVE:
            del self.owner[args["tokenId"]]

    def on_Minted(self, args: dict[str, Any]) -> None:
        self.escrow += args["count"] * args["price"]
        self.slots += [args["minter"]] * min(args["count"], 3 - len(self.slots))

    def on_PhaseChanged(self, args: dict[str, Any]) -> None:
        self.flags = args["flags"]

    def on_Refunded(self, args: dict[str, Any]) -> None:
        self.escrow -= args["amount"]

    def on_ProceedsWithdrawn(self, args: dict[str, Any]) -> None:
        self.escrow -= args["artist"] + args["fee"]

    def on_ArtistChanged(self, args: dict[str, Any]) -> None:
        self.artist = args["artist"]

    def on_RoyaltyCredited(self, args: dict[str, Any]) -> None:
        for role, name in enumerate(["artist", "first", "second", "third"]):
            self.pots[args["currency"]][role] += args[name]

    def on_RoyaltyWithdrawn(self, args: dict[str, Any]) -> None:
        pots, before = self.pots[args["currency"]], sum(self.pots[args["currency"]])
        for role, holder in enumerate([self.artist, *self.slots]):
            if holder == args["who"]:
                pots[role] = 0
        assert before - sum(pots) == args["amount"]

    def on_DividendsDistributed(self, args: dict[str, Any]) -> None:
        per, token = args["perShare"], args["token"]
        assert args["holdersPool"] + self.carry[token] == per * self.supply + args["carry"]
        assert args["unminted"] == per * (self.supply - len(self.owner))
        self.carry[token] = args["carry"]
        for owner in self.owner.values():
            self.earned[owner, token] += per

    def on_Credited(self, args: dict[str, Any]) -> None:
        self.earned[args["who"], args["token"]] += args["amount"]

    def on_DividendClaimed(self, args: dict[str, Any]) -> None:
        self.claimed[args["holder"], args["token"]] += args["amount"]

    def on_ClaimSkipped(self, args: dict[str, Any]) -> None:
        key = args["holder"], args["token"]
        assert self.earned[key] - self.claimed[key] == args["amount"]


@dataclass
class MarketReplay(Reader):
    """Of the market's logs and the shares': a share that moves takes its listing with it."""

    listings: dict[int, Order] = field(default_factory=dict)
    offers: dict[int, Order] = field(default_factory=dict)
    credits: Counter[tuple[str, str]] = field(default_factory=Counter)

    def due(self, currency: str) -> int:
        offered = sum(order.price for order in self.offers.values() if order.currency == currency)
        return offered + sum(amount for (_, token), amount in self.credits.items() if token == currency)

    def on_Transfer(self, args: dict[str, Any]) -> None:
        self.listings.pop(args["tokenId"], None)

    def on_Listed(self, args: dict[str, Any]) -> None:
        self.listings[args["tokenId"]] = self._order(args["seller"], args)

    def on_Cancelled(self, args: dict[str, Any]) -> None:
        self.listings.pop(args["tokenId"], None)

    def on_Offered(self, args: dict[str, Any]) -> None:
        self.offers[args["id"]] = self._order(args["bidder"], args)

    def on_OfferCancelled(self, args: dict[str, Any]) -> None:
        del self.offers[args["id"]]

    def on_Accepted(self, args: dict[str, Any]) -> None:
        del self.offers[args["id"]]

    def on_Sold(self, args: dict[str, Any]) -> None:
        assert args["tokenId"] not in self.listings

    def on_Held(self, args: dict[str, Any]) -> None:
        self.credits[args["who"], args["currency"]] += args["amount"]

    def on_Withdrawn(self, args: dict[str, Any]) -> None:
        assert self.credits.pop((args["who"], args["currency"])) == args["amount"]

    @staticmethod
    def _order(maker: str, args: dict[str, Any]) -> Order:
        return Order(maker, args["tokenId"], args["currency"], args["price"], args["feeBps"], 0, args["deadline"])


def coin_balances(logs: list[DecodedLog]) -> Counter[str]:
    balances: Counter[str] = Counter()
    for log in logs:
        if log.name == "Transfer":
            balances[str(log.args["receiver"])] += int(str(log.args["amount"]))
            balances[str(log.args["sender"])] -= int(str(log.args["amount"]))
    del balances[NATIVE]
    return balances
