"""Pure rules of a vote: what the clock says of a decision, who may vote, and with which weight.

Weight = (holder ? nft_holder_weight : 1) x (superfan ? superfan_weight_multiplier : 1), where a superfan holds both a
share and the coin. Twenty-four shares weigh the same as one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from portal.errors import FieldError, Invalid
from portal.vstudio.enums import DecisionPointType, EligibilityRule

ONE = Decimal(1)
MOST_TEXT = 1000


class DecisionState(StrEnum):
    """pending -> open -> closed -> finalized, one way."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"
    FINALIZED = "finalized"


def state_at(
    now: dt.datetime,
    *,
    room_live: bool,
    is_active: bool,
    start: dt.datetime | None,
    end: dt.datetime | None,
    finalized: bool,
) -> DecisionState:
    """The state that the times say, whether or not anybody pressed a button: open from `start`, closed at `end`."""
    if finalized:
        return DecisionState.FINALIZED
    if end is not None and end <= now:
        return DecisionState.CLOSED
    if room_live and is_active and (start is None or start <= now):
        return DecisionState.OPEN
    return DecisionState.PENDING


# --- who may vote -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    """What a decision asks of a voter and gives for it; coins in smallest units."""

    rule: EligibilityRule
    artist_name: str
    artist_slug: str
    required_shares: int = 1
    least_coins: int = 1
    holder_weight: Decimal = ONE
    superfan_multiplier: Decimal = ONE
    allow_anonymous: bool = False

    @property
    def takes_anonymous(self) -> bool:
        """Where the session allows it and the rule is open, nobody has to sign in."""
        return self.allow_anonymous and self.rule is EligibilityRule.OPEN


@dataclass(frozen=True)
class Standing:
    """What a signed-in person has right now, over all their linked wallets.

    `shares` are those of any of this artist's masters that nobody else has voted with on this decision; `used` are
    the others. `proving_token` is one of `shares`.
    """

    shares: int = 0
    used: int = 0
    proving_token: str | None = None
    coins: int = 0
    subscriber: bool = False
    listed: bool = False


@dataclass(frozen=True)
class Way:
    """A way out of a refusal: a link and what it does."""

    label: str
    href: str


@dataclass(frozen=True)
class Reason:
    """Why a vote is refused; `code` is stable for programs."""

    code: str
    message: str
    action: Way | None = None


@dataclass(frozen=True)
class Line:
    """One factor of a weight, in words."""

    text: str
    factor: Decimal


@dataclass(frozen=True)
class Eligibility:
    """Whether a person may vote, with which weight, and what proves it."""

    allowed: bool
    weight: Decimal = ONE
    is_nft_holder: bool = False
    is_coin_holder: bool = False
    is_subscriber: bool = False
    proving_token: str | None = None
    lines: tuple[Line, ...] = ()
    reasons: tuple[Reason, ...] = field(default=())


def weight_of(gate: Gate, *, holder: bool, superfan: bool) -> Decimal:
    """The weight by the formula of this module; exact, at most four decimals."""
    return (gate.holder_weight if holder else ONE) * (gate.superfan_multiplier if superfan else ONE)


def decide(gate: Gate, standing: Standing | None) -> Eligibility:
    """Eligibility of a person, or of a visitor (`standing` None), by the decision's rule alone."""
    if standing is None:
        return _visitor(gate)
    holder = standing.shares >= gate.required_shares
    coins = standing.coins >= gate.least_coins
    reasons = _missing(gate, standing, holder, coins)
    superfan = holder and coins
    return Eligibility(
        allowed=not reasons,
        weight=weight_of(gate, holder=holder, superfan=superfan),
        is_nft_holder=holder,
        is_coin_holder=coins,
        is_subscriber=standing.subscriber,
        proving_token=standing.proving_token if holder else None,
        lines=_lines(gate, standing, holder, superfan),
        reasons=tuple(reasons),
    )


def _visitor(gate: Gate) -> Eligibility:
    if gate.takes_anonymous:
        return Eligibility(allowed=True)
    sign_in = Reason("sign_in_needed", "Sign in to vote: one vote a person.", Way("Sign in", "/login"))
    return Eligibility(allowed=False, reasons=(sign_in,))


