"""The arithmetic of revenue: decimals become smallest units, units become parts. Integers and decimals, no float.

Nothing is lost: what lies below the smallest unit, what a correction took back, and what does not divide by the
number of shares are each carried to the next distribution of the same master and currency.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation

from portal.money import allocate
from portal.revenue.enums import RevenueSourceType

DEPOSITED_AS = {"USD": "USDC", "EUR": "USDC", "USDC": "USDC", "ETH": "ETH"}
"""The currency in which revenue of a currency reaches the chain."""

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True)
class RevenueData:
    """What somebody reports: `amount` in whole `currency` with at most 8 decimals, negative for a correction."""

    source_type: RevenueSourceType
    amount: Decimal
    currency: str
    source_name: str | None = None
    external_reference: str | None = None
    period_start: dt.datetime | None = None
    period_end: dt.datetime | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Rate:
    """Deposit currency for one unit of the recorded currency, who said so, and of which day."""

    value: Decimal
    source: str
    day: dt.date


@dataclass(frozen=True)
class Converted:
    """Whole smallest units to book, and by how much the sum that waits below one unit changes (in whole coins)."""

    units: int
    below: Decimal


@dataclass(frozen=True)
class Split:
    """One distribution's parts in smallest units; `collaborators` in the order of their weights."""

    holders: int
    artist: int
    collaborators: tuple[int, ...]
    platform: int

    @property
    def total(self) -> int:
        return self.holders + self.artist + sum(self.collaborators) + self.platform


@dataclass(frozen=True)
class PerShare:
    """What one share gets of a pool, and what does not divide by the supply and waits for the next pool."""

    amount: int
    carry: int


def convert(amount: Decimal, rate: Decimal, decimals: int, waiting: Decimal) -> Converted:
    """`amount` x `rate`, with what already waits below one unit, in whole smallest units of 10^-decimals.

    A negative amount (a correction) gives negative units; what waits stays at least 0 and under one unit.
    """
    exact = EXACT.add(EXACT.multiply(amount, rate), waiting)
    units = int(EXACT.scaleb(exact, decimals).to_integral_value(rounding="ROUND_FLOOR"))
    left = EXACT.subtract(exact, EXACT.scaleb(Decimal(units), -decimals))
    return Converted(units, EXACT.subtract(left, waiting))


def forward(units: int, owed_back: int) -> tuple[int, int]:
    """(to share out now, used to make good earlier corrections), for positive units."""
    used = min(units, owed_back)
    return units - used, used


def split(units: int, holders_bps: int, artist_bps: int, platform_bps: int, collaborators: Sequence[int]) -> Split:
    """Divide `units` by integer largest remainder; collaborators' bps are of the whole, out of the artist's part.

    The parts sum to `units`, and each is less than one unit from exact. Raises ValueError when the collaborators
    hold more than the artist's part, or a part is negative.
    """
    artist = artist_bps - sum(collaborators)
    holders, own, platform, *others = allocate(units, [holders_bps, artist, platform_bps, *collaborators])
    return Split(holders, own, tuple(others), platform)


def per_share(pool: int, carried: int, supply: int) -> PerShare:
    """x = pool + carried; per = x // supply; carry = x % supply: as `Dividends.deposit` reckons."""
    return PerShare(*divmod(pool + carried, supply))
