"""The vote's transaction: whole or not at all, one vote a person, weight from what is held at that moment."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.accounts.models import User
from portal.db import db
from portal.errors import DomainError, NotFound, SignInNeeded
from portal.faults import Fault
from portal.vstudio import decisions, results, rooms, service
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.models import VstudioDecisionPoint, VstudioVote
from portal.vstudio.queries import Voter
from portal.vstudio.rules import Choice
from portal.vstudio.service import NotEligible, RoomFull, VotingClosed, VotingNotOpen, cast_vote
from tests import factories
from tests.vstudio import studio

HOLDERS = {"rule": Rule.NFT_HOLDERS, "nft_holder_weight": Decimal(2)}


def whole(room_id: uuid.UUID, votes: int) -> bool:
    return set(studio.counted(room_id).values()) == {votes}


def at_once(app: Flask, jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run all in threads of their own, let go at the same moment; a refusal is a result."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        with app.app_context():
            barrier.wait()
            try:
                return job()
            except DomainError as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_a_vote_counts_once_everywhere(session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    cast = studio.vote(studio.person(session), decision, "b")
    assert (cast.changed, cast.total_votes, cast.weight) == (False, 1, 1)
    assert whole(held.id, 1)


def test_changing_a_vote_changes_no_counter(session: Session) -> None:
    held = studio.room(session)
    decision, fan = studio.poll(held), studio.person(session)
    first = studio.vote(fan, decision, "a")
    again = studio.vote(fan, decision, "c")
    assert again.changed
    assert again.vote_id == first.vote_id
    assert again.receipt != first.receipt
    assert session.scalars(sa.select(VstudioVote.option_selected)).all() == ["c"]
    assert whole(held.id, 1)


def test_the_receipt_can_be_computed_again(session: Session) -> None:
    cast = studio.vote(studio.person(session), studio.poll(studio.room(session)), "b")
    said = hashlib.sha256(json.dumps({"optionSelected": "b"}, separators=(",", ":")).encode()).hexdigest()
    assert cast.receipt == hashlib.sha256(f"{cast.vote_id}:{cast.decision_id}:{said}".encode()).hexdigest()


@pytest.mark.parametrize("point", ["vote-inserted", "vote-counted", "vote-participant"])
def test_a_fault_between_the_writes_leaves_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    held = studio.room(session)
    decision, fan = studio.poll(held), studio.person(session)
    monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
    with pytest.raises(Fault):
        studio.vote(fan, decision)
    assert whole(held.id, 0)
    monkeypatch.setattr(faults, "ARMED", "")
    studio.vote(fan, decision)
    assert whole(held.id, 1)


def test_fifty_posts_of_one_person_are_one_vote(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision, fan = studio.poll(held), studio.person(session)
    found = at_once(live_app, [lambda: studio.vote(fan, decision)] * 50)
    assert sum(1 for cast in found if not cast.changed) == 1
    assert whole(held.id, 1)


def test_many_people_at_once_are_all_counted(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    fans = [studio.person(session) for _ in range(30)]
    at_once(live_app, [lambda fan=fan: studio.vote(fan, decision) for fan in fans])  # type: ignore[misc]
    assert whole(held.id, 30)


def test_two_wallets_are_one_person(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision, fan = studio.poll(held, **HOLDERS), studio.person(session)
    for _ in range(2):
        studio.shares(live_app, session, held.artist, studio.wallet(session, fan), 12)
    assert studio.vote(fan, decision).weight == 2
    assert studio.vote(fan, decision).changed
    assert whole(held.id, 1)


# --- the window -------------------------------------------------------------------------------------------


def set_window(session: Session, decision: studio.Asked, start: str, end: str) -> None:
    """Times relative to the database's clock, in seconds."""
    values = {
        "start_time": sa.text(f"clock_timestamp() + interval '{start} s'"),
        "end_time": sa.text(f"clock_timestamp() + interval '{end} s'"),
    }
    session.execute(sa.update(VstudioDecisionPoint).where(VstudioDecisionPoint.id == decision.id).values(**values))
    session.commit()


def test_the_clock_closes_without_anybody(session: Session) -> None:
    decision = studio.poll(studio.room(session))
    set_window(session, decision, "-60", "-0.001")
    with pytest.raises(VotingClosed):
        studio.vote(studio.person(session), decision)


def test_the_clock_opens_without_anybody(session: Session) -> None:
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    decision = studio.poll(studio.room(session), opened=False, starts_at=ahead)
    with pytest.raises(VotingNotOpen):
        studio.vote(studio.person(session), decision)
    set_window(session, decision, "-1", "60")
    assert studio.vote(studio.person(session), decision).total_votes == 1


