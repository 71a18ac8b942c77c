"""Weights, states, percentages and winners: arithmetic without a database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Invalid
from portal.vstudio import rules, tally
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.rules import Choice, DecisionState, Gate, Question, Standing
from portal.vstudio.tally import Pile

NOW = dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
factor = st.decimals(min_value="0.01", max_value="999.99", places=2)


def gate(rule: Rule = Rule.OPEN, **values: object) -> Gate:
    return Gate(rule, "Ines", "ines", **values)  # type: ignore[arg-type]


@given(factor, factor, st.integers(0, 50), st.integers(0, 3))
def test_weight_is_the_product_of_what_somebody_is(holder: Decimal, fan: Decimal, shares: int, coins: int) -> None:
    found = rules.decide(gate(holder_weight=holder, superfan_multiplier=fan), Standing(shares=shares, coins=coins))
    expected = (holder if shares else 1) * (fan if shares and coins else 1)
    assert found.weight == expected
    assert found.weight == found.weight.quantize(Decimal("0.0001"))
    assert found.weight > 0


@given(st.integers(1, 100), st.integers(1, 100))
def test_many_shares_weigh_the_same_as_one(one: int, other: int) -> None:
    at = gate(holder_weight=Decimal(2))
    assert rules.decide(at, Standing(shares=one)).weight == rules.decide(at, Standing(shares=other)).weight


NOBODY, HOLDER, FAN = Standing(), Standing(shares=1), Standing(shares=1, coins=1)


@pytest.mark.parametrize(
    ("rule", "standing", "missing"),
    [
        (Rule.OPEN, NOBODY, []),
        (Rule.AUTHENTICATED, NOBODY, []),
        (Rule.NFT_HOLDERS, NOBODY, ["share_needed"]),
        (Rule.NFT_HOLDERS, HOLDER, []),
        (Rule.NFT_HOLDERS, Standing(used=1), ["share_used"]),
        (Rule.COIN_HOLDERS, HOLDER, ["coin_needed"]),
        (Rule.COIN_HOLDERS, Standing(coins=1), []),
        (Rule.SUPERFANS, NOBODY, ["share_needed", "coin_needed"]),
        (Rule.SUPERFANS, HOLDER, ["coin_needed"]),
        (Rule.SUPERFANS, FAN, []),
        (Rule.SUBSCRIBERS, FAN, ["plan_needed"]),
        (Rule.SUBSCRIBERS, Standing(subscriber=True), []),
        (Rule.WHITELIST, FAN, ["not_on_list"]),
        (Rule.WHITELIST, Standing(listed=True), []),
    ],
)
def test_who_may_vote(rule: Rule, standing: Standing, missing: list[str]) -> None:
    found = rules.decide(gate(rule), standing)
    assert [reason.code for reason in found.reasons] == missing
    assert found.allowed is (not missing)
    assert all(reason.message and reason.action for reason in found.reasons)


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("allowed", [True, False])
def test_visitors_vote_only_where_room_and_rule_let_them(rule: Rule, allowed: bool) -> None:
    found = rules.decide(gate(rule, allow_anonymous=allowed), None)
    assert found.allowed is (allowed and rule is Rule.OPEN)
    assert found.weight == 1


def test_the_least_that_a_decision_asks() -> None:
    asks = gate(Rule.SUPERFANS, required_shares=3, least_coins=10)
    assert rules.decide(asks, Standing(shares=3, coins=10)).allowed
    assert not rules.decide(asks, Standing(shares=2, coins=10)).allowed
    assert not rules.decide(asks, Standing(shares=3, coins=9)).allowed


@pytest.mark.parametrize(
    ("offset", "state"),
    [(-SECOND, DecisionState.OPEN), (0 * SECOND, DecisionState.CLOSED), (SECOND, DecisionState.CLOSED)],
)
def test_a_window_closes_on_the_second(offset: dt.timedelta, state: DecisionState) -> None:
    start = NOW - dt.timedelta(hours=2)
    found = rules.state_at(NOW + offset, room_live=True, is_active=True, start=start, end=NOW, finalized=False)
    assert found is state


def test_a_window_opens_by_the_clock_and_only_in_a_live_room() -> None:
    def at(now: dt.datetime, live: bool = True) -> DecisionState:
        return rules.state_at(now, room_live=live, is_active=True, start=NOW, end=None, finalized=False)

    assert at(NOW - SECOND) is DecisionState.PENDING
    assert at(NOW) is DecisionState.OPEN
    assert at(NOW, live=False) is DecisionState.PENDING


THREE = Question(Kind.POLL, ("a", "b", "c"))
SCALE = Question(Kind.SLIDER, low=-10, high=10, step=5)


@pytest.mark.parametrize(
    ("question", "choice"),
    [
        (THREE, Choice(option_selected="c")),
        (Question(Kind.BINARY, ("yes", "no")), Choice(option_selected="no")),
        (SCALE, Choice(slider_value=-5)),
        (SCALE, Choice(slider_value=0)),
        (Question(Kind.RANKING, ("a", "b")), Choice(ranking_order=("b", "a"))),
        (Question(Kind.OPEN_TEXT), Choice(text_response="Longer.")),
    ],
)
def test_choices_that_fit(question: Question, choice: Choice) -> None:
    rules.check(question, choice)


@pytest.mark.parametrize(
    ("question", "choice"),
    [
        (THREE, Choice()),
        (THREE, Choice(option_selected="d")),
        (THREE, Choice(slider_value=1)),
        (THREE, Choice(option_selected="a", slider_value=1)),
        (SCALE, Choice(slider_value=3)),
        (SCALE, Choice(slider_value=15)),
        (Question(Kind.RANKING, ("a", "b")), Choice(ranking_order=("a", "a"))),
        (Question(Kind.RANKING, ("a", "b")), Choice(ranking_order=("a",))),
        (Question(Kind.OPEN_TEXT), Choice(text_response="  ")),
    ],
)
def test_choices_that_do_not(question: Question, choice: Choice) -> None:
    with pytest.raises(Invalid):
        rules.check(question, choice)


weights = st.decimals(min_value="0.0001", max_value="999999.9999", places=4)
piles = st.lists(st.tuples(st.integers(0, 1000), weights), min_size=2, max_size=10)


@given(piles)
def test_percentages_are_whole_and_sum_to_100(rows: list[tuple[int, Decimal]]) -> None:
    ids = [str(number) for number in range(len(rows))]
    found = [Pile(key, heads, weight if heads else Decimal(0)) for key, (heads, weight) in zip(ids, rows, strict=True)]
    results = tally.option_results(ids, found)
    expected = 100 if sum(pile.heads for pile in found) else 0
    assert sum(result.percentage for result in results) == expected
    assert sum(result.weight_percentage for result in results) == expected
    total = sum((pile.weight for pile in found), Decimal(0)) or Decimal(1)
    assert all(abs(result.weight_percentage - result.weight * 100 / total) < 1 for result in results)
    ordered = sorted(results, key=lambda result: (result.weight, result.weight_percentage))
    assert [r.weight_percentage for r in ordered] == sorted(r.weight_percentage for r in ordered)


def test_weight_decides_and_a_tie_has_no_winner() -> None:
    ids = ["a", "b", "c"]
    heads_against_weight = [Pile("a", 3, Decimal(3)), Pile("b", 2, Decimal(4))]
    assert tally.leaders(tally.option_results(ids, heads_against_weight)) == ["b"]
    even = [Pile("a", 1, Decimal("1.5")), Pile("c", 2, Decimal("1.5"))]
    assert tally.leaders(tally.option_results(ids, even)) == ["a", "c"]
    assert tally.leaders(tally.option_results(ids, [])) == ids


def test_weighted_mean_and_median() -> None:
    votes = [Pile("10", 1, Decimal(3)), Pile("20", 1, Decimal(1)), Pile("-5", 1, Decimal(1))]
    assert tally.mean(votes) == Decimal("9.00")
    assert tally.median(votes) == Decimal(10)
    assert tally.median([Pile("10", 1, Decimal(1)), Pile("20", 1, Decimal(1))]) == Decimal(15)
    assert tally.mean([]) is tally.median([]) is None


@given(st.lists(st.tuples(st.integers(-50, 50), weights), min_size=1, max_size=20))
def test_the_median_halves_the_weight(rows: list[tuple[int, Decimal]]) -> None:
    votes = [Pile(str(value), 1, weight) for value, weight in rows]
    middle = tally.median(votes)
    assert middle is not None
    half = sum((weight for _, weight in rows), Decimal(0)) / 2
    assert sum((w for value, w in rows if value < middle), Decimal(0)) <= half
    assert sum((w for value, w in rows if value > middle), Decimal(0)) <= half
