"""A room's life: who may do what when, limits of plans, ties, and what everybody may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults, live
from portal.audit.models import AuditLog
from portal.db import utcnow
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.masters.models import Master
from portal.vstudio import decisions, rooms
from portal.vstudio.decisions import DecisionDetails
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioSession
from portal.vstudio.rooms import RoomDetails
from tests import factories
from tests.vstudio import studio
from tests.vstudio.test_votes import at_once

POLL = DecisionDetails("Which?", options=studio.ENDINGS)
MOVES: dict[Status, Callable[..., VstudioSession]] = {
    Status.LIVE: rooms.start,
    Status.LOCKED: rooms.lock,
    Status.COMPLETED: rooms.complete,
    Status.CANCELLED: rooms.cancel,
}
LEGAL = {
    Status.DRAFT: {Status.LIVE, Status.CANCELLED},
    Status.SCHEDULED: {Status.LIVE, Status.CANCELLED},
    Status.LIVE: {Status.LOCKED, Status.COMPLETED, Status.CANCELLED},
    Status.LOCKED: {Status.COMPLETED, Status.CANCELLED},
    Status.COMPLETED: set(),
    Status.IPO_LAUNCHED: set(),
    Status.CANCELLED: set(),
}


def actions(session: Session) -> list[str]:
    rows = sa.select(AuditLog.action).where(AuditLog.action_category == "vstudio").order_by(AuditLog.created_at)
    return list(session.scalars(rows))


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("to", list(MOVES))
def test_only_the_legal_moves(session: Session, before: Status, to: Status) -> None:
    held = studio.room(session, live=False)
    session.execute(sa.update(VstudioSession).values(status=before))
    session.commit()
    if to in LEGAL[before]:
        assert MOVES[to](held.owner_id, held.id).status is to
        return
    with pytest.raises(Conflict):
        MOVES[to](held.owner_id, held.id)
    assert session.scalar(sa.select(VstudioSession.status)) is before


def test_everything_that_is_done_is_written_down(session: Session) -> None:
    held = studio.room(session)
    owner = held.owner_id
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision)
    decisions.close_decision(owner, decision.id)
    decisions.reveal_decision(owner, decision.id)
    decisions.finalize_decision(owner, decision.id)
    rooms.lock(owner, held.id)
    rooms.complete(owner, held.id)
    assert sorted(actions(session)) == sorted(
        [
            "create_vstudio_session",
            "start_vstudio_session",
            "add_decision",
            "open_decision",
            "close_decision",
            "reveal_decision",
            "finalize_decision",
            "lock_vstudio_session",
            "complete_vstudio_session",
        ]
    )


def test_scheduling_needs_a_time_to_come(session: Session) -> None:
    held = studio.room(session, live=False)
    owner = held.owner_id
    with pytest.raises(Invalid):
        rooms.schedule(owner, held.id, utcnow() - dt.timedelta(seconds=1))
    made = rooms.schedule(owner, held.id, utcnow() + dt.timedelta(days=1))
    assert made.status is Status.SCHEDULED
    with pytest.raises(Conflict):
        rooms.schedule(owner, held.id, utcnow() + dt.timedelta(days=2))


def test_one_live_room_an_artist(live_app: Flask, session: Session) -> None:
    artist = factories.artist(session)
    owner = artist.user_id
    held = [studio.room(session, artist, live=False) for _ in range(4)]
    found = at_once(live_app, [lambda room=room: rooms.start(owner, room.id) for room in held])  # type: ignore[misc]
    assert sum(isinstance(one, Conflict) for one in found) == 3
    code = session.scalar(sa.select(VstudioSession.join_code).where(VstudioSession.status == Status.LIVE))
    assert code is not None
    assert len(code) == rooms.CODE_LENGTH


def test_the_free_plan_holds_one_room_with_one_decision(session: Session) -> None:
    artist = factories.artist(session)
    session.execute(sa.text("DELETE FROM subscriptions"))
    session.commit()
    master = factories.master(session, artist, ipo=False)
    made = rooms.create_room(artist.user_id, master.id, RoomDetails("First"), [POLL])
    with pytest.raises(Forbidden, match="plan"):
        decisions.add_decision(artist.user_id, made.id, POLL)
    with pytest.raises(Forbidden, match="plan"):
        rooms.create_room(artist.user_id, master.id, RoomDetails("Second"))
    rooms.cancel(artist.user_id, made.id)
    with pytest.raises(Forbidden, match="plan"):
        rooms.create_room(artist.user_id, master.id, RoomDetails("Second"), [POLL, POLL])
    assert session.scalar(sa.select(sa.func.count()).select_from(VstudioSession)) == 1


def test_somebody_elses_room_is_not_there(session: Session) -> None:
    held = studio.room(session)
    decision, other = studio.poll(held), factories.artist(session)
    with pytest.raises(NotFound):
        rooms.complete(other.user_id, held.id)
    with pytest.raises(NotFound):
        decisions.close_decision(other.user_id, decision.id)
    master = session.scalars(sa.select(Master.id)).first()
    assert master is not None
    with pytest.raises(NotFound):
        rooms.create_room(other.user_id, master, RoomDetails("Theirs"))


def test_locking_waits_for_every_decision(session: Session) -> None:
    held = studio.room(session)
    owner = held.owner_id
    decision = studio.poll(held)
    decisions.close_decision(owner, decision.id)
    with pytest.raises(Conflict, match="Finalise"):
        rooms.lock(owner, held.id)
    decisions.finalize_decision(owner, decision.id, winner="a")
    assert rooms.lock(owner, held.id).status is Status.LOCKED


def test_a_tie_is_the_artists_to_decide(session: Session) -> None:
    held = studio.room(session)
    owner = held.owner_id
    decision = studio.poll(held)
    for option in ("a", "c"):
        studio.vote(studio.person(session), decision, option)
    decisions.close_decision(owner, decision.id)
    for choice in (None, "b", "d"):
        with pytest.raises(Invalid):
            decisions.finalize_decision(owner, decision.id, winner=choice)
    made = decisions.finalize_decision(owner, decision.id, winner="c")
    assert made.results_json is not None
    assert (made.results_json["winningOption"], made.tie_decided_by) == ("c", owner)


def test_the_vote_decides_where_there_is_no_tie(session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision, "b")
    decisions.close_decision(held.owner_id, decision.id)
    with pytest.raises(Invalid):
        decisions.finalize_decision(held.owner_id, decision.id, winner="a")
    made = decisions.finalize_decision(held.owner_id, decision.id)
    assert made.results_json is not None
    assert made.results_json["winningOption"] == "b"
    assert made.tie_decided_by is None


def test_decisions_go_one_way(session: Session) -> None:
    held = studio.room(session)
    owner = held.owner_id
    decision = studio.poll(held, opened=False)
    for early in (decisions.close_decision, decisions.reveal_decision, decisions.finalize_decision):
        with pytest.raises(Conflict):
            early(owner, decision.id)
    decisions.open_decision(owner, decision.id, minutes=3)
    for wrong in (decisions.open_decision, decisions.reveal_decision):
        with pytest.raises(Conflict):
            wrong(owner, decision.id)
    decisions.close_decision(owner, decision.id)
    decisions.reveal_decision(owner, decision.id)
    for late in (decisions.open_decision, decisions.close_decision, decisions.reveal_decision):
        with pytest.raises(Conflict):
            late(owner, decision.id)


def test_finishing_closes_and_counts_what_is_open(session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision)
    rooms.complete(held.owner_id, held.id)
    row = decision.row
    assert not row.is_active
    assert row.results_json is not None
    assert row.results_json["totalVotes"] == 1


def test_news_carry_totals_only_and_rise(live_app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(live.Publisher, "put", lambda self, room, entity, payload: sent.append((room, payload)))
    held = studio.room(session)
    decision, fan = studio.poll(held), studio.person(session)
    studio.vote(fan, decision, "a")
    studio.vote(fan, decision, "b")
    decisions.close_decision(held.owner_id, decision.id)
    assert {room for room, _ in sent} == {f"vstudio:{held.id}"}
    votes = [payload for _, payload in sent if payload["type"] == "vstudio.vote"]
    assert votes == [{"type": "vstudio.vote", "sessionId": str(held.id), "totalVotes": 1, "seq": 1}]
    states = [payload for _, payload in sent if payload["type"] == "vstudio.state"]
    assert all(
        set(payload) == {"type", "sessionId", "status", "decisionId", "decisionState", "seq"} for payload in states
    )
    numbers = [int(str(payload["seq"])) for payload in states]
    assert numbers == sorted(set(numbers))
    assert [payload["decisionState"] for payload in states][-2:] == ["open", "closed"]


def test_news_of_a_failed_vote_are_not_told(live_app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    sent: list[object] = []
    monkeypatch.setattr(live.Publisher, "put", lambda self, *news: sent.append(news))
    monkeypatch.setattr(faults, "ARMED", "vote-participant:raise")
    with pytest.raises(faults.Fault):
        studio.vote(studio.person(session), decision)
    assert sent == []
