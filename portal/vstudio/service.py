"""The vote: the specification's transaction (1.2), whole or not at all.

Eligibility and weight are read inside it from the indexed balances, the vote is inserted, the session's and the
participant's counters rise by one. Votes lock their decision as weakly as can be, then the session's row; whoever
closes a decision locks in the same order, so no vote slips in after the count.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from portal import db, faults, live
from portal.db import must_hit, transaction
from portal.errors import Conflict, DomainError, FieldError, Forbidden, NotFound, SignInNeeded
from portal.idempotency import KeyedRequest, claim, keep
from portal.subscriptions import queries as plans
from portal.vstudio import queries, statements
from portal.vstudio.enums import EligibilityRule
from portal.vstudio.enums import VstudioSessionStatus as Status
from portal.vstudio.models import VstudioDecisionPoint
from portal.vstudio.queries import Ballot, Voter
from portal.vstudio.rules import (
    ONE,
    Choice,
    DecisionState,
    Eligibility,
    Gate,
    Question,
    Reason,
    check,
    decide,
)
from portal.vstudio.votes import CastVote

TRIES = 5
RIVAL_SHARE = "uq_vstudio_votes_proving_token_decision_point_id"


class NotEligible(Forbidden):
    """The decision's rule keeps this person out; `reasons` say why and what would help."""

    code, title = "not_eligible", "You cannot vote on this decision"

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__(" ".join(reason.message for reason in reasons))
        self.reasons = reasons
        self.errors = [FieldError(reason.code, reason.message) for reason in reasons]


class VotingClosed(Conflict):
    code, title = "voting_closed", "Voting on this decision is closed"


class VotingNotOpen(Conflict):
    code, title = "voting_not_open", "Voting on this decision has not opened yet"


class RoomFull(Conflict):
    code, title = "room_full", "This room is full"


class ShareJustUsed(Conflict):
    """Somebody else's vote with the same share was first; the next try chooses another share or none."""

    code, title = "share_used", "Your share has just given its weight to another vote on this decision"


db.explain(RIVAL_SHARE, ShareJustUsed)


def cast_vote(
    voter: Voter, decision_point_id: uuid.UUID, choice: Choice, keyed: KeyedRequest | None = None
) -> CastVote:
    """Vote, or change one's vote while the decision is open.

    Raises NotFound, SignInNeeded, NotEligible, VotingNotOpen, VotingClosed, RoomFull, or Invalid for a choice that
    does not fit the question. Two votes that lean on the same share at once are settled by the database: the later
    one is tried again with what is left.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with transaction() as session:
                claim(session, keyed)
                vote = record_vote(session, voter, decision_point_id, choice)
                keep(session, vote)
                return vote
        except ShareJustUsed:
            if attempt == TRIES:
                raise
    raise ShareJustUsed


def record_vote(session: Session, voter: Voter, decision_point_id: uuid.UUID, choice: Choice) -> CastVote:
    """`cast_vote` inside the caller's transaction."""
    at = _ballot(session, decision_point_id, lock=True)
    _refuse_unless_open(at)
    check(question_of(at.decision), choice)
    eligibility = _eligibility(session, voter, at)
    if not eligibility.allowed or (voter.user_id is None and voter.anonymous_id is None):
        raise _refusal(voter, eligibility)
    vote_id, changed = _insert_vote(session, voter, at, choice, eligibility)
    faults.point("vote-inserted")
    total = _total(session, at.room.id) if changed else _count_vote(session, at.room.id)
    faults.point("vote-counted")
    if not changed and voter.user_id is not None:
        _count_participant(session, at.room.id, voter.user_id)
    faults.point("vote-participant")
    return CastVote(
        vote_id=vote_id,
        decision_id=at.decision.id,
        session_id=at.room.id,
        weight=eligibility.weight,
        verified_nft_holder=eligibility.is_nft_holder,
        verified_coin_holder=eligibility.is_coin_holder,
        total_votes=total,
        receipt=receipt(vote_id, at.decision.id, choice),
        changed=changed,
    )


def verify_vote_eligibility(session: Session, user_id: uuid.UUID | None, decision_point_id: uuid.UUID) -> Eligibility:
    """Whether this person may vote on a decision now, with which weight, and what is missing (no lock, no write).

    `user_id` None asks for a visitor who is not signed in. Raises NotFound for a decision nobody may see.
    """
    at = _ballot(session, decision_point_id)
    eligibility = _eligibility(session, Voter(user_id=user_id), at)
    late = _window_reason(at)
    if late is None:
        return eligibility
    return replace(eligibility, allowed=False, reasons=(late, *eligibility.reasons))


