"""The holdings of one person as rows of a book: one row a master and currency, totals a currency, never mixed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.money import BPS, CURRENCIES, allocate
from portal.portfolio import queries
from portal.portfolio.queries import Balance, Held, Price

Key = tuple[uuid.UUID, str]


@dataclass(frozen=True)
class Line:
    """A master in one currency, in smallest units. None is unknown and shown as a dash: no price, never bought."""

    held: Held
    currency: str
    paid: int | None
    last: int | None
    earned: int
    claimed: int
    ready: int

    @property
    def decimals(self) -> int:
        return decimals(self.currency)


@dataclass(frozen=True)
class Total:
    currency: str
    shares: int
    paid: int | None
    last: int | None
    earned: int
    ready: int


def decimals(currency: str) -> int:
    """Of a currency's smallest unit; a currency that the portal does not know has those of the native coin."""
    known = CURRENCIES.get(currency)
    return known.decimals if known else CURRENCIES["ETH"].decimals


def lines(session: Session, user_id: uuid.UUID) -> list[Line]:
    """Every master that a person holds or is owed by, the most shares first."""
    held = queries.held(session, user_id)
    balances = {(b.master_id, b.currency): b for b in queries.balances(session, user_id)}
    paid = _amounts(queries.paid_for(session, user_id))
    last = _amounts(queries.last_prices(session, [h.master_id for h in held]))
    return [_line(h, currency, balances, paid, last) for h in held for currency in _currencies(h, balances)]


def totals(book: list[Line]) -> list[Total]:
    """One a currency, the one with the most lines first. A sum with an unknown part is unknown."""
    found = []
    for currency in main_currencies(line.currency for line in book):
        own = [line for line in book if line.currency == currency]
        known = [line.paid for line in own if line.paid is not None]
        prices = [line.last for line in own]
        found.append(
            Total(
                currency,
                sum(line.held.shares for line in own),
                sum(known) if known else None,
                None if None in prices else sum(p for p in prices if p is not None),
                sum(line.earned for line in own),
                sum(line.ready for line in own),
            )
        )
    return found


def main_currencies(each: Iterable[str]) -> list[str]:
    """The currencies of some lines, the most frequent first; USDC before others at a tie."""
    every = list(each)
    return sorted(set(every), key=lambda code: (-every.count(code), code != "USDC", code))


def allocation(book: list[Line], currency: str) -> list[tuple[Line, int]]:
    """(line, its part of what was paid in this currency, in bps), the largest first; the parts sum to 10 000."""
    bought = sorted((n for n in book if n.currency == currency and n.paid), key=lambda n: -(n.paid or 0))
    if not bought:
        return []
    return list(zip(bought, allocate(BPS, [line.paid or 0 for line in bought]), strict=True))


def _currencies(held: Held, balances: dict[Key, Balance]) -> list[str]:
    """The offer's currency for shares that are held, and every other one in which the master paid."""
    own = [held.currency] if held.currency and held.shares else []
    paid = sorted(code for master_id, code in balances if master_id == held.master_id)
    return list(dict.fromkeys([*own, *paid]))


def _line(held: Held, currency: str, balances: dict[Key, Balance], paid: dict[Key, int], last: dict[Key, int]) -> Line:
    key = held.master_id, currency
    balance, price = balances.get(key), last.get(key)
    return Line(
        held,
        currency,
        paid.get(key),
        None if price is None else price * held.shares,
        balance.earned if balance else 0,
        balance.claimed if balance else 0,
        balance.claimable if balance else 0,
    )


def _amounts(prices: list[Price]) -> dict[Key, int]:
    return {(price.master_id, price.currency): price.amount for price in prices}
