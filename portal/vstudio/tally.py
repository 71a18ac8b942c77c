"""From votes to results: by weight and by head count, percentages that sum to 100, and no winner in a tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from portal.money import allocate

SCALE = 10_000
"""Weights have at most four decimals; as integers of 1/10 000 they are split without a rounding error."""


@dataclass(frozen=True)
class Pile:
    """Votes that said the same: an option (or a value), how many heads, how much weight."""

    key: str
    heads: int
    weight: Decimal


@dataclass(frozen=True)
class OptionResult:
    """Percentages are whole and sum to 100 over the options (largest remainder)."""

    option_id: str
    heads: int
    percentage: int
    weight: Decimal
    weight_percentage: int


def percentages(parts: Sequence[int]) -> list[int]:
    """Whole percentages by largest remainder: they sum to 100, or are all 0 when there is nothing to share."""
    return allocate(100, parts) if sum(parts) > 0 else [0] * len(parts)


def option_results(option_ids: Sequence[str], piles: Sequence[Pile]) -> list[OptionResult]:
    """One row an option, in the order of the options, those without votes included."""
    found = {pile.key: pile for pile in piles}
    rows = [found.get(option, Pile(option, 0, Decimal(0))) for option in option_ids]
    by_heads = percentages([row.heads for row in rows])
    by_weight = percentages([int(row.weight * SCALE) for row in rows])
    return [
        OptionResult(row.key, row.heads, heads, row.weight, weight)
        for row, heads, weight in zip(rows, by_heads, by_weight, strict=True)
    ]


def leaders(results: Sequence[OptionResult]) -> list[str]:
    """The options with the most weight: one is the winner, several are a tie."""
    most = max((row.weight for row in results), default=Decimal(0))
    return [row.option_id for row in results if row.weight == most]


def mean(piles: Sequence[Pile]) -> Decimal | None:
    """Weighted mean of the values, to two decimals (half up); None without votes."""
    total = sum((pile.weight for pile in piles), Decimal(0))
    if total <= 0:
        return None
    exact = sum((Decimal(pile.key) * pile.weight for pile in piles), Decimal(0)) / total
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def median(piles: Sequence[Pile]) -> Decimal | None:
    """Weighted median: the value at which half of the weight is reached; halfway between two when it is exact."""
    total = sum((pile.weight for pile in piles), Decimal(0))
    if total <= 0:
        return None
    ordered = sorted((Decimal(pile.key), pile.weight) for pile in piles)
    reached = Decimal(0)
    for place, (value, weight) in enumerate(ordered):
        reached += weight
        if reached * 2 == total:
            return ((value + ordered[place + 1][0]) / 2).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        if reached * 2 > total:
            return value.quantize(Decimal("0.01"))
    return None
