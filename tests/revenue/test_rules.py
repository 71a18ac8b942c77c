"""Arithmetic of revenue: nothing appears, nothing is lost, whatever the amounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.revenue import rules

SOME = settings(max_examples=300, deadline=None)
MANY = settings(max_examples=3000, deadline=None)
UNITS = st.integers(0, 10**30)
BPS = st.integers(0, 10_000)


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, int, int, list[int]]:
    """(holders, artist, platform, collaborators) in bps; the first three sum to 10 000."""
    holders = draw(BPS)
    platform = draw(st.integers(0, 10_000 - holders))
    artist, left, others = 10_000 - holders - platform, 10_000 - holders - platform, []
    for _ in range(draw(st.integers(0, 6))):
        others.append(draw(st.integers(0, left)))
        left -= others[-1]
    return holders, artist, platform, others


def the_parts_are_the_whole_and_close_to_exact(units: int, bps: tuple[int, int, int, list[int]]) -> None:
    holders, artist, platform, others = bps
    found = rules.split(units, holders, artist, platform, others)
    assert found.total == units
    given_bps = [holders, artist - sum(others), platform, *others]
    for part, weight in zip(
        (found.holders, found.artist, found.platform, *found.collaborators), given_bps, strict=True
    ):
        assert abs(part * 10_000 - units * weight) < 10_000
        assert weight or not part


def test_collaborators_cannot_hold_more_than_the_artist() -> None:
    with pytest.raises(ValueError, match="weights"):
        rules.split(100, 5000, 4000, 1000, [2500, 1501])


def what_shares_earn_and_the_carry_are_the_pools(pools: list[tuple[int, int]], supply: int) -> None:
    carry = earned = 0
    for pool, _ in pools:
        found = rules.per_share(pool, carry, supply)
        carry, earned = found.carry, earned + found.amount * supply
        assert 0 <= carry < supply
    assert earned + carry == sum(pool for pool, _ in pools)


def conversion_keeps_what_lies_below_one_unit(amounts: list[Decimal], rate: Decimal, decimals: int) -> None:
    waiting, units = Decimal(0), 0
    for amount in amounts:
        found = rules.convert(amount, rate, decimals, waiting)
        waiting, units = rules.EXACT.add(waiting, found.below), units + found.units
        assert 0 <= waiting < Decimal(1).scaleb(-decimals)
    exact = Decimal(0)
    for amount in amounts:
        exact = rules.EXACT.add(exact, rules.EXACT.multiply(amount, rate))
    assert rules.EXACT.add(Decimal(units).scaleb(-decimals, rules.EXACT), waiting) == exact


DRAWN = {
    the_parts_are_the_whole_and_close_to_exact: (UNITS, parts()),
    what_shares_earn_and_the_carry_are_the_pools: (
        st.lists(st.tuples(UNITS, st.integers(1, 10**6)), min_size=1, max_size=8),
        st.integers(1, 10**6),
    ),
    conversion_keeps_what_lies_below_one_unit: (
        st.lists(st.decimals(-(10**15), 10**15, places=8), min_size=1, max_size=8),
        st.decimals("0.000000000001", 10**9, places=12),
        st.sampled_from([0, 2, 6, 18]),
    ),
}


@pytest.mark.parametrize("rule", DRAWN)
def test_some_examples(rule: Callable[..., None]) -> None:
    SOME(given(*DRAWN[rule])(rule))()


@pytest.mark.walk
@pytest.mark.parametrize("rule", DRAWN)
def test_many_examples(rule: Callable[..., None]) -> None:
    MANY(given(*DRAWN[rule])(rule))()


@pytest.mark.parametrize(
    ("units", "owed_back", "expected"),
    [(100, 0, (100, 0)), (100, 40, (60, 40)), (100, 100, (0, 100)), (100, 250, (0, 100)), (0, 5, (0, 0))],
)
def test_corrections_are_made_good_first(units: int, owed_back: int, expected: tuple[int, int]) -> None:
    assert rules.forward(units, owed_back) == expected


def test_a_cent_that_does_not_divide() -> None:
    assert rules.split(10, 5000, 4000, 1000, []) == rules.Split(5, 4, (), 1)
    assert rules.split(1, 3334, 3333, 3333, []) == rules.Split(1, 0, (), 0)
    assert rules.per_share(659_210_000, 7, 1000) == rules.PerShare(659_210, 7)
