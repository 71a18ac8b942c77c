"""Commands on decisions: add one, open, close, reveal and finalise it.

Every command on a room that exists locks its decisions and then its row, in that order, as votes do. The room's
version rises with each change and is the `seq` of `vstudio.state`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db, live
from portal.artists.models import Artist
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import transaction
from portal.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from portal.idempotency import KeyedRequest, claim, keep
from portal.subscriptions import queries as plans
from portal.vstudio import queries, results
from portal.vstudio.enums import DecisionPointType, EligibilityRule
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.rules import ONE, DecisionState

MOST_DECISIONS = 50
CHANGING = (Status.DRAFT, Status.SCHEDULED, Status.LIVE)


@dataclass(frozen=True)
class DecisionDetails:
    """One question. `options` are `{id, label, imageUrl?, audioUrl?, metadata?}`, for a poll, binary or ranking.

    `config` is `{minTokenBalance?: str, requiredNftCount?: int, whitelistAddresses?: [str]}`. With `starts_at` the
    clock opens the decision, with `ends_at` it closes it.
    """

    label: str
    type: DecisionPointType = DecisionPointType.POLL
    options: tuple[dict[str, Any], ...] = ()
    description: str | None = None
    rule: EligibilityRule = EligibilityRule.AUTHENTICATED
    config: dict[str, Any] = field(default_factory=dict)
    nft_holder_weight: Decimal = ONE
    superfan_weight_multiplier: Decimal = ONE
    slider: tuple[int, int, int] | None = None
    slider_labels: dict[str, str] | None = None
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None


def add_decision(
    user_id: uuid.UUID, room_id: uuid.UUID, details: DecisionDetails, keyed: KeyedRequest | None = None
) -> VstudioDecisionPoint:
    """One more question at the end of the list. Raises Conflict once the room is over, Forbidden past the plan."""
    with transaction() as session:
        claim(session, keyed)
        room = own_room(session, user_id, room_id)
        if room.status not in CHANGING:
            raise Conflict("This room is over; its decisions stay as they are.")
        decision = add(session, room.artist, room, details)
        announce(session, room)
        keep(session, decision)
        return decision


def add(session: Session, artist: Artist, room: VstudioSession, details: DecisionDetails) -> VstudioDecisionPoint:
    """`add_decision` to a locked or new room, inside the caller's transaction."""
    held = len(room.decision_points)
    most = plans.plan_of(session, artist.user_id).decisions_per_session
    if most is not None and held >= most:
        raise Forbidden(f"Your plan holds {most} decision(s) a room. A larger plan holds more.")
    if held >= MOST_DECISIONS:
        raise Forbidden(f"A room holds at most {MOST_DECISIONS} decisions.")
    low, high, step = details.slider or (None, None, None)
    decision = VstudioDecisionPoint(
        id=uuid.uuid4(),
        type=details.type,
        label=details.label,
        description=details.description,
        options=list(details.options) or None,
        slider_min=low,
        slider_max=high,
        slider_step=step,
        slider_labels=details.slider_labels,
        eligibility_rule=details.rule,
        eligibility_config=details.config or None,
        nft_holder_weight=details.nft_holder_weight,
        superfan_weight_multiplier=details.superfan_weight_multiplier,
        start_time=details.starts_at,
        end_time=details.ends_at,
        is_active=details.starts_at is not None,
        display_order=held + 1,
    )
    room.decision_points.append(decision)
    session.flush()
    said = {"label": decision.label, "type": decision.type.value, "rule": decision.eligibility_rule.value}
    note(session, "add_decision", room, after=said)
    return decision


def open_decision(
    user_id: uuid.UUID, decision_id: uuid.UUID, minutes: int | None = None, keyed: KeyedRequest | None = None
) -> VstudioDecisionPoint:
    """pending -> open, until somebody closes it or for `minutes`. Raises Conflict outside of a live room."""
    with transaction() as session:
        claim(session, keyed)
        room, decision, now = _own_decision(session, user_id, decision_id)
        if room.status is not Status.LIVE:
            raise Conflict("Start the room first; then its decisions can open.")
        _expect(decision, room, now, DecisionState.PENDING)
        decision.is_active, decision.start_time = True, now
        if minutes is not None:
            decision.end_time = now + dt.timedelta(minutes=minutes)
        return _done(session, room, decision, "open_decision", keyed)


def close_decision(
    user_id: uuid.UUID, decision_id: uuid.UUID, keyed: KeyedRequest | None = None
) -> VstudioDecisionPoint:
    """open -> closed. Votes on their way are counted first, none comes after."""
    with transaction() as session:
        claim(session, keyed)
        room, decision, now = _own_decision(session, user_id, decision_id)
        _expect(decision, room, now, DecisionState.OPEN)
        _close(session, decision, now)
        return _done(session, room, decision, "close_decision", keyed)


