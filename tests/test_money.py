"""Integer money: parts sum to the whole, text becomes units exactly."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import money

weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(sum)


@given(st.integers(0, 10**30), weights)
def test_parts_sum_to_the_amount_and_are_less_than_a_unit_off(amount: int, parts: list[int]) -> None:
    result = money.allocate(amount, parts)
    assert sum(result) == amount
    assert all(abs(r * sum(parts) - amount * w) < sum(parts) for r, w in zip(result, parts, strict=True))


@given(st.integers(0, 10**12), weights)
def test_more_weight_never_gets_less(amount: int, parts: list[int]) -> None:
    pairs = sorted(zip(parts, money.allocate(amount, parts), strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(pairs) if a[0] < b[0])


@pytest.mark.parametrize(("amount", "parts"), [(-1, [1]), (1, [0]), (1, [1, -1]), (1, [])])
def test_impossible_splits_are_refused(amount: int, parts: list[int]) -> None:
    with pytest.raises(ValueError, match="allocate needs"):
        money.allocate(amount, parts)


@given(st.integers(0, money.MAX_UNITS), st.sampled_from([0, 2, 6, 18]))
def test_units_survive_being_shown_and_read(units: int, decimals: int) -> None:
    shown = money.format_units(units, decimals, least=0).replace(",", "")
    assert money.parse_units(shown, decimals) == units


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "1e9", "-1", "+1", "1_000", "１２", " ", "1.", ".5", "0x1", True, 1.0, None]
)
def test_only_plain_digits_are_an_amount(text: object) -> None:
    with pytest.raises(ValueError, match="plain number"):
        money.parse_units(text, 6)


@pytest.mark.parametrize(("text", "decimals"), [("1.0000001", 6), ("0.001", 2)])
def test_too_many_decimals_are_refused(text: str, decimals: int) -> None:
    with pytest.raises(ValueError, match="decimals"):
        money.parse_units(text, decimals)


def test_format() -> None:
    assert money.format_units(1_284_310_420_000, 6) == "1,284,310.42"
    assert money.format_units(654_321, 6) == "0.654321"
    assert money.format_units(-5, 2) == "-0.05"
    assert money.format_bps(5025) == "50.25"
