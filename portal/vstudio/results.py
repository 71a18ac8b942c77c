"""A decision's results, counted from its votes or as they were written down when it closed.

The owner sees them at any time; everybody else once the decision is closed and revealed (`shown`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, overload

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.vstudio import tally
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.models import VstudioDecisionPoint, VstudioVote
from portal.vstudio.rules import DecisionState
from portal.vstudio.tally import OptionResult, Pile

MOST_TEXTS = 500


def shown(decision: VstudioDecisionPoint, state: DecisionState) -> bool:
    """Whether everybody may see how a decision split."""
    return decision.revealed_at is not None and state in {DecisionState.CLOSED, DecisionState.FINALIZED}


def of(session: Session, decision: VstudioDecisionPoint) -> dict[str, Any]:
    """Results as JSON: the ones written down at close, else counted now.

    `{totalVotes, totalWeight, verifiedNftHolders, verifiedCoinHolders, verifiedSubscribers, optionResults,
    averageValue, medianValue, winningOption, tiedOptions}`; decimals are strings, percentages whole numbers.
    """
    return decision.results_json or counted(session, decision)


def counted(session: Session, decision: VstudioDecisionPoint) -> dict[str, Any]:
    """Count a decision's votes as they are now."""
    results = _totals(session, decision.id) | {
        "optionResults": [],
        "averageValue": None,
        "medianValue": None,
        "winningOption": None,
        "tiedOptions": [],
    }
    match decision.type:
        case Kind.POLL | Kind.BINARY:
            results |= _by_option(decision, _piles(session, decision.id, VstudioVote.option_selected))
        case Kind.RANKING:
            results |= _by_option(decision, _borda(session, decision))
        case Kind.SLIDER:
            piles = _piles(session, decision.id, VstudioVote.slider_value)
            results |= {"averageValue": plain(tally.mean(piles)), "medianValue": plain(tally.median(piles))}
        case Kind.OPEN_TEXT:
            pass
    return results


def texts(session: Session, decision_id: uuid.UUID) -> list[str]:
    """What people wrote, oldest first: for the owner."""
    return [
        text
        for text in session.scalars(
            sa.select(VstudioVote.text_response)
            .where(VstudioVote.decision_point_id == decision_id)
            .order_by(VstudioVote.created_at, VstudioVote.id)
            .limit(MOST_TEXTS)
        )
        if text
    ]


def option_ids(decision: VstudioDecisionPoint) -> list[str]:
    return [str(option["id"]) for option in decision.options or []]


@overload
def plain(number: Decimal) -> str: ...
@overload
def plain(number: None) -> None: ...
@overload
def plain(number: Decimal | None) -> str | None: ...
def plain(number: Decimal | None) -> str | None:
    """3.0000 -> '3', 1.5000 -> '1.5'."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _totals(session: Session, decision_id: uuid.UUID) -> dict[str, Any]:
    votes, weight, holders, coins, subscribers = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(VstudioVote.weight), 0),
            sa.func.count().filter(VstudioVote.verified_nft_holder),
            sa.func.count().filter(VstudioVote.verified_coin_holder),
            sa.func.count().filter(VstudioVote.verified_subscriber),
        ).where(VstudioVote.decision_point_id == decision_id)
    ).one()
    return {
        "totalVotes": votes,
        "totalWeight": plain(Decimal(weight)),
        "verifiedNftHolders": holders,
        "verifiedCoinHolders": coins,
        "verifiedSubscribers": subscribers,
    }


def _piles(session: Session, decision_id: uuid.UUID, column: sa.orm.InstrumentedAttribute[Any]) -> list[Pile]:
    rows = session.execute(
        sa.select(column, sa.func.count(), sa.func.sum(VstudioVote.weight))
        .where(VstudioVote.decision_point_id == decision_id, column.is_not(None))
        .group_by(column)
    )
    return [Pile(str(key), heads, Decimal(weight)) for key, heads, weight in rows]


def _borda(session: Session, decision: VstudioDecisionPoint) -> list[Pile]:
    """Borda count: of n options the first gets n - 1 points, the last none; heads and weight count points."""
    listed = sa.func.jsonb_array_elements_text(VstudioVote.ranking_order)
    place = listed.table_valued("value", with_ordinality="place", name="ranked").render_derived()
    points = len(decision.options or []) - place.c.place
    rows = session.execute(
        sa.select(place.c.value, sa.func.sum(points), sa.func.sum(points * VstudioVote.weight))
        .select_from(VstudioVote)
        .join(place, sa.true())
        .where(VstudioVote.decision_point_id == decision.id)
        .group_by(place.c.value)
    )
    return [Pile(str(key), int(heads), Decimal(weight)) for key, heads, weight in rows]


def _by_option(decision: VstudioDecisionPoint, piles: Sequence[Pile]) -> dict[str, Any]:
    results = tally.option_results(option_ids(decision), piles)
    first = tally.leaders(results)
    labels = {str(option["id"]): str(option["label"]) for option in decision.options or []}
    return {
        "optionResults": [_row(result, labels[result.option_id]) for result in results],
        "winningOption": first[0] if len(first) == 1 else None,
        "tiedOptions": first if len(first) > 1 else [],
    }


def _row(result: OptionResult, label: str) -> dict[str, Any]:
    return {
        "optionId": result.option_id,
        "label": label,
        "voteCount": result.heads,
        "percentage": result.percentage,
        "weight": plain(result.weight),
        "weightPercentage": result.weight_percentage,
    }
