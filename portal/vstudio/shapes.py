"""Rooms, decisions, votes and results as JSON. Until it is revealed, only the owner hears how a decision split."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, NotRequired, cast
from uuid import UUID

from typing_extensions import TypedDict

from portal.artists.shapes import MasterArtist
from portal.artists.shapes import of_master as artist_shape
from portal.versions import stamp
from portal.vstudio.enums import DecisionPointType, EligibilityRule, VstudioSessionStatus
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.queries import state_of
from portal.vstudio.results import plain, shown
from portal.vstudio.rules import DecisionState, Eligibility, Reason
from portal.vstudio.votes import CastVote
from portal.web.schema import DecimalText, Id, Time, one_of


class OptionResult(TypedDict):
    optionId: str
    label: str
    voteCount: int
    percentage: int
    weight: DecimalText
    weightPercentage: int


class Summary(TypedDict):
    """What everybody sees of a revealed result; who was verified as what stays the owner's."""

    totalVotes: int
    totalWeight: DecimalText
    optionResults: list[OptionResult]
    averageValue: DecimalText | None
    medianValue: DecimalText | None
    winningOption: str | None
    tiedOptions: list[str]


class DecisionOption(TypedDict):
    id: str
    label: str
    imageUrl: NotRequired[str]
    audioUrl: NotRequired[str]
    metadata: NotRequired[dict[str, str]]


class SliderWords(TypedDict, total=False):
    min: str
    mid: str
    max: str


class Slider(TypedDict):
    min: int
    max: int
    step: int | None
    labels: SliderWords


class Decision(TypedDict):
    """A decision for everybody; `results` only once it is closed and revealed."""

    id: Id
    type: Annotated[str, one_of(DecisionPointType)]
    label: str
    description: str | None
    options: list[DecisionOption]
    slider: Slider | None
    eligibilityRule: Annotated[str, one_of(EligibilityRule)]
    nftHolderWeight: DecimalText
    superfanWeightMultiplier: DecimalText
    startTime: Time | None
    endTime: Time | None
    state: Annotated[str, one_of(DecisionState)]
    totalVotes: int
    revealed: bool
    results: Summary | None


class RoomMaster(TypedDict):
    id: Id
    title: str


class Room(TypedDict):
    """A room's state, with totals only, and the results of what was revealed."""

    id: Id
    title: str
    description: str | None
    sessionType: str | None
    status: Annotated[str, one_of(VstudioSessionStatus)]
    isPublic: bool
    allowAnonymous: bool
    maxParticipants: int | None
    participantCount: int
    totalVotes: int
    joinCode: str | None
    scheduledStartAt: Time | None
    scheduledEndAt: Time | None
    actualStartAt: Time | None
    actualEndAt: Time | None
    master: RoomMaster
    artist: MasterArtist
    decisions: list[Decision]
    version: int


class Turnout(TypedDict):
    """Votes on a decision of all people who voted in the room; whole percent, rounded down."""

    votes: int
    people: int
    percentage: int | None


class OwnerDecision(Summary):
    id: Id
    type: Annotated[str, one_of(DecisionPointType)]
    label: str
    state: Annotated[str, one_of(DecisionState)]
    revealedAt: Time | None
    finalizedAt: Time | None
    turnout: Turnout
    textResponses: list[str]
    verifiedNftHolders: int
    verifiedCoinHolders: int
    verifiedSubscribers: int


class Results(TypedDict):
    sessionId: Id
    title: str
    status: Annotated[str, one_of(VstudioSessionStatus)]
    totalVotes: int
    participantCount: int
    decisions: list[OwnerDecision]


class ResultsV1(Results):
    track: RoomMaster


class ResultsV2(Results):
    master: RoomMaster


RESULT_ANSWERS: dict[int, Any] = {1: ResultsV1, 2: ResultsV2}


class WayOut(TypedDict):
    label: str
    href: str


class Refusal(TypedDict):
    code: str
    message: str
    action: WayOut | None


class MayVote(TypedDict):
    eligible: bool
    weight: DecimalText
    reasons: list[Refusal]


