"""Reads about rooms, decisions and votes. What a voter holds is read from the indexed balances, in one statement."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.artists.models import Artist
from portal.vstudio import statements
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession, VstudioVote
from portal.vstudio.rules import DecisionState, Standing, state_at

OVER = (Status.LOCKED, Status.COMPLETED, Status.IPO_LAUNCHED)


@dataclass(frozen=True)
class Voter:
    """Who votes: a person, or somebody anonymous known by a signed cookie; the address only as a keyed hash."""

    user_id: uuid.UUID | None = None
    anonymous_id: str | None = None
    ip_hash: str | None = None

    def is_of(self) -> sa.ColumnElement[bool]:
        """The condition that a vote is theirs."""
        if self.user_id is not None:
            return VstudioVote.user_id == self.user_id
        return VstudioVote.anonymous_id == self.anonymous_id


@dataclass(frozen=True)
class Ballot:
    """A decision with its room and artist, and its state at `now` by the database's clock."""

    decision: VstudioDecisionPoint
    room: VstudioSession
    artist: Artist
    now: dt.datetime

    @property
    def state(self) -> DecisionState:
        return state_of(self.decision, self.room, self.now)


def state_of(decision: VstudioDecisionPoint, room: VstudioSession, now: dt.datetime) -> DecisionState:
    return state_at(
        now,
        room_live=room.status is Status.LIVE,
        is_active=decision.is_active,
        start=decision.start_time,
        end=decision.end_time,
        finalized=decision.results_computed_at is not None,
    )


def current(room: VstudioSession, now: dt.datetime) -> tuple[VstudioDecisionPoint, DecisionState] | None:
    """The decision that the room is about now: an open one, else the one that closed last, else none yet."""
    states = [(decision, state_of(decision, room, now)) for decision in room.decision_points]
    for decision, state in states:
        if state is DecisionState.OPEN:
            return decision, state
    past = [pair for pair in states if pair[1] is not DecisionState.PENDING]
    return max(past, key=lambda pair: (pair[0].end_time or now, pair[0].display_order), default=None)


def clock(session: Session) -> dt.datetime:
    """The database's time, this very moment."""
    now: dt.datetime = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now


# --- rooms ------------------------------------------------------------------------------------------------


def _whole() -> sa.Select[VstudioSession]:
    return (
        sa.select(VstudioSession)
        .join(VstudioSession.artist)
        .options(
            joinedload(VstudioSession.artist),
            joinedload(VstudioSession.master),
            selectinload(VstudioSession.decision_points),
        )
    )


def visible(session: Session, room_id: uuid.UUID, user_id: uuid.UUID | None) -> VstudioSession | None:
    """A room that is no draft, or one's own. A room that is not public is in no list, but open to who has the link."""
    mine = Artist.user_id == user_id if user_id is not None else sa.false()
    return session.scalars(
        _whole().where(VstudioSession.id == room_id, sa.or_(VstudioSession.status != Status.DRAFT, mine))
    ).one_or_none()


def owned(session: Session, room_id: uuid.UUID, user_id: uuid.UUID) -> VstudioSession | None:
    """One's own room, in any state."""
    return session.scalars(_whole().where(VstudioSession.id == room_id, Artist.user_id == user_id)).one_or_none()


def live_now(session: Session, limit: int = 12) -> list[VstudioSession]:
    return _listed(session, (Status.LIVE,), VstudioSession.actual_start_at.desc(), limit)


def soon(session: Session, limit: int = 12) -> list[VstudioSession]:
    return _listed(session, (Status.SCHEDULED,), VstudioSession.scheduled_start_at.asc(), limit)


def past(session: Session, limit: int = 12) -> list[VstudioSession]:
    return _listed(session, OVER, VstudioSession.actual_end_at.desc().nulls_last(), limit)


def _listed(
    session: Session, statuses: Sequence[Status], order: sa.UnaryExpression[dt.datetime | None], limit: int
) -> list[VstudioSession]:
    statement = _whole().where(VstudioSession.status.in_(statuses), VstudioSession.is_public)
    return list(session.scalars(statement.order_by(order, VstudioSession.id).limit(limit)))


def of_artist(session: Session, artist_id: uuid.UUID, *, public_only: bool = False) -> list[VstudioSession]:
    """An artist's rooms, newest first."""
    statement = _whole().where(VstudioSession.artist_id == artist_id)
    if public_only:
        shown = (Status.LIVE, Status.SCHEDULED, *OVER)
        statement = statement.where(VstudioSession.is_public, VstudioSession.status.in_(shown))
    return list(session.scalars(statement.order_by(VstudioSession.created_at.desc(), VstudioSession.id)))


def by_code(session: Session, code: str) -> uuid.UUID | None:
    """The live room of a join code."""
    return session.scalar(
        sa.select(VstudioSession.id).where(VstudioSession.join_code == code, VstudioSession.status == Status.LIVE)
    )


def counted(session: Session, artist_id: uuid.UUID) -> int:
    """Rooms that count against a plan's limit: all but cancelled ones."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(VstudioSession)
            .where(VstudioSession.artist_id == artist_id, VstudioSession.status != Status.CANCELLED)
        )
        or 0
    )


# --- decisions and votes ----------------------------------------------------------------------------------


def ballot(session: Session, decision_id: uuid.UUID, *, lock: bool = False) -> Ballot | None:
    """A decision as it stands now. With `lock` it can neither open nor close until the transaction ends.

    The lock is the weakest there is (FOR KEY SHARE): voters do not wait for one another, closing waits for them.
    """
    statement = statements.BALLOT_LOCKED if lock else statements.BALLOT
    row = session.execute(statement, {"decision": decision_id}).one_or_none()
    return None if row is None else Ballot(*row)


def standing(session: Session, user_id: uuid.UUID, at: Ballot) -> Standing:
    """What this person's verified wallets hold of the artist's shares and coin, at this moment."""
    whitelist = [a.lower() for a in (at.decision.eligibility_config or {}).get("whitelistAddresses", [])]
    names = {"user": user_id, "decision": at.decision.id, "artist": at.artist.id, "whitelist": whitelist}
    shares, used, proof, coins, listed = session.execute(statements.STANDING, names).one()
    return Standing(shares=shares, used=used, proving_token=proof, coins=int(coins), listed=bool(listed))


def vote_of(session: Session, decision_id: uuid.UUID, voter: Voter) -> VstudioVote | None:
    """This voter's vote on a decision."""
    if voter.user_id is None and voter.anonymous_id is None:
        return None
    return session.scalars(
        sa.select(VstudioVote).where(VstudioVote.decision_point_id == decision_id, voter.is_of())
    ).one_or_none()


def anonymous_voters(session: Session, room_id: uuid.UUID) -> int:
    """How many voted in a room without an account; everybody else who votes is a participant."""
    return (
        session.scalar(
            sa.select(sa.func.count(VstudioVote.anonymous_id.distinct())).where(
                VstudioVote.vstudio_session_id == room_id
            )
        )
        or 0
    )


def votes_by_decision(session: Session, room_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """How many voted on each decision: totals, which everybody may see."""
    rows = session.execute(
        sa.select(VstudioVote.decision_point_id, sa.func.count())
        .where(VstudioVote.vstudio_session_id == room_id)
        .group_by(VstudioVote.decision_point_id)
    )
    return {row[0]: row[1] for row in rows}
