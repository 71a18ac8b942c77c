"""What the owner sees of their rooms: the list, the control room, and results in detail."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.vstudio import queries, reading, shapes, wording
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.results import plain
from portal.vstudio.rooms import FROM
from portal.vstudio.rules import DecisionState
from portal.vstudio.shapes import RoomView

MOVES = {
    "start": (Status.LIVE, "Start the room"),
    "lock": (Status.LOCKED, "Lock the master"),
    "complete": (Status.COMPLETED, "Finish the room"),
    "cancel": (Status.CANCELLED, "Call the room off"),
}
DANGEROUS = {
    "complete": "Finish the room? What is still open closes, and nobody can vote any more.",
    "cancel": "Call the room off? Nobody can vote any more, and it cannot be started again.",
}

OWNERS = {"holders", "coin_holders", "turnout", "texts"}
"""What of a result stays the owner's when it is revealed."""


def listed(session: Session, artist: Artist) -> dict[str, Any]:
    """The artist's rooms, for `vstudio/rooms.html`."""
    rooms = queries.of_artist(session, artist.id)
    rows = [wording.card(room, wording.votes(room.total_votes)) for room in rooms]
    return {
        "artist": wording.studio_artist(artist),
        "rooms": [row | {"href": f"/studio/rooms/{row['id']}"} for row in rows],
    }


def control(session: Session, room: VstudioSession, wanted: uuid.UUID | None, adding: bool) -> dict[str, Any]:
    """The control room: the decision at hand (the wanted one, else the one that needs the artist), and the run sheet.

    `adding` shows the form of a new decision instead, as does a room without any.
    """
    view, home = reading.for_owner(session, room), f"/studio/rooms/{room.id}"
    numbered = enumerate(room.decision_points, 1)
    rows = [_decision(view, d, number) | {"href": f"{home}?decision={d.id}"} for number, d in numbered]
    can_add = room.status in {Status.DRAFT, Status.SCHEDULED, Status.LIVE}
    shown = None if (adding and can_add) or not rows else _at_hand(rows, wanted)
    return {
        "artist": wording.studio_artist(room.artist),
        "room": _room(room),
        "moves": _moves(room),
        "decisions": rows,
        "shown": shown,
        "kinds": [(kind.value, text) for kind, text in wording.KINDS.items()],
        "rules": [(rule.value, text) for rule, text in wording.RULES.items() if rule.value != "whitelist"],
        "can_add": can_add,
    }


def _at_hand(rows: list[dict[str, Any]], wanted: uuid.UUID | None) -> dict[str, Any]:
    """The wanted decision; else the first that is open, waits to be shown, or comes next; else the last."""
    asked = [row for row in rows if row["id"] == str(wanted)]
    opened = [row for row in rows if row["status"] == "open"]
    hidden = [row for row in rows if row["status"] == "closed" and not row["revealed"]]
    coming = [row for row in rows if row["status"] == "pending"]
    return next(iter([*asked, *opened, *hidden, *coming]), rows[-1])


def results(session: Session, room: VstudioSession, *, owner: bool) -> dict[str, Any]:
    """`vstudio/results.html`: everything for the owner, what was revealed for everybody else."""
    view = reading.for_owner(session, room) if owner else reading.public(session, room)
    shown = [d for d in room.decision_points if d.id in view.results and view.state(d) is not DecisionState.PENDING]
    rows = [_decision(view, d, room.decision_points.index(d) + 1) for d in shown]
    if not owner:
        rows = [{name: value for name, value in row.items() if name not in OWNERS} for row in rows]
    return {
        "room": _room(room) | {"palette": str(room.artist.palette), "artist_name": room.artist.artist_name},
        "owner": owner,
        "decisions": rows,
        "hidden": len(room.decision_points) - len(shown),
    }


def _room(room: VstudioSession) -> dict[str, Any]:
    return wording.card(room) | {
        "studio_href": f"/studio/rooms/{room.id}",
        "master_title": room.master.title,
        "join_code": room.join_code if room.status is Status.LIVE else None,
        "people": room.participant_count,
        "is_public": room.is_public,
        "own_cover": room.cover_image_url is not None,
        "seq": room.total_votes,
    }


def _moves(room: VstudioSession) -> list[dict[str, Any]]:
    """The states that the room may go to now, as buttons; a room is locked once everything is decided."""
    undecided = any(decision.results_computed_at is None for decision in room.decision_points)
    return [
        {"action": action, "text": text, "confirm": DANGEROUS.get(action)}
        for action, (to, text) in MOVES.items()
        if room.status in FROM[to] and not (action == "lock" and undecided)
    ]


def _decision(view: RoomView, decision: VstudioDecisionPoint, number: int) -> dict[str, Any]:
    state, found = view.state(decision), view.results[decision.id]
    return {
        "id": str(decision.id),
        "number": number,
        "label": decision.label,
        "kind": decision.type.value,
        "who": wording.SHORT[decision.eligibility_rule],
        "status": state.value,
        "revealed": decision.revealed_at is not None,
        "closes_at": decision.end_time if state is DecisionState.OPEN else None,
        "votes": found["totalVotes"],
        "weight": found["totalWeight"],
        "holders": found["verifiedNftHolders"],
        "coin_holders": found["verifiedCoinHolders"],
        "turnout": shapes.turnout(view, found["totalVotes"]),
        "outcome": wording.outcome(decision, found, view.room.artist.artist_name),
        "tied": _tied(decision, found) if state is DecisionState.CLOSED else [],
        "options": [
            {
                "letter": wording.letter(place),
                "label": row["label"],
                "percentage": row["weightPercentage"],
                "weight": row["weight"],
                "heads": row["voteCount"],
                "heads_percentage": row["percentage"],
                "winner": row["optionId"] == found["winningOption"],
            }
            for place, row in enumerate(found["optionResults"])
        ],
        "average": found["averageValue"],
        "median": found["medianValue"],
        "texts": view.texts.get(decision.id, []),
        "weights": _weights(decision),
    }


def _tied(decision: VstudioDecisionPoint, found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(option, wording.named(decision, option)) for option in found["tiedOptions"]]


def _weights(decision: VstudioDecisionPoint) -> str:
    """What counts more than one, in words."""
    holder, fan = plain(decision.nft_holder_weight), plain(decision.superfan_weight_multiplier)
    parts = [f"holders × {holder}"] if holder != "1" else []
    return ", ".join(parts + ([f"superfans × {fan}"] if fan != "1" else []))
