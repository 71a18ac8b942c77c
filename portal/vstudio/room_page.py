"""What the fan's room shows, gathered for `vstudio/room.html`."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.errors import NotFound
from portal.masters.shapes import cover_url
from portal.vstudio import queries, reading, results, service, wording
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession, VstudioVote
from portal.vstudio.queries import Voter
from portal.vstudio.results import plain
from portal.vstudio.rules import Choice, DecisionState, Eligibility
from portal.vstudio.shapes import RoomView


def page(
    session: Session,
    room: VstudioSession,
    voter: Voter,
    wanted: uuid.UUID | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """Every value of the template for this voter; `wanted` names another decision than the current one."""
    view = reading.public(session, room)
    decision = _shown(view, wanted)
    vote = queries.vote_of(session, decision.id, voter) if decision else None
    may = _eligibility(session, voter, view, decision)
    return {
        "room": _room(view, wanted),
        "decision": _decision(view, decision, vote, may) if decision else None,
        "reasons": _reasons(may, wording.room_href(room)),
        "weight": _weight(may) if voter.user_id else None,
        "tonight": _tonight(view, decision),
        "results_href": f"{wording.room_href(room)}/results" if view.results else None,
        "questions": [],
        "questions_count": 0,
        "ask_action": None,
        "ask_error": None,
        "error": error,
        "signed_in": voter.user_id is not None,
    }


def _shown(view: RoomView, wanted: uuid.UUID | None) -> VstudioDecisionPoint | None:
    if wanted is None:
        current = queries.current(view.room, view.now)
        return current[0] if current else None
    for decision in view.room.decision_points:
        if decision.id == wanted and view.state(decision) is not DecisionState.PENDING:
            return decision
    raise NotFound


def _eligibility(
    session: Session, voter: Voter, view: RoomView, decision: VstudioDecisionPoint | None
) -> Eligibility | None:
    if decision is None or view.state(decision) is not DecisionState.OPEN:
        return None
    return service.verify_vote_eligibility(session, voter.user_id, decision.id)


def _room(view: RoomView, wanted: uuid.UUID | None) -> dict[str, Any]:
    room, artist = view.room, view.room.artist
    return {
        "id": str(room.id),
        "href": wording.room_href(room) + (f"?decision={wanted}" if wanted else ""),
        "title": room.title,
        "artist_name": artist.artist_name,
        "artist_href": f"/artists/{artist.slug}",
        "artist_first": artist.artist_name,
        "palette": str(artist.palette),
        "cover_url": room.cover_image_url or cover_url(room.master),
        "status": room.status.value,
        "people": None,
        "starts_at": room.scheduled_start_at,
        "count": len(room.decision_points),
        "total_votes": room.total_votes,
    }


def _decision(
    view: RoomView, decision: VstudioDecisionPoint, vote: VstudioVote | None, may: Eligibility | None
) -> dict[str, Any]:
    state = view.state(decision)
    found = view.results.get(decision.id)
    said = _choice(vote) if vote else None
    question = service.question_of(decision)
    value = said.slider_value if said else None
    artist = view.room.artist.artist_name
    return {
        "id": str(decision.id),
        "number": view.room.decision_points.index(decision) + 1,
        "status": state.value,
        "kind": decision.type.value,
        "label": decision.label,
        "description": decision.description,
        "closes_at": decision.end_time,
        "closes_in": None,
        "total_votes": view.votes.get(decision.id, 0),
        "revealed": results.shown(decision, state),
        "vote_action": wording.room_href(view.room),
        "can_vote": may is not None and may.allowed,
        "voted": wording.chosen(decision, said) if said else None,
        "text": said.text_response if said else None,
        "slider": wording.slider(question, decision.slider_labels, value) if decision.type is Kind.SLIDER else None,
        "result": wording.outcome(decision, found, artist) if found else None,
        "options": _options(decision, said, found),
    }


def _options(decision: VstudioDecisionPoint, said: Choice | None, found: dict[str, Any] | None) -> list[dict[str, Any]]:
    rows = {row["optionId"]: row for row in (found or {}).get("optionResults", [])}
    order = list(said.ranking_order) if said and said.ranking_order else []
    return [
        {
            "id": option["id"],
            "letter": wording.letter(place),
            "label": option["label"],
            "text": (option.get("metadata") or {}).get("description"),
            "image_url": option.get("imageUrl"),
            "audio_url": option.get("audioUrl"),
            "duration": None,
            "peaks": None,
            "chosen": said is not None and said.option_selected == option["id"],
            "rank": order.index(option["id"]) + 1 if option["id"] in order else None,
            "result_bps": rows[option["id"]]["weightPercentage"] * 100 if rows else None,
            "heads": rows[option["id"]]["voteCount"] if rows else None,
        }
        for place, option in enumerate(decision.options or [])
    ]


def _choice(vote: VstudioVote) -> Choice:
    return Choice(
        option_selected=vote.option_selected,
        slider_value=int(vote.slider_value) if vote.slider_value is not None else None,
        ranking_order=tuple(vote.ranking_order) if vote.ranking_order else None,
        text_response=vote.text_response,
    )


def _reasons(may: Eligibility | None, here: str) -> list[dict[str, Any]]:
    if may is None or may.allowed:
        return []
    return [
        {
            "message": reason.message,
            "action_label": reason.action.label if reason.action else None,
            "action_href": _and_back(reason.action.href, here) if reason.action else None,
        }
        for reason in may.reasons
    ]


def _and_back(href: str, here: str) -> str:
    return f"{href}?next={here}" if href == "/login" else href


def _weight(may: Eligibility | None) -> dict[str, Any] | None:
    if may is None or not may.allowed:
        return None
    note = "However many shares you hold, they weigh the same as one. One vote a person, whatever wallets you use."
    return {
        "total": _one_decimal(may.weight),
        "rows": [(line.text, f"× {plain(line.factor)}") for line in may.lines],
        "note": note if may.is_nft_holder else None,
    }


def _one_decimal(number: Decimal) -> str:
    """3 -> '3.0', 1.25 -> '1.25'."""
    text = plain(number) or "0"
    return text if "." in text else f"{text}.0"


def _tonight(view: RoomView, current: VstudioDecisionPoint | None) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "label": decision.label,
            "note": _note(view, decision),
            "current": decision is current,
            "href": _other(view, decision, current),
        }
        for number, decision in enumerate(view.room.decision_points, 1)
    ]


def _note(view: RoomView, decision: VstudioDecisionPoint) -> str:
    found = view.results.get(decision.id)
    if found:
        return wording.outcome(decision, found, view.room.artist.artist_name)
    return wording.STATES[view.state(decision)]


def _other(view: RoomView, decision: VstudioDecisionPoint, current: VstudioDecisionPoint | None) -> str | None:
    if decision is current or view.state(decision) is DecisionState.PENDING:
        return None
    return f"{wording.room_href(view.room)}?decision={decision.id}"
