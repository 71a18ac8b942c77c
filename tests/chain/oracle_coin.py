"""An artist's coin as ERC-20 and EIP-2612 state it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from portal.chain.abi import NATIVE
from tests.chain.oracle import need

ENDLESS = 2**256 - 1


@dataclass
class CoinOracle:
    supply: int
    balances: Counter[str] = field(default_factory=Counter)
    allowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    nonces: Counter[str] = field(default_factory=Counter)

    def transfer(self, who: str, to: str, amount: int) -> None:
        need(to != NATIVE and self.balances[who] >= amount)
        self.balances[who] -= amount
        self.balances[to] += amount

    def approve(self, who: str, spender: str, amount: int, sent: int) -> None:
        need(sent == 0)
        self.allowed[who, spender] = amount

    def transfer_from(self, who: str, owner: str, to: str, amount: int) -> None:
        need(self.allowed[owner, who] >= amount)
        self.transfer(owner, to, amount)
        if self.allowed[owner, who] != ENDLESS:
            self.allowed[owner, who] -= amount

    def permit(self, owner: str, spender: str, amount: int, good: bool) -> None:
        need(good)
        self.nonces[owner] += 1
        self.allowed[owner, spender] = amount
