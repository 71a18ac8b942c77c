"""The decisions of the demo rooms, and how the fans vote on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.vstudio.decisions import DecisionDetails
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.rules import Choice
from portal.vstudio.rules import DecisionState as State

DAYS = 24 * 60
TWICE = Decimal(2)


@dataclass(frozen=True)
class Ask:
    """One decision, who votes how, and how far it is taken; open for `minutes` (None: until somebody closes it)."""

    details: DecisionDetails
    voters: tuple[int, ...]
    choice: Callable[[int], Choice]
    until: State = State.OPEN
    minutes: int | None = None


def _options(*labels: str) -> tuple[dict[str, Any], ...]:
    return tuple({"id": chr(ord("a") + place), "label": label} for place, label in enumerate(labels))


def _picks(ids: str) -> Callable[[int], Choice]:
    """Fan 1 picks the first letter, fan 2 the second, and so on around."""
    return lambda fan: Choice(option_selected=ids[(fan - 1) % len(ids)])


def _levels(*values: int) -> Callable[[int], Choice]:
    return lambda fan: Choice(slider_value=values[(fan - 1) % len(values)])


def _orders(ids: str) -> Callable[[int], Choice]:
    orders = list(itertools.permutations(ids))
    return lambda fan: Choice(ranking_order=orders[fan * fan % len(orders)])


def _says(*texts: str) -> Callable[[int], Choice]:
    return lambda fan: Choice(text_response=texts[(fan - 1) % len(texts)])


def _but(fans: Iterable[int], *absent: int) -> tuple[int, ...]:
    return tuple(fan for fan in fans if fan not in absent)


EVERYBODY, HOLDERS = range(1, 17), range(1, 13)

LIVE = (
    Ask(
        DecisionDetails(
            "Which ending does the record keep?", Kind.POLL,
            _options("Fade on the strings", "Cold stop", "Harbour tape, half a minute"),
            description="The take is the same; only the last half minute differs.", nft_holder_weight=TWICE,
        ),
        _but(EVERYBODY, 6, 13), _picks("abacabc"), minutes=3 * DAYS,
    ),
    Ask(
        DecisionDetails(
            "Does the spoken intro stay?", Kind.BINARY, ({"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}),
            nft_holder_weight=TWICE,
        ),
        tuple(EVERYBODY), lambda fan: Choice(option_selected="no" if fan % 3 == 0 else "yes"), until=State.CLOSED,
    ),
    Ask(
        DecisionDetails(
            "How loud is the harbour?", Kind.SLIDER, slider=(0, 10, 1),
            slider_labels={"min": "A whisper", "max": "In front"},
        ),
        _but(EVERYBODY, 2, 9), _levels(3, 4, 6, 2, 5, 7, 4),
    ),
    Ask(
        DecisionDetails(
            "In which order do the three B-sides come?", Kind.RANKING,
            _options("Slack Water", "Night Crossing", "The Lamp Room"),
        ),
        _but(EVERYBODY, 4, 8, 15), _orders("abc"),
    ),
    Ask(
        DecisionDetails(
            "One word for the last verse", Kind.OPEN_TEXT, rule=Rule.NFT_HOLDERS,
            description="For people who hold a share of Ines Okoro-Vale's masters.",
        ),
        _but(HOLDERS, 10), _says("home", "salt", "almost", "lanterns", "tomorrow"),
    ),
)  # fmt: skip
COMING = (
    Ask(
        DecisionDetails("Tape or spring?", Kind.POLL, _options("Tape echo", "Spring reverb"), rule=Rule.AUTHENTICATED),
        (), _picks("a"),
    ),
)  # fmt: skip
PAST = (
    Ask(
        DecisionDetails(
            "Which take is the record?", Kind.POLL,
            _options("Take 1, the tram passes", "Take 4, slower", "Take 7, no drums"),
        ),
        tuple(HOLDERS), _picks("bacbb"), until=State.FINALIZED,
    ),
    Ask(
        DecisionDetails("How many seconds of room before the first note?", Kind.SLIDER, slider=(0, 12, 1)),
        _but(HOLDERS, 3, 7), _levels(4, 6, 5), until=State.FINALIZED,
    ),
)  # fmt: skip