def _missing(gate: Gate, standing: Standing, holder: bool, coins: bool) -> list[Reason]:
    artist = Way(f"See {gate.artist_name}'s shares", f"/artists/{gate.artist_slug}")
    share = _share_reason(gate, standing, artist)
    coin = Reason(
        "coin_needed",
        f"Only holders of {gate.artist_name}'s coin vote here. Link the wallet that holds it, or get some.",
        Way(f"See {gate.artist_name}'s coin", f"/artists/{gate.artist_slug}?tab=coin"),
    )
    plan = Reason("plan_needed", "Only people on a paid plan vote here.", Way("See the plans", "/plans"))
    listed = Reason(
        "not_on_list",
        "Only wallets on the artist's list vote here, and none of yours is on it.",
        Way("Link another wallet", "/me/wallets"),
    )
    wanted: Mapping[EligibilityRule, Sequence[tuple[bool, Reason]]] = {
        EligibilityRule.NFT_HOLDERS: [(holder, share)],
        EligibilityRule.COIN_HOLDERS: [(coins, coin)],
        EligibilityRule.SUPERFANS: [(holder, share), (coins, coin)],
        EligibilityRule.SUBSCRIBERS: [(standing.subscriber, plan)],
        EligibilityRule.WHITELIST: [(standing.listed, listed)],
    }
    return [reason for met, reason in wanted.get(gate.rule, ()) if not met]


def _share_reason(gate: Gate, standing: Standing, way: Way) -> Reason:
    if standing.used and standing.shares + standing.used >= gate.required_shares:
        return Reason(
            "share_used",
            "Your share has already given its weight to another vote on this decision; each share counts once.",
            way,
        )
    shares = "a share" if gate.required_shares == 1 else f"{gate.required_shares} shares"
    return Reason(
        "share_needed",
        f"Only people who hold {shares} of {gate.artist_name}'s masters vote here. "
        "Link the wallet that holds them, or get one.",
        way,
    )


def _lines(gate: Gate, standing: Standing, holder: bool, superfan: bool) -> tuple[Line, ...]:
    lines = []
    if holder:
        shares = "1 share" if standing.shares == 1 else f"{standing.shares:,} shares"
        lines.append(Line(f"You hold {shares} of {gate.artist_name}'s masters", gate.holder_weight))
    if superfan:
        lines.append(Line(f"Superfan: you also hold {gate.artist_name}'s coin", gate.superfan_multiplier))
    return tuple(lines) or (Line("Everybody's vote", ONE),)


# --- what a vote says -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What somebody voted: exactly one of the four, the one that the decision's kind takes."""

    option_selected: str | None = None
    slider_value: int | None = None
    ranking_order: tuple[str, ...] | None = None
    text_response: str | None = None

    def sent(self) -> dict[str, Any]:
        """The parts that were sent, by the API's names."""
        parts = {
            "optionSelected": self.option_selected,
            "sliderValue": self.slider_value,
            "rankingOrder": list(self.ranking_order) if self.ranking_order is not None else None,
            "textResponse": self.text_response,
        }
        return {name: value for name, value in parts.items() if value is not None}


@dataclass(frozen=True)
class Question:
    """What a choice is checked against."""

    kind: DecisionPointType
    option_ids: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    step: int | None = None


FIELD = {
    DecisionPointType.POLL: "optionSelected",
    DecisionPointType.BINARY: "optionSelected",
    DecisionPointType.SLIDER: "sliderValue",
    DecisionPointType.RANKING: "rankingOrder",
    DecisionPointType.OPEN_TEXT: "textResponse",
}


def check(question: Question, choice: Choice) -> None:
    """Raises Invalid, naming the field, for a choice that does not answer the question."""
    wanted, sent = FIELD[question.kind], choice.sent()
    if set(sent) != {wanted}:
        other = next((name for name in sent if name != wanted), wanted)
        raise Invalid(FieldError(other, _words(question.kind)))
    match question.kind:
        case DecisionPointType.SLIDER:
            fits = _on_scale(question, choice.slider_value or 0)
        case DecisionPointType.RANKING:
            fits = sorted(choice.ranking_order or ()) == sorted(question.option_ids)
        case DecisionPointType.OPEN_TEXT:
            fits = 1 <= len((choice.text_response or "").strip()) <= MOST_TEXT
        case _:
            fits = choice.option_selected in question.option_ids
    if not fits:
        raise Invalid(FieldError(wanted, _words(question.kind)))


def _on_scale(question: Question, value: int) -> bool:
    low, high = question.low or 0, question.high if question.high is not None else 100
    return low <= value <= high and (value - low) % (question.step or 1) == 0


def _words(kind: DecisionPointType) -> str:
    return {
        DecisionPointType.SLIDER: "Choose a value on the scale.",
        DecisionPointType.RANKING: "Put every option in its place, each once.",
        DecisionPointType.OPEN_TEXT: f"Write at most {MOST_TEXT:,} characters.",
    }.get(kind, "Choose one of the options.")
