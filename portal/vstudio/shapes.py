"""Rooms, decisions, votes and results as JSON. Until it is revealed, only the owner hears how a decision split."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.artists.shapes import of_master as artist_shape
from portal.versions import stamp
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.queries import state_of
from portal.vstudio.results import plain, shown
from portal.vstudio.rules import DecisionState, Eligibility, Reason
from portal.vstudio.votes import CastVote

SUMMARY = (
    "totalVotes",
    "totalWeight",
    "optionResults",
    "averageValue",
    "medianValue",
    "winningOption",
    "tiedOptions",
)
"""What everybody sees of a revealed result; who was verified as what stays the owner's."""


@dataclass(frozen=True)
class RoomView:
    """A room with what was read beside it: the clock, votes per decision, results per decision that may be shown."""

    room: VstudioSession
    now: dt.datetime
    votes: dict[UUID, int] = field(default_factory=dict)
    results: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    texts: dict[UUID, list[str]] = field(default_factory=dict)
    anonymous_voters: int = 0

    def state(self, decision: VstudioDecisionPoint) -> DecisionState:
        return state_of(decision, self.room, self.now)


def room(view: RoomView) -> dict[str, Any]:
    """GET /vstudio/{id}: state with totals only, and the results of what was revealed."""
    held = view.room
    return {
        "id": str(held.id),
        "title": held.title,
        "description": held.description,
        "sessionType": held.session_type,
        "status": held.status.value,
        "isPublic": held.is_public,
        "allowAnonymous": held.allow_anonymous,
        "maxParticipants": held.max_participants,
        "participantCount": held.participant_count,
        "totalVotes": held.total_votes,
        "joinCode": held.join_code if held.status.value == "live" else None,
        "scheduledStartAt": stamp(held.scheduled_start_at),
        "scheduledEndAt": stamp(held.scheduled_end_at),
        "actualStartAt": stamp(held.actual_start_at),
        "actualEndAt": stamp(held.actual_end_at),
        "master": {"id": str(held.master_id), "title": held.master.title},
        "artist": artist_shape(held.artist),
        "decisions": [decision(view, one) for one in held.decision_points],
        "version": held.version,
    }


def decision(view: RoomView, one: VstudioDecisionPoint) -> dict[str, Any]:
    """A decision for everybody; `results` only once it is closed and revealed."""
    state = view.state(one)
    return {
        "id": str(one.id),
        "type": one.type.value,
        "label": one.label,
        "description": one.description,
        "options": one.options or [],
        "slider": _slider(one),
        "eligibilityRule": one.eligibility_rule.value,
        "nftHolderWeight": plain(one.nft_holder_weight),
        "superfanWeightMultiplier": plain(one.superfan_weight_multiplier),
        "startTime": stamp(one.start_time),
        "endTime": stamp(one.end_time),
        "state": state.value,
        "totalVotes": view.votes.get(one.id, 0),
        "revealed": shown(one, state),
        "results": summary(view.results[one.id]) if shown(one, state) else None,
    }


def summary(results: dict[str, Any]) -> dict[str, Any]:
    """GET /vstudio/decisions/{id}/results, after reveal."""
    return {name: results[name] for name in SUMMARY}


def owner_results_v2(view: RoomView) -> dict[str, Any]:
    """GET /vstudio/{id}/results for the session's owner."""
    return _owner_results(view, "master")


def owner_results_v1(view: RoomView) -> dict[str, Any]:
    """As v2; the master is called `track`, as in all of version 1."""
    return _owner_results(view, "track")


OWNER_RESULTS: dict[int, Callable[[RoomView], dict[str, Any]]] = {1: owner_results_v1, 2: owner_results_v2}


def eligibility(found: Eligibility) -> dict[str, Any]:
    return {
        "eligible": found.allowed,
        "weight": plain(found.weight),
        "reasons": [_reason(reason) for reason in found.reasons],
    }


def vote(cast: CastVote) -> tuple[int, dict[str, Any]]:
    """(status, body) of POST …/votes, the same in both versions: 201, or 200 when an earlier vote was changed."""
    body = {
        "voteId": str(cast.vote_id),
        "weight": plain(cast.weight),
        "verifiedNftHolder": cast.verified_nft_holder,
        "verifiedCoinHolder": cast.verified_coin_holder,
        "totalVotes": cast.total_votes,
        "receipt": cast.receipt,
    }
    return (200 if cast.changed else 201), body


def _owner_results(view: RoomView, name: str) -> dict[str, Any]:
    held = view.room
    return {
        "sessionId": str(held.id),
        "title": held.title,
        "status": held.status.value,
        name: {"id": str(held.master_id), "title": held.master.title},
        "totalVotes": held.total_votes,
        "participantCount": held.participant_count,
        "decisions": [_owner_decision(view, one) for one in held.decision_points],
    }


def _owner_decision(view: RoomView, one: VstudioDecisionPoint) -> dict[str, Any]:
    found = view.results[one.id]
    return {
        "id": str(one.id),
        "type": one.type.value,
        "label": one.label,
        "state": view.state(one).value,
        "revealedAt": stamp(one.revealed_at),
        "finalizedAt": stamp(one.results_computed_at),
        "turnout": turnout(view, found["totalVotes"]),
        "textResponses": view.texts.get(one.id, []),
        **found,
    }


def turnout(view: RoomView, votes: int) -> dict[str, Any]:
    """Votes on a decision of all people who voted in the room; whole percent, rounded down, None without people."""
    people = view.room.participant_count + view.anonymous_voters
    return {"votes": votes, "people": people, "percentage": votes * 100 // people if people else None}


def _slider(one: VstudioDecisionPoint) -> dict[str, Any] | None:
    if one.slider_min is None:
        return None
    labels = one.slider_labels or {}
    return {"min": one.slider_min, "max": one.slider_max, "step": one.slider_step, "labels": labels}


def _reason(reason: Reason) -> dict[str, Any]:
    way = reason.action
    action = {"label": way.label, "href": way.href} if way else None
    return {"code": reason.code, "message": reason.message, "action": action}
