"""Rooms, decisions, votes and results for API clients."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask_login import current_user

from portal.db import db
from portal.errors import NotFound, SignInNeeded
from portal.versions import Api
from portal.vstudio import decisions, forms, queries, reading, results, rooms, service, shapes
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession
from portal.vstudio.visitors import voter
from portal.web.access import anyone, role, signed_in
from portal.web.bodies import json_body, keyed, parse

api = Api("vstudio_api", __name__)


# --- reading ----------------------------------------------------------------------------------------------


@api.get("/vstudio/<uuid:session_id>", versions=(2,), access=anyone)
def get_room(session_id: uuid.UUID, version: int) -> shapes.Room:
    found = queries.visible(db.session(), session_id, current_user.user_id)
    if found is None:
        raise NotFound
    return shapes.room(reading.public(db.session(), found))


@api.get("/vstudio/<uuid:session_id>/results", versions=(1, 2), access=signed_in, answers=shapes.RESULT_ANSWERS)
def get_results(session_id: uuid.UUID, version: int) -> shapes.ResultsV1 | shapes.ResultsV2:
    """The detailed breakdown, for the session's owner alone: somebody else's session is not there."""
    found = queries.owned(db.session(), session_id, current_user.user_id)
    if found is None:
        raise NotFound
    view = reading.for_owner(db.session(), found)
    return shapes.owner_results_v1(view) if version == 1 else shapes.owner_results_v2(view)


@api.get("/vstudio/decisions/<uuid:decision_id>/eligibility", versions=(2,), access=signed_in)
def get_eligibility(decision_id: uuid.UUID, version: int) -> shapes.MayVote:
    found = service.verify_vote_eligibility(db.session(), current_user.user_id, decision_id)
    return shapes.eligibility(found)


@api.get("/vstudio/decisions/<uuid:decision_id>/results", versions=(2,), access=anyone)
def get_decision_results(decision_id: uuid.UUID, version: int) -> shapes.Summary:
    """Once closed and revealed; before that there is nothing here."""
    at = queries.ballot(db.session(), decision_id)
    if at is None or not results.shown(at.decision, at.state):
        raise NotFound
    return shapes.summary(results.of(db.session(), at.decision))


# --- voting -----------------------------------------------------------------------------------------------


@api.post(
    "/vstudio/decisions/<uuid:decision_id>/votes", versions=(1, 2), access=anyone, takes=forms.Vote, status=(201, 200)
)
def post_vote(decision_id: uuid.UUID, version: int) -> tuple[shapes.Voted, int]:
    """201, or 200 when the person had voted and changed it."""
    who = voter()
    if who.user_id is None:
        _refuse_unless_anonymous_may(decision_id)
    form = parse(forms.Vote, json_body())
    actor = str(who.user_id or who.anonymous_id)
    cast = service.cast_vote(who, decision_id, form.choice(), keyed(shapes.vote, actor))
    status, body = shapes.vote(cast)
    return body, status


def _refuse_unless_anonymous_may(decision_id: uuid.UUID) -> None:
    """A visitor hears 401 before anything else, unless this decision takes anonymous votes."""
    at = queries.ballot(db.session(), decision_id)
    if at is None or not service.gate_of(at).takes_anonymous:
        raise SignInNeeded("Sign in to vote: one vote a person.")


# --- the owner's commands ---------------------------------------------------------------------------------


@api.post("/vstudio", versions=(2,), access=role("artist"), status=201)
def post_room(version: int, body: forms.NewRoom) -> tuple[shapes.Room, int]:
    wanted = [decision.details() for decision in body.decisions]
    room = rooms.create_room(current_user.user_id, body.master_id, body.details(), wanted, keyed(_room(201)))
    return _room_body(room), 201


@api.post("/vstudio/<uuid:session_id>/schedule", versions=(2,), access=signed_in)
def post_schedule(session_id: uuid.UUID, version: int, body: forms.Schedule) -> shapes.Room:
    times = (body.scheduled_start_at, body.scheduled_end_at)
    return _room_body(rooms.schedule(current_user.user_id, session_id, *times, keyed(_room(200))))


@api.post("/vstudio/<uuid:session_id>/start", versions=(2,), access=signed_in)
def post_start(session_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Room:
    return _move(rooms.start, session_id)


@api.post("/vstudio/<uuid:session_id>/lock", versions=(2,), access=signed_in)
def post_lock(session_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Room:
    return _move(rooms.lock, session_id)


@api.post("/vstudio/<uuid:session_id>/complete", versions=(2,), access=signed_in)
def post_complete(session_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Room:
    return _move(rooms.complete, session_id)


@api.post("/vstudio/<uuid:session_id>/cancel", versions=(2,), access=signed_in)
def post_cancel(session_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Room:
    return _move(rooms.cancel, session_id)


@api.post("/vstudio/<uuid:session_id>/decisions", versions=(2,), access=signed_in, status=201)
def post_decision(session_id: uuid.UUID, version: int, body: forms.NewDecision) -> tuple[shapes.Decision, int]:
    made = decisions.add_decision(current_user.user_id, session_id, body.details(), keyed(_decision(201)))
    return _decision_body(made), 201


@api.post("/vstudio/decisions/<uuid:decision_id>/open", versions=(2,), access=signed_in)
def post_open(decision_id: uuid.UUID, version: int, body: forms.Open | None = None) -> shapes.Decision:
    who, then = current_user.user_id, keyed(_decision(200))
    return _decision_body(decisions.open_decision(who, decision_id, body.minutes if body else None, then))


@api.post("/vstudio/decisions/<uuid:decision_id>/close", versions=(2,), access=signed_in)
def post_close(decision_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Decision:
    return _decision_body(decisions.close_decision(current_user.user_id, decision_id, keyed(_decision(200))))


@api.post("/vstudio/decisions/<uuid:decision_id>/reveal", versions=(2,), access=signed_in)
def post_reveal(decision_id: uuid.UUID, version: int, body: forms.Nothing | None = None) -> shapes.Decision:
    return _decision_body(decisions.reveal_decision(current_user.user_id, decision_id, keyed(_decision(200))))


@api.post("/vstudio/decisions/<uuid:decision_id>/finalize", versions=(2,), access=signed_in)
def post_finalize(decision_id: uuid.UUID, version: int, body: forms.Finalize | None = None) -> shapes.Decision:
    who, then = current_user.user_id, keyed(_decision(200))
    return _decision_body(decisions.finalize_decision(who, decision_id, body.winner if body else None, then))


def _move(command: Callable[..., VstudioSession], session_id: uuid.UUID) -> shapes.Room:
    return _room_body(command(current_user.user_id, session_id, keyed(_room(200))))


def _room(status: int) -> Callable[[VstudioSession], tuple[int, shapes.Room]]:
    return lambda room: (status, _room_body(room))


def _room_body(room: VstudioSession) -> shapes.Room:
    return shapes.room(reading.public(db.session(), room))


def _decision(status: int) -> Callable[[VstudioDecisionPoint], tuple[int, shapes.Decision]]:
    return lambda decision: (status, _decision_body(decision))


def _decision_body(decision: VstudioDecisionPoint) -> shapes.Decision:
    return shapes.decision(reading.public(db.session(), decision.session), decision)