def reveal_decision(
    user_id: uuid.UUID, decision_id: uuid.UUID, keyed: KeyedRequest | None = None
) -> VstudioDecisionPoint:
    """Show everybody how a closed decision split. Raises Conflict before it is closed, or the second time."""
    with transaction() as session:
        claim(session, keyed)
        room, decision, now = _own_decision(session, user_id, decision_id)
        _expect(decision, room, now, DecisionState.CLOSED, DecisionState.FINALIZED)
        if decision.revealed_at is not None:
            raise Conflict("This result is shown already.")
        decision.results_json = results.of(session, decision)
        decision.revealed_at = now
        return _done(session, room, decision, "reveal_decision", keyed)


def finalize_decision(
    user_id: uuid.UUID,
    decision_id: uuid.UUID,
    winner: str | None = None,
    keyed: KeyedRequest | None = None,
) -> VstudioDecisionPoint:
    """closed -> finalized: the result is written down for good.

    A tie has no winner until the artist names one of the tied options. Raises Invalid for a tie without `winner`,
    and for a `winner` that the vote did not leave open.
    """
    with transaction() as session:
        claim(session, keyed)
        room, decision, now = _own_decision(session, user_id, decision_id)
        _expect(decision, room, now, DecisionState.CLOSED)
        found = dict(results.of(session, decision))
        if found["tiedOptions"]:
            if winner not in found["tiedOptions"]:
                raise Invalid(FieldError("winner", "It is a tie: choose one of the tied options."))
            found["winningOption"], decision.tie_decided_by = winner, user_id
        elif winner not in {None, found["winningOption"]}:
            raise Invalid(FieldError("winner", "The vote has decided; only a tie leaves a choice."))
        decision.results_json, decision.results_computed_at = found, now
        return _done(session, room, decision, "finalize_decision", keyed)


# --- for commands on rooms and decisions alike -----------------------------------------------------------


def own_room(session: Session, user_id: uuid.UUID, room_id: uuid.UUID) -> VstudioSession:
    """One's own room with its decisions, locked and fresh; NotFound for somebody else's."""
    if queries.owned(session, room_id, user_id) is None:
        raise NotFound
    session.execute(
        sa.select(VstudioDecisionPoint)
        .where(VstudioDecisionPoint.vstudio_session_id == room_id)
        .order_by(VstudioDecisionPoint.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(
        sa.select(VstudioSession)
        .where(VstudioSession.id == room_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _own_decision(
    session: Session, user_id: uuid.UUID, decision_id: uuid.UUID
) -> tuple[VstudioSession, VstudioDecisionPoint, dt.datetime]:
    room_id = session.scalar(
        sa.select(VstudioDecisionPoint.vstudio_session_id).where(VstudioDecisionPoint.id == decision_id)
    )
    if room_id is None:
        raise NotFound
    room = own_room(session, user_id, room_id)
    decision = next(d for d in room.decision_points if d.id == decision_id)
    return room, decision, queries.clock(session)


def _expect(decision: VstudioDecisionPoint, room: VstudioSession, now: dt.datetime, *wanted: DecisionState) -> None:
    state = queries.state_of(decision, room, now)
    if state not in wanted:
        raise Conflict(f"This decision is {state.value}; that is not possible now.")


def _close(session: Session, decision: VstudioDecisionPoint, now: dt.datetime) -> None:
    """Close and count. The decision is locked, so every vote that was let in is committed."""
    decision.is_active = False
    decision.end_time = max(now, (decision.start_time or now) + dt.timedelta(microseconds=1))
    session.flush()
    decision.results_json = results.counted(session, decision)


def close_all(session: Session, room: VstudioSession) -> None:
    """Close whatever is open, inside the caller's transaction."""
    now = queries.clock(session)
    for decision in room.decision_points:
        if queries.state_of(decision, room, now) is DecisionState.OPEN:
            _close(session, decision, now)


def _done(
    session: Session,
    room: VstudioSession,
    decision: VstudioDecisionPoint,
    action: str,
    keyed: KeyedRequest | None,
) -> VstudioDecisionPoint:
    announce(session, room, decision)
    note(session, action, room, after={"decision": str(decision.id), "label": decision.label})
    keep(session, decision)
    return decision


def announce(session: Session, room: VstudioSession, decision: VstudioDecisionPoint | None = None) -> None:
    """Write the room with a new version and tell everybody in it how things stand."""
    room.updated_at = db.utcnow()
    session.flush()
    now = queries.clock(session)
    payload: dict[str, Any] = {
        "type": "vstudio.state",
        "sessionId": str(room.id),
        "status": room.status.value,
        "decisionId": str(decision.id) if decision else None,
        "decisionState": queries.state_of(decision, room, now).value if decision else None,
        "seq": room.version,
    }
    live.publish(session, f"vstudio:{room.id}", str(room.id), payload)


def note(session: Session, action: str, room: VstudioSession, **changes: Any) -> None:
    """The audit row of a change to a room, in the change's transaction."""
    target = ("vstudio_session", room.id, room.title)
    record(session, action, AuditActionCategory.VSTUDIO, target=target, **changes)