def receipt(vote_id: uuid.UUID, decision_id: uuid.UUID, choice: Choice) -> str:
    """SHA-256 over "<vote id>:<decision id>:<SHA-256 of the choice>", in hex.

    The choice is hashed as JSON with sorted keys and no spaces, such as {"optionSelected":"a"}, so that a voter can
    compute the receipt again and see that the choice was written down as sent.
    """
    said = json.dumps(choice.sent(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return hashlib.sha256(f"{vote_id}:{decision_id}:{digest}".encode()).hexdigest()


def gate_of(at: Ballot) -> Gate:
    """The decision's rule as `rules.decide` takes it."""
    config = at.decision.eligibility_config or {}
    return Gate(
        rule=at.decision.eligibility_rule,
        artist_name=at.artist.artist_name,
        artist_slug=at.artist.slug,
        required_shares=int(config.get("requiredNftCount", 1)),
        least_coins=max(int(config.get("minTokenBalance", "1")), 1),
        holder_weight=at.decision.nft_holder_weight or ONE,
        superfan_multiplier=at.decision.superfan_weight_multiplier or ONE,
        allow_anonymous=at.room.allow_anonymous,
    )


def question_of(decision: VstudioDecisionPoint) -> Question:
    """What a choice is checked against."""
    return Question(
        kind=decision.type,
        option_ids=tuple(str(option["id"]) for option in decision.options or []),
        low=decision.slider_min,
        high=decision.slider_max,
        step=decision.slider_step,
    )


# --- the parts of the transaction -------------------------------------------------------------------------


def _ballot(session: Session, decision_id: uuid.UUID, *, lock: bool = False) -> Ballot:
    at = queries.ballot(session, decision_id, lock=lock)
    if at is None or at.room.status is Status.DRAFT:
        raise NotFound
    return at


def _window_reason(at: Ballot) -> Reason | None:
    match at.state:
        case DecisionState.OPEN:
            return None
        case DecisionState.PENDING:
            return Reason("voting_not_open", VotingNotOpen.title + ".")
        case _:
            return Reason("voting_closed", VotingClosed.title + ".")


def _refuse_unless_open(at: Ballot) -> None:
    if at.state is DecisionState.PENDING:
        raise VotingNotOpen
    if at.state is not DecisionState.OPEN:
        raise VotingClosed


def _eligibility(session: Session, voter: Voter, at: Ballot) -> Eligibility:
    gate = gate_of(at)
    if voter.user_id is None:
        return decide(gate, None)
    standing = queries.standing(session, voter.user_id, at)
    if gate.rule is EligibilityRule.SUBSCRIBERS:
        standing = replace(standing, subscriber=plans.is_subscriber(session, voter.user_id))
    return decide(gate, standing)


def _refusal(voter: Voter, eligibility: Eligibility) -> DomainError:
    if voter.user_id is None:
        return SignInNeeded("Sign in to vote: one vote a person.")
    return NotEligible(eligibility.reasons)


def _insert_vote(
    session: Session, voter: Voter, at: Ballot, choice: Choice, eligibility: Eligibility
) -> tuple[uuid.UUID, bool]:
    """Insert the vote, or replace what the same voter chose before; returns its id and whether it was replaced."""
    said: dict[str, Any] = {
        "option_selected": choice.option_selected,
        "slider_value": choice.slider_value,
        "text_response": choice.text_response,
        "ranking_order": list(choice.ranking_order) if choice.ranking_order else None,
        "weight": eligibility.weight,
        "verified_nft_holder": eligibility.is_nft_holder,
        "verified_coin_holder": eligibility.is_coin_holder,
        "verified_subscriber": eligibility.is_subscriber,
        "proving_token": eligibility.proving_token,
        "client_ip_hash": voter.ip_hash,
    }
    who = {"user_id": voter.user_id} if voter.user_id is not None else {"anonymous_id": voter.anonymous_id}
    names = {"id": uuid.uuid4(), "decision_point_id": at.decision.id, "vstudio_session_id": at.room.id}
    row = session.execute(statements.VOTE_BY[next(iter(who))], {**names, **who, **said}).one()
    return row.id, bool(row.changed)


def _count_vote(session: Session, room_id: uuid.UUID) -> int:
    """One vote more for the session, told to the room once it is committed. Totals only: never how they split."""
    total: int = session.execute(statements.COUNT_VOTE, {"room": room_id}).scalar_one()
    payload = {"type": "vstudio.vote", "sessionId": str(room_id), "totalVotes": total, "seq": total}
    live.publish(session, f"vstudio:{room_id}", str(room_id), payload)
    return total


def _total(session: Session, room_id: uuid.UUID) -> int:
    total: int = session.execute(statements.TOTAL, {"room": room_id}).scalar_one()
    return total


def _count_participant(session: Session, room_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """One vote more for the person; a first one makes them a participant, while the room has a place."""
    names = {"id": uuid.uuid4(), "vstudio_session_id": room_id, "user_id": user_id, "votes_count": 1}
    if session.execute(statements.PARTICIPANT, names).scalar_one():
        must_hit(session.execute(statements.COUNT_PARTICIPANT, {"room": room_id}), RoomFull())
