"""What a master's logs alone say: owners, slots, entitlements, pots and escrow rebuilt from events."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from portal.chain.abi import NATIVE, DecodedLog


@dataclass
class Replay:
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

    def read(self, logs: list[DecodedLog]) -> Replay:
        for log in logs:
            handler = getattr(self, f"on_{log.name}", None)
            if handler:
                handler(log.args)
        return self

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
