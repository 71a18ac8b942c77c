"""What is read beside a room to show it: once for everybody, once for its owner."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.vstudio import queries, results
from portal.vstudio.enums import DecisionPointType
from portal.vstudio.models import VstudioSession
from portal.vstudio.shapes import RoomView


def public(session: Session, room: VstudioSession) -> RoomView:
    """Totals, and the results of decisions that were closed and revealed."""
    now = queries.clock(session)
    open_to_all = [d for d in room.decision_points if results.shown(d, queries.state_of(d, room, now))]
    return RoomView(
        room,
        now,
        votes=queries.votes_by_decision(session, room.id),
        results={decision.id: results.of(session, decision) for decision in open_to_all},
    )


def for_owner(session: Session, room: VstudioSession) -> RoomView:
    """Everything, at any time; revealed or not."""
    written = [d for d in room.decision_points if d.type is DecisionPointType.OPEN_TEXT]
    return RoomView(
        room,
        queries.clock(session),
        votes=queries.votes_by_decision(session, room.id),
        results={decision.id: results.of(session, decision) for decision in room.decision_points},
        texts={decision.id: results.texts(session, decision.id) for decision in written},
        anonymous_voters=queries.anonymous_voters(session, room.id),
    )
