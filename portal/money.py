"""Integer arithmetic on money: largest remainder, basis points, and amounts as people type and read them.

No float anywhere: an amount is an int in the currency's smallest unit (wei, 10^-6 USDC, cents), a rate an int in
basis points (10 000 = 100 %).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

BPS = 10_000
MAX_UNITS = 2**256 - 1
_PLAIN = re.compile(r"[0-9]{1,78}(\.[0-9]{1,18})?", re.ASCII)


@dataclass(frozen=True)
class Currency:
    """A currency and how many decimals its smallest unit has."""

    code: str
    decimals: int


CURRENCIES = {c.code: c for c in (Currency("ETH", 18), Currency("USDC", 6), Currency("USD", 2), Currency("EUR", 2))}


def currency(code: str) -> Currency:
    """Raises KeyError for a currency that the portal does not know."""
    return CURRENCIES[code]


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights` by largest remainder; the parts sum to `amount` exactly.

    Each part is less than one unit away from the exact quotient, and more weight never gets less. Ties go to the
    earlier weight. Raises ValueError for a negative amount or weight, or when no weight is positive.
    """
    total = sum(weights)
    if amount < 0 or total <= 0 or any(w < 0 for w in weights):
        raise ValueError("allocate needs an amount >= 0 and weights >= 0 with a positive sum")
    quotients = [divmod(amount * weight, total) for weight in weights]
    parts = [floor for floor, _ in quotients]
    order = sorted(range(len(weights)), key=lambda i: (-quotients[i][1], -weights[i], i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def bps_of(amount: int, bps: int) -> int:
    """`amount` x bps / 10 000, floored: resale parts and fees (rules.md)."""
    return amount * bps // BPS


def parse_units(text: object, decimals: int) -> int:
    """'25.00' with 6 decimals -> 25000000. Only plain ASCII digits with an optional point.

    Raises ValueError with a sentence for anything else, for too many decimals and for more than 2**256 - 1.
    """
    if not isinstance(text, str) or not _PLAIN.fullmatch(text.strip()):
        raise ValueError("Enter a plain number such as 25.00.")
    whole, _, fraction = text.strip().partition(".")
    if len(fraction.rstrip("0")) > decimals:
        raise ValueError(f"At most {decimals} decimals.")
    units = int(whole + fraction.ljust(decimals, "0")[:decimals])
    if units > MAX_UNITS:
        raise ValueError("That number is too large.")
    return units


def format_units(units: int, decimals: int, least: int = 2) -> str:
    """25000000 with 6 decimals -> '25.00': thousands separated, trailing zeros cut down to `least` decimals."""
    sign, units = ("-" if units < 0 else ""), abs(units)
    whole, fraction = divmod(units, 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0") if decimals else ""
    digits = digits.ljust(min(least, decimals), "0")
    return f"{sign}{whole:,}" + (f".{digits}" if digits else "")


def to_units(amount: Decimal, decimals: int) -> tuple[int, Decimal]:
    """Split a decimal amount into whole smallest units and the rest that lies below one unit."""
    scaled = amount.scaleb(decimals)
    units = int(scaled)
    return units, (scaled - units).scaleb(-decimals)


def format_bps(bps: int) -> str:
    """5000 -> '50.00'."""
    return f"{bps // 100}.{bps % 100:02d}"


def parse_percent(text: object) -> int:
    """'50' or '50.25' -> basis points. Raises ValueError with a sentence."""
    bps = parse_units(text, 2)
    if bps > BPS:
        raise ValueError("Enter a percentage from 0 to 100.")
    return bps