def test_a_room_that_ends_closes_its_decisions(session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    rooms.cancel(held.owner_id, held.id)
    with pytest.raises(VotingClosed):
        studio.vote(studio.person(session), decision)


def test_closing_waits_for_votes_on_their_way_and_none_comes_after(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held)
    fans = [studio.person(session) for _ in range(20)]
    owner = held.owner_id
    jobs: list[Callable[[], Any]] = [lambda fan=fan: studio.vote(fan, decision) for fan in fans]  # type: ignore[misc]
    jobs.insert(10, lambda: decisions.close_decision(owner, decision.id))
    found = at_once(live_app, jobs)
    votes = sum(1 for cast in found if isinstance(cast, service.CastVote))
    assert votes + sum(1 for cast in found if isinstance(cast, VotingClosed)) == len(fans)
    written = decision.row.results_json
    assert written is not None
    assert written["totalVotes"] == votes == results.counted(session, decision.row)["totalVotes"]


# --- what is held -----------------------------------------------------------------------------------------


def test_weight_is_what_is_held_and_it_is_written_down(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held, nft_holder_weight=Decimal(2), superfan_weight_multiplier=Decimal("1.5"))
    plain, holder, superfan = (studio.person(session) for _ in range(3))
    for fan in (holder, superfan):
        studio.shares(live_app, session, held.artist, studio.wallet(session, fan))
    studio.coins(live_app, session, held.artist, studio.wallet(session, superfan), 40)
    assert [studio.vote(fan, decision).weight for fan in (plain, holder, superfan)] == [1, 2, 3]
    kept = session.execute(
        sa.select(VstudioVote.weight, VstudioVote.verified_nft_holder, VstudioVote.verified_coin_holder).order_by(
            VstudioVote.weight
        )
    ).all()
    assert [tuple(row) for row in kept] == [(1, False, False), (2, True, False), (3, True, True)]


def test_another_artists_share_proves_nothing(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    decision, fan = studio.poll(held, **HOLDERS), studio.person(session)
    studio.shares(live_app, session, factories.artist(session), studio.wallet(session, fan))
    with pytest.raises(NotEligible):
        studio.vote(fan, decision)


def test_a_share_sold_before_the_vote_gives_no_weight(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    seller, buyer = studio.person(session), studio.person(session)
    to = studio.wallet(session, buyer)
    [share] = studio.shares(live_app, session, held.artist, studio.wallet(session, seller))
    decision = studio.poll(held, **HOLDERS)
    studio.sell(live_app, share, to)
    with pytest.raises(NotEligible, match="share"):
        studio.vote(seller, decision)
    assert studio.vote(buyer, decision).weight == 2


def test_a_share_passed_around_gives_weight_once(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    first, second = studio.person(session), studio.person(session)
    to = studio.wallet(session, second)
    [share] = studio.shares(live_app, session, held.artist, studio.wallet(session, first))
    decision = studio.poll(held, nft_holder_weight=Decimal(5))
    assert studio.vote(first, decision).weight == 5
    studio.sell(live_app, share, to)
    assert studio.vote(second, decision).weight == 1
    assert studio.vote(first, decision).weight == 1
    assert studio.vote(second, decision).weight == 5


def test_people_who_share_a_wallets_share_at_once(live_app: Flask, session: Session) -> None:
    """The share changes hands while both vote: weight is given once, whoever is first, and nobody is lost."""
    held = studio.room(session)
    people = [studio.person(session) for _ in range(2)]
    wallets = [studio.wallet(session, fan) for fan in people]
    [share] = studio.shares(live_app, session, held.artist, wallets[0])
    decision = studio.poll(held, nft_holder_weight=Decimal(5))

    def sell_and_vote(fan: uuid.UUID, wallet: str) -> Any:
        studio.sell(live_app, share, wallet)
        return studio.vote(fan, decision)

    pairs = zip(people, wallets, strict=True)
    found = at_once(live_app, [lambda f=f, w=w: sell_and_vote(f, w) for f, w in pairs])  # type: ignore[misc]
    assert sorted(cast.weight for cast in found) in ([1, 1], [1, 5])
    assert whole(held.id, 2)


@pytest.mark.parametrize("count", [2, 3])
def test_as_many_shares_as_asked(live_app: Flask, session: Session, count: int) -> None:
    held = studio.room(session)
    fan = studio.person(session)
    studio.shares(live_app, session, held.artist, studio.wallet(session, fan), count)
    decision = studio.poll(held, rule=Rule.NFT_HOLDERS, config={"requiredNftCount": 3})
    assert service.verify_vote_eligibility(session, fan, decision.id).allowed is (count >= 3)


def test_coin_holders_by_the_least_balance(live_app: Flask, session: Session) -> None:
    held = studio.room(session)
    fan = studio.person(session)
    for balance in (6 * 10**20, 4 * 10**20):
        studio.coins(live_app, session, held.artist, studio.wallet(session, fan), balance)
    enough = studio.poll(held, rule=Rule.COIN_HOLDERS, config={"minTokenBalance": str(10**21)})
    more = studio.poll(held, rule=Rule.COIN_HOLDERS, config={"minTokenBalance": str(10**21 + 1)})
    assert studio.vote(fan, enough).verified_coin_holder
    with pytest.raises(NotEligible, match="coin"):
        studio.vote(fan, more)


def test_the_list_knows_linked_wallets_only(session: Session) -> None:
    held = studio.room(session)
    fan, stranger = studio.person(session), studio.person(session)
    listed = [studio.wallet(session, fan), studio.address()]
    decision = studio.poll(held, rule=Rule.WHITELIST, config={"whitelistAddresses": listed})
    assert studio.vote(fan, decision).weight == 1
    with pytest.raises(NotEligible):
        studio.vote(stranger, decision)


def test_subscribers_are_on_a_paid_plan(session: Session) -> None:
    held = studio.room(session)
    decision = studio.poll(held, rule=Rule.SUBSCRIBERS)
    payer, other = studio.person(session), studio.person(session)
    factories.unlimited(session, session.get_one(User, payer))
    session.commit()
    studio.vote(payer, decision)
    assert session.scalars(sa.select(VstudioVote.verified_subscriber)).all() == [True]
    with pytest.raises(NotEligible, match="plan"):
        studio.vote(other, decision)


def test_a_full_room_takes_nobody_new(session: Session) -> None:
    held = studio.room(session, max_participants=1)
    decision, fan = studio.poll(held), studio.person(session)
    studio.vote(fan, decision)
    with pytest.raises(RoomFull):
        studio.vote(studio.person(session), decision)
    assert studio.vote(fan, decision, "b").changed
    assert whole(held.id, 1)


# --- other voters and kinds -------------------------------------------------------------------------------


def test_visitors_vote_once_where_they_may(session: Session) -> None:
    held = studio.room(session, allow_anonymous=True)
    decision = studio.poll(held, rule=Rule.OPEN)
    visitor = Voter(anonymous_id="a" * 64)
    first = cast_vote(visitor, decision.id, Choice(option_selected="a"))
    assert cast_vote(visitor, decision.id, Choice(option_selected="b")).vote_id == first.vote_id
    assert studio.counted(held.id)["total_votes"] == 1
    with pytest.raises(SignInNeeded):
        cast_vote(visitor, studio.poll(held, rule=Rule.AUTHENTICATED).id, Choice(option_selected="a"))
    with pytest.raises(SignInNeeded):
        cast_vote(Voter(), decision.id, Choice(option_selected="a"))


def test_nobody_votes_in_a_draft(session: Session) -> None:
    held = studio.room(session, live=False)
    decision = studio.poll(held, opened=False)
    with pytest.raises(NotFound):
        studio.vote(studio.person(session), decision)


KINDS: list[tuple[dict[str, Any], list[Choice], dict[str, Any]]] = [
    (
        {"type": Kind.BINARY, "options": ({"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"})},
        [Choice(option_selected="yes"), Choice(option_selected="yes"), Choice(option_selected="no")],
        {"winningOption": "yes"},
    ),
    (
        {"type": Kind.SLIDER, "options": (), "slider": (0, 100, 10)},
        [Choice(slider_value=value) for value in (10, 20, 60)],
        {"averageValue": "30", "medianValue": "20"},
    ),
    (
        {"type": Kind.RANKING},
        [Choice(ranking_order=order) for order in (("a", "b", "c"), ("b", "a", "c"), ("b", "c", "a"))],
        {"winningOption": "b"},
    ),
    (
        {"type": Kind.OPEN_TEXT, "options": ()},
        [Choice(text_response=text) for text in ("Longer.", "Shorter!", "𝄞")],
        {"winningOption": None},
    ),
]


@pytest.mark.parametrize(("details", "choices", "expected"), KINDS)
def test_every_kind_is_kept_and_counted(
    session: Session, details: dict[str, Any], choices: list[Choice], expected: dict[str, Any]
) -> None:
    held = studio.room(session)
    decision = studio.poll(held, **details)
    for choice in choices:
        cast_vote(Voter(user_id=studio.person(session)), decision.id, choice)
    found = results.of(session, decision.row)
    assert expected.items() <= found.items()
    assert found["totalVotes"] == 3
    points = {row["optionId"]: row["voteCount"] for row in found["optionResults"]}
    assert details["type"] is not Kind.RANKING or points == {"a": 3, "b": 5, "c": 1}
    assert sum(row["percentage"] for row in found["optionResults"]) in (0, 100)
