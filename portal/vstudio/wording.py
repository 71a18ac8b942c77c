"""How rooms, decisions and results are said to people."""

from __future__ import annotations

from typing import Any

from portal.artists.models import Artist
from portal.masters.shapes import cover_url
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.rules import Choice, DecisionState, Question

KINDS = {
    Kind.POLL: "A poll: one of several options",
    Kind.BINARY: "Yes or no",
    Kind.RANKING: "A ranking: every option in its place",
    Kind.SLIDER: "A value on a scale",
    Kind.OPEN_TEXT: "An answer in words",
}
RULES = {
    Rule.AUTHENTICATED: "Everybody with an account",
    Rule.NFT_HOLDERS: "Holders of your shares",
    Rule.COIN_HOLDERS: "Holders of your coin",
    Rule.SUPERFANS: "Holders of both a share and your coin",
    Rule.SUBSCRIBERS: "People on a paid plan",
    Rule.OPEN: "Everybody, also without an account where the room allows it",
    Rule.WHITELIST: "Wallets on a list",
}
SHORT = {
    Rule.AUTHENTICATED: "everybody with an account",
    Rule.NFT_HOLDERS: "share holders",
    Rule.COIN_HOLDERS: "coin holders",
    Rule.SUPERFANS: "superfans",
    Rule.SUBSCRIBERS: "people on a paid plan",
    Rule.OPEN: "everybody",
    Rule.WHITELIST: "wallets on a list",
}


def room_href(room: VstudioSession) -> str:
    return f"/vstudio/{room.id}"


def letter(place: int) -> str:
    """0 -> 'A'."""
    return chr(ord("A") + place)


def avatar_url(artist: Artist) -> str:
    return artist.profile_image_url or f"/avatars/{artist.id}.svg"


def studio_artist(artist: Artist) -> dict[str, Any]:
    """Whose studio it is, for `_studio_layout.html`."""
    return {"artist_name": artist.artist_name, "avatar_url": avatar_url(artist)}


def card(room: VstudioSession, note: str | None = None) -> dict[str, Any]:
    """A room in a list, for `card_room`."""
    return {
        "id": str(room.id),
        "href": room_href(room),
        "title": room.title,
        "artist_name": room.artist.artist_name,
        "cover_url": room.cover_image_url or cover_url(room.master),
        "palette": str(room.artist.palette),
        "status": room.status.value,
        "starts_at": room.scheduled_start_at if room.status.value == "scheduled" else room.actual_start_at,
        "people": None,
        "votes": room.total_votes,
        "note": note,
    }


def votes(count: int) -> str:
    return f"{count:,} vote" if count == 1 else f"{count:,} votes"


def named(decision: VstudioDecisionPoint, option_id: str | None) -> str:
    """'B, Cold stop', or the label alone where letters mean nothing."""
    for place, option in enumerate(decision.options or []):
        if option["id"] == option_id:
            return f"{letter(place)}, {option['label']}" if decision.type is Kind.POLL else str(option["label"])
    return ""


def outcome(decision: VstudioDecisionPoint, results: dict[str, Any], artist_name: str) -> str:
    """A result in one sentence. Only for whoever may see it."""
    if results["totalVotes"] == 0:
        return "Nobody voted."
    if decision.type is Kind.SLIDER:
        return f"The average is {results['averageValue']}, the middle {results['medianValue']}."
    if decision.type is Kind.OPEN_TEXT:
        return f"{results['totalVotes']:,} answers, for {artist_name} to read."
    tied, winner = results["tiedOptions"], results["winningOption"]
    if tied and winner:
        return f"It was a tie; {artist_name} chose {named(decision, winner)}."
    if tied:
        return "It is a tie: " + " and ".join(named(decision, option) for option in tied) + "."
    part = next(row["weightPercentage"] for row in results["optionResults"] if row["optionId"] == winner)
    of_what = "points" if decision.type is Kind.RANKING else "weight"
    return f"{named(decision, winner)}, with {part} % of the {of_what}."


def decided(room: VstudioSession) -> str:
    """What a room that is over decided first, as far as it was shown; else how many voted."""
    for decision in room.decision_points:
        if decision.revealed_at is not None and decision.results_json is not None:
            return outcome(decision, decision.results_json, room.artist.artist_name)
    return votes(room.total_votes)


def chosen(decision: VstudioDecisionPoint, choice: Choice) -> str:
    """A vote in words, as its voter reads it."""
    if choice.option_selected is not None:
        return named(decision, choice.option_selected)
    if choice.ranking_order is not None:
        return ", then ".join(named(decision, option) for option in choice.ranking_order)
    return str(choice.slider_value) if choice.slider_value is not None else f"“{choice.text_response}”"


def slider(question: Question, labels: dict[str, str] | None, value: int | None) -> dict[str, Any]:
    """The scale for the room's page; without a vote it stands on a step near its middle."""
    low, high, step = question.low or 0, question.high if question.high is not None else 100, question.step or 1
    middle = low + (high - low) // 2 // step * step
    shown = {"min": None, "mid": None, "max": None} | (labels or {})
    return {"min": low, "max": high, "step": step, "value": middle if value is None else value, "labels": shown}


STATES = {
    DecisionState.PENDING: "next",
    DecisionState.OPEN: "open now",
    DecisionState.CLOSED: "closed",
    DecisionState.FINALIZED: "decided",
}
