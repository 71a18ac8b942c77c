"""What the database refuses of rooms, decisions and votes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.raw import LATER, NOW, WALLET, Raw


def test_one_live_room_an_artist(raw: Raw) -> None:
    artist = raw.add("artists")
    raw.add("vstudio_sessions", artist_id=artist, status="live")
    raw.add("vstudio_sessions", artist_id=artist, status="completed")
    raw.refuses("vstudio_sessions", "uq_vstudio_sessions_live_artist", artist_id=artist, status="live")


def test_a_join_code_is_unique_among_live_rooms(raw: Raw) -> None:
    raw.add("vstudio_sessions", join_code="DUB7", status="live")
    raw.add("vstudio_sessions", join_code="DUB7", status="completed")
    raw.refuses("vstudio_sessions", "uq_vstudio_sessions_live_join_code", join_code="DUB7", status="live")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"options": None}, "ck_vstudio_decision_points_options"),
        ({"options": Jsonb([{"id": "a"}])}, "ck_vstudio_decision_points_options"),
        ({"options": Jsonb([{"id": i} for i in range(11)])}, "ck_vstudio_decision_points_options"),
        ({"type": "slider", "slider_min": 0}, "ck_vstudio_decision_points_slider_range"),
        ({"type": "slider", "slider_min": 5, "slider_max": 5}, "ck_vstudio_decision_points_slider_range"),
        ({"nft_holder_weight": 0}, "ck_vstudio_decision_points_nft_holder_weight"),
        ({"nft_holder_weight": Decimal("NaN")}, "ck_vstudio_decision_points_nft_holder_weight_not_nan"),
        ({"start_time": LATER, "end_time": NOW}, "ck_vstudio_decision_points_window"),
        ({"eligibility_rule": "friends"}, "ck_vstudio_decision_points_eligibility_rule"),
    ],
)
def test_a_wrong_decision(raw: Raw, changes: dict[str, Any], constraint: str) -> None:
    raw.refuses("vstudio_decision_points", constraint, **changes)


def test_a_vote_has_exactly_one_voter(raw: Raw) -> None:
    raw.refuses("vstudio_votes", "ck_vstudio_votes_voter", wallet_address=WALLET)
    raw.refuses("vstudio_votes", "ck_vstudio_votes_voter", user_id=None)
    raw.add("vstudio_votes", user_id=None, anonymous_id="a1")


@pytest.mark.parametrize("voter", ["user_id", "wallet_address", "anonymous_id"])
def test_one_vote_a_voter_and_decision(raw: Raw, voter: str) -> None:
    names = {"user_id": raw.add("users"), "wallet_address": WALLET, "anonymous_id": "a1"}
    vote = {"user_id": None, voter: names[voter], "decision_point_id": raw.add("vstudio_decision_points")}
    raw.add("vstudio_votes", **vote)
    raw.refuses("vstudio_votes", f"uq_vstudio_votes_{voter}_decision_point_id", **vote)


def test_a_share_gives_weight_once_a_decision(raw: Raw) -> None:
    vote = {"decision_point_id": raw.add("vstudio_decision_points"), "proving_token": f"31337:{WALLET}:1"}
    raw.add("vstudio_votes", **vote)
    raw.refuses("vstudio_votes", "uq_vstudio_votes_proving_token_decision_point_id", **vote)


@pytest.mark.parametrize(
    ("weight", "constraint"),
    [(0, "ck_vstudio_votes_weight"), (Decimal("NaN"), "ck_vstudio_votes_weight_not_nan")],
)
def test_a_weight_is_a_positive_number(raw: Raw, weight: int | Decimal, constraint: str) -> None:
    raw.refuses("vstudio_votes", constraint, weight=weight)


def test_a_message_is_at_most_four_kibibytes(raw: Raw) -> None:
    raw.add("vstudio_chat_messages", message="é" * 2048)
    raw.refuses("vstudio_chat_messages", "ck_vstudio_chat_messages_message", message="é" * 2048 + "!")


def test_a_decision_takes_its_votes_with_it_but_a_room_with_votes_stays(raw: Raw) -> None:
    room = raw.add("vstudio_sessions")
    decision = raw.add("vstudio_decision_points", vstudio_session_id=room)
    raw.add("vstudio_votes", decision_point_id=decision, vstudio_session_id=room)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), raw.connection.transaction():
        raw.connection.execute("DELETE FROM vstudio_sessions WHERE id = %s", [room])
    raw.connection.execute("DELETE FROM vstudio_decision_points WHERE id = %s", [decision])
    assert raw.connection.execute("SELECT FROM vstudio_votes").fetchall() == []