class Voted(TypedDict):
    voteId: Id
    weight: DecimalText
    verifiedNftHolder: bool
    verifiedCoinHolder: bool
    totalVotes: int
    receipt: str


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


def room(view: RoomView) -> Room:
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
        "master": _master(view),
        "artist": artist_shape(held.artist),
        "decisions": [decision(view, one) for one in held.decision_points],
        "version": held.version,
    }


def decision(view: RoomView, one: VstudioDecisionPoint) -> Decision:
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
        "nftHolderWeight": plain(one.nft_holder_weight or Decimal(1)),
        "superfanWeightMultiplier": plain(one.superfan_weight_multiplier or Decimal(1)),
        "startTime": stamp(one.start_time),
        "endTime": stamp(one.end_time),
        "state": state.value,
        "totalVotes": view.votes.get(one.id, 0),
        "revealed": shown(one, state),
        "results": summary(view.results[one.id]) if shown(one, state) else None,
    }


def summary(results: dict[str, Any]) -> Summary:
    """GET /vstudio/decisions/{id}/results, after reveal."""
    return {
        "totalVotes": results["totalVotes"],
        "totalWeight": results["totalWeight"],
        "optionResults": results["optionResults"],
        "averageValue": results["averageValue"],
        "medianValue": results["medianValue"],
        "winningOption": results["winningOption"],
        "tiedOptions": results["tiedOptions"],
    }


def owner_results_v2(view: RoomView) -> ResultsV2:
    """GET /vstudio/{id}/results for the session's owner."""
    return {**_owner_results(view), "master": _master(view)}


def owner_results_v1(view: RoomView) -> ResultsV1:
    """As v2; the master is called `track`, as in all of version 1."""
    return {**_owner_results(view), "track": _master(view)}


def eligibility(found: Eligibility) -> MayVote:
    return {
        "eligible": found.allowed,
        "weight": plain(found.weight),
        "reasons": [_reason(reason) for reason in found.reasons],
    }


def vote(cast: CastVote) -> tuple[int, Voted]:
    """(status, body) of POST …/votes, the same in both versions: 201, or 200 when an earlier vote was changed."""
    body: Voted = {
        "voteId": str(cast.vote_id),
        "weight": plain(cast.weight),
        "verifiedNftHolder": cast.verified_nft_holder,
        "verifiedCoinHolder": cast.verified_coin_holder,
        "totalVotes": cast.total_votes,
        "receipt": cast.receipt,
    }
    return (200 if cast.changed else 201), body


def _owner_results(view: RoomView) -> Results:
    held = view.room
    return {
        "sessionId": str(held.id),
        "title": held.title,
        "status": held.status.value,
        "totalVotes": held.total_votes,
        "participantCount": held.participant_count,
        "decisions": [_owner_decision(view, one) for one in held.decision_points],
    }


def _master(view: RoomView) -> RoomMaster:
    return {"id": str(view.room.master_id), "title": view.room.master.title}


def _owner_decision(view: RoomView, one: VstudioDecisionPoint) -> OwnerDecision:
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
        "verifiedNftHolders": found["verifiedNftHolders"],
        "verifiedCoinHolders": found["verifiedCoinHolders"],
        "verifiedSubscribers": found["verifiedSubscribers"],
        **summary(found),
    }


def turnout(view: RoomView, votes: int) -> Turnout:
    people = view.room.participant_count + view.anonymous_voters
    return {"votes": votes, "people": people, "percentage": votes * 100 // people if people else None}


def _slider(one: VstudioDecisionPoint) -> Slider | None:
    if one.slider_min is None:
        return None
    return {
        "min": one.slider_min,
        "max": one.slider_max or 0,
        "step": one.slider_step,
        "labels": cast(SliderWords, one.slider_labels or {}),
    }


def _reason(reason: Reason) -> Refusal:
    way = reason.action
    action: WayOut | None = {"label": way.label, "href": way.href} if way else None
    return {"code": reason.code, "message": reason.message, "action": action}
