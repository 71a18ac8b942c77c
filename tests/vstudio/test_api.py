"""V Studio over HTTP: frozen bodies of both versions, who gets what, and no 500 on bad input."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.vstudio import decisions
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.models import VstudioDecisionPoint, VstudioVote
from tests import factories
from tests.conftest import Client, browser
from tests.vstudio import studio

CONTRACTS = Path(__file__).parent / "contracts"
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
MASKED = {"receipt", "joinCode"}
OPTIONS = [{"label": "Fade"}, {"label": "Cold stop", "description": "On the last word."}]
DECISION: dict[str, Any] = {"label": "Which ending?", "options": OPTIONS}


def masked(value: Any, name: str = "") -> Any:
    """Ids, times and secrets become words, so that a golden file holds for every run."""
    if isinstance(value, dict):
        return {key: masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    if name in MASKED and value is not None:
        return f"<{name}>"
    if isinstance(value, str):
        value = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", UUID.sub("<id>", value))
        return re.sub(r"artist-\d+", "artist-n", re.sub(r"(Artist|Master) \d+", r"\1 n", value))
    return value


def golden(name: str, body: Any) -> None:
    """Compare with the frozen body; a file that is missing is a body nobody has agreed to yet."""
    assert masked(body) == json.loads((CONTRACTS / f"{name}.json").read_text())


@pytest.fixture
def held(session: Session) -> studio.Held:
    return studio.room(session, factories.artist(session))


@pytest.fixture
def fan(client: Client, session: Session, sign_in: Callable[..., str]) -> Client:
    sign_in(client, factories.person(session))
    return client


@pytest.fixture
def owner(client: Client, held: studio.Held, sign_in: Callable[..., str]) -> Client:
    other = browser(client.application)
    sign_in(other, held.artist.user)
    return other


def votes_path(decision_id: uuid.UUID, version: int = 2) -> str:
    return f"/api/v{version}/vstudio/decisions/{decision_id}/votes"


@pytest.mark.parametrize("version", [1, 2])
def test_the_bodies_of_each_version_are_frozen(fan: Client, owner: Client, held: studio.Held, version: int) -> None:
    decision = studio.poll(held)
    first = fan.post(votes_path(decision.id, version), json={"optionSelected": "b"})
    again = fan.post(votes_path(decision.id, version), json={"optionSelected": "a"})
    assert (first.status_code, again.status_code) == (201, 200)
    golden(f"vote_v{version}", first.json)
    answer = owner.get(f"/api/v{version}/vstudio/{held.id}/results")
    golden(f"results_v{version}", answer.json)
    assert ("Deprecation" in answer.headers) is (version == 1)


def test_the_public_bodies_are_frozen(fan: Client, held: studio.Held, session: Session) -> None:
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision, "b")
    golden("room_open", fan.get(f"/api/v2/vstudio/{held.id}").json)
    golden("eligibility", fan.get(f"/api/v2/vstudio/decisions/{decision.id}/eligibility").json)
    decisions.close_decision(held.owner_id, decision.id)
    decisions.reveal_decision(held.owner_id, decision.id)
    golden("room_revealed", fan.get(f"/api/v2/vstudio/{held.id}").json)
    golden("decision_results", fan.get(f"/api/v2/vstudio/decisions/{decision.id}/results").json)


def test_a_refusal_names_reason_and_way_out(fan: Client, held: studio.Held) -> None:
    decision = studio.poll(held, rule=Rule.SUPERFANS)
    found = fan.get(f"/api/v2/vstudio/decisions/{decision.id}/eligibility").json
    assert [reason["code"] for reason in found["reasons"]] == ["share_needed", "coin_needed"]
    assert all(reason["action"]["href"].startswith("/artists/") for reason in found["reasons"])
    answer = fan.post(votes_path(decision.id), json={"optionSelected": "a"})
    assert answer.status_code == 403
    assert [error["field"] for error in answer.json["errors"]] == ["share_needed", "coin_needed"]


SPLIT = {"optionResults", "voteCount", "percentage", "winningOption", "weightPercentage", "averageValue"}


def words(value: Any) -> set[str]:
    """Every name in a body, at any depth."""
    if isinstance(value, dict):
        return set(value) | {word for inner in value.values() for word in words(inner)}
    return {word for inner in value for word in words(inner)} if isinstance(value, list) else set()


@pytest.mark.parametrize("closed", [False, True])
def test_how_it_splits_is_the_owners_until_it_is_revealed(
    fan: Client, owner: Client, held: studio.Held, session: Session, closed: bool
) -> None:
    decision = studio.poll(held)
    studio.vote(studio.person(session), decision)
    if closed:
        decisions.close_decision(held.owner_id, decision.id)
    assert not words(fan.get(f"/api/v2/vstudio/{held.id}").json) & SPLIT
    assert fan.get(f"/api/v2/vstudio/decisions/{decision.id}/results").status_code == 404
    assert fan.get(f"/api/v2/vstudio/{held.id}/results").status_code == 404
    assert fan.get(f"/api/v1/vstudio/{held.id}/results").status_code == 404
    assert owner.get(f"/api/v2/vstudio/{held.id}/results").status_code == 200


def test_visitors(client: Client, held: studio.Held) -> None:
    decision = studio.poll(held)
    assert client.get(f"/api/v2/vstudio/{held.id}").status_code == 200
    assert client.get(f"/api/v2/vstudio/{held.id}/results").status_code == 401
    assert client.get(f"/api/v2/vstudio/decisions/{decision.id}/eligibility").status_code == 401
    assert client.post(votes_path(decision.id), json={"optionSelected": "a"}).status_code == 401
    assert client.post("/api/v2/vstudio", json={}).status_code == 401


def test_a_visitor_may_vote_where_the_room_lets_them(client: Client, session: Session) -> None:
    held = studio.room(session, allow_anonymous=True)
    decision = studio.poll(held, rule=Rule.OPEN)
    codes = [client.post(votes_path(decision.id), json={"optionSelected": o}).status_code for o in ("a", "b")]
    assert codes == [201, 200]
    assert session.scalar(sa.select(sa.func.count()).select_from(VstudioVote)) == 1
    row = session.scalars(sa.select(VstudioVote)).one()
    assert (row.user_id, len(row.anonymous_id or ""), len(row.client_ip_hash or "")) == (None, 64, 64)


def test_the_same_key_votes_once(fan: Client, held: studio.Held, session: Session) -> None:
    decision = studio.poll(held)
    send = {"headers": {"Idempotency-Key": "one"}, "json": {"optionSelected": "a"}}
    first, second = fan.post(votes_path(decision.id), **send), fan.post(votes_path(decision.id), **send)
    assert (first.status_code, first.json) == (second.status_code, second.json) == (201, first.json)
    other = fan.post(votes_path(decision.id), headers=send["headers"], json={"optionSelected": "b"})
    assert other.status_code == 422


BAD_VOTES = [
    {},
    {"optionSelected": "z"},
    {"optionSelected": None},
    {"optionSelected": 1},
    {"optionSelected": "a\x00"},
    {"optionSelected": "\ud800"},
    {"optionSelected": "x" * 10_000},
    {"optionSelected": ["a"]},
    {"optionSelected": "a", "weight": "1000"},
    {"optionSelected": "a", "userId": str(uuid.uuid4())},
    {"optionSelected": "a", "verifiedNftHolder": True},
    {"sliderValue": 1.5},
    {"sliderValue": 10**30},
    {"sliderValue": True},
    {"rankingOrder": ["a", "a"]},
    {"rankingOrder": "abc"},
    {"rankingOrder": [["a"]]},
    {"textResponse": {"$ne": ""}},
]


@pytest.mark.parametrize("body", BAD_VOTES)
def test_bad_votes_are_422_and_leave_nothing(fan: Client, held: studio.Held, body: dict[str, Any]) -> None:
    decision = studio.poll(held)
    assert fan.post(votes_path(decision.id), json=body).status_code == 422
    assert set(studio.counted(held.id).values()) == {0}


def test_votes_on_what_is_not_there_or_over(fan: Client, held: studio.Held) -> None:
    assert fan.post(votes_path(uuid.uuid4()), json={"optionSelected": "a"}).status_code == 404
    decision = studio.poll(held)
    decisions.close_decision(held.owner_id, decision.id)
    answer = fan.post(votes_path(decision.id), json={"optionSelected": "a"})
    assert (answer.status_code, answer.json["type"]) == (409, "/docs/api#error-voting_closed")


# --- the owner --------------------------------------------------------------------------------------------


def test_a_room_from_draft_to_the_end(client: Client, session: Session, sign_in: Callable[..., str]) -> None:
    artist = factories.artist(session)
    master = factories.master(session, artist, ipo=False).id
    sign_in(client, artist.user)
    body = {"masterId": str(master), "title": "Tonight", "decisions": [DECISION]}
    made = client.post("/api/v2/vstudio", json=body)
    assert made.status_code == 201
    golden("room_draft", made.json)
    room, decision = made.json["id"], made.json["decisions"][0]["id"]
    when = {"scheduledStartAt": "2199-01-01T20:00:00Z"}
    steps: list[tuple[str, dict[str, Any] | None, int]] = [
        (f"{room}/schedule", when, 200),
        (f"{room}/start", None, 200),
        (f"{room}/start", None, 409),
        (f"{room}/decisions", {"label": "Louder?", "type": "binary"}, 201),
        (f"decisions/{decision}/reveal", None, 409),
        (f"decisions/{decision}/open", {"minutes": 5}, 200),
        (f"{room}/lock", None, 409),
        (f"decisions/{decision}/close", None, 200),
        (f"decisions/{decision}/reveal", None, 200),
        (f"decisions/{decision}/finalize", None, 422),
        (f"decisions/{decision}/finalize", {"winner": "a"}, 200),
        (f"{room}/complete", {}, 200),
        (f"{room}/cancel", None, 409),
    ]
    for path, sent, status in steps:
        answer = client.post(f"/api/v2/vstudio/{path}", **({} if sent is None else {"json": sent}))
        assert answer.status_code == status, path


@pytest.mark.parametrize("command", ["start", "lock", "complete", "cancel", "schedule", "decisions"])
def test_somebody_elses_room_is_404(fan: Client, held: studio.Held, command: str) -> None:
    bodies = {"schedule": {"scheduledStartAt": "2199-01-01T00:00:00Z"}, "decisions": DECISION}
    body: dict[str, Any] = bodies.get(command, {})
    assert fan.post(f"/api/v2/vstudio/{held.id}/{command}", json=body).status_code == 404


@pytest.mark.parametrize("command", ["open", "close", "reveal", "finalize"])
def test_somebody_elses_decision_is_404(fan: Client, held: studio.Held, command: str) -> None:
    decision = studio.poll(held, opened=False)
    assert fan.post(f"/api/v2/vstudio/decisions/{decision.id}/{command}").status_code == 404


def test_drafts_are_their_owners(fan: Client, session: Session, sign_in: Callable[..., str]) -> None:
    held = studio.room(session, live=False)
    assert fan.get(f"/api/v2/vstudio/{held.id}").status_code == 404
    sign_in(fan, held.artist.user)
    assert fan.get(f"/api/v2/vstudio/{held.id}").status_code == 200


BAD_DECISIONS = [
    {"label": ""},
    {"label": "x" * 256, "options": OPTIONS},
    {"label": "Q"},
    {"label": "Q", "options": OPTIONS[:1]},
    {"label": "Q", "options": [{"label": str(n)} for n in range(11)]},
    {"label": "Q", "options": [{"label": "Same"}, {"label": "same"}]},
    {"label": "Q", "options": [{"label": "A", "id": "x"}, {"label": "B", "id": "x"}]},
    {"label": "Q", "options": [{"label": "A", "audioUrl": "javascript:alert(1)"}, {"label": "B"}]},
    {"label": "Q", "options": [{"label": "A", "imageUrl": "//evil.example/a.png"}, {"label": "B"}]},
    {"label": "Q", "options": OPTIONS, "type": "quiz"},
    {"label": "Q", "options": OPTIONS, "eligibilityRule": "friends"},
    {"label": "Q", "options": OPTIONS, "eligibilityRule": "whitelist"},
    {"label": "Q", "options": OPTIONS, "eligibilityConfig": {"minTokenBalance": 5}},
    {"label": "Q", "options": OPTIONS, "eligibilityConfig": {"minTokenBalance": "-1"}},
    {"label": "Q", "options": OPTIONS, "eligibilityConfig": {"requiredNftCount": 0}},
    {"label": "Q", "options": OPTIONS, "eligibilityConfig": {"whitelistAddresses": ["0x12"]}},
    {"label": "Q", "options": OPTIONS, "nftHolderWeight": 1.5},
    {"label": "Q", "options": OPTIONS, "nftHolderWeight": "NaN"},
    {"label": "Q", "options": OPTIONS, "nftHolderWeight": "0"},
    {"label": "Q", "options": OPTIONS, "nftHolderWeight": "1000"},
    {"label": "Q", "options": OPTIONS, "superfanWeightMultiplier": "-1"},
    {"label": "Q", "type": "slider"},
    {"label": "Q", "type": "slider", "sliderMin": 5, "sliderMax": 5},
    {"label": "Q", "type": "slider", "sliderMin": 0, "sliderMax": 10, "sliderStep": 0},
    {"label": "Q", "type": "open_text", "options": OPTIONS},
    {"label": "Q", "type": "binary", "options": OPTIONS[:1]},
    {"label": "Q", "options": OPTIONS, "startTime": "2030-01-02T00:00Z", "endTime": "2030-01-01T00:00Z"},
    {"label": "Q", "options": OPTIONS, "endTime": "0001-01-01T00:00+14:00"},
    {"label": "Q", "options": OPTIONS, "resultsJson": {}},
    {"label": "Q", "options": OPTIONS, "isActive": True},
]


@pytest.mark.parametrize("body", BAD_DECISIONS)
def test_bad_decisions_are_422(owner: Client, held: studio.Held, session: Session, body: dict[str, Any]) -> None:
    assert owner.post(f"/api/v2/vstudio/{held.id}/decisions", json=body).status_code == 422
    assert session.scalar(sa.select(sa.func.count()).select_from(VstudioDecisionPoint)) == 0


GOOD_DECISIONS = [
    DECISION,
    {"label": "Louder?", "type": "binary"},
    {"label": "Tempo", "type": "slider", "sliderMin": -5, "sliderMax": 5, "sliderLabels": {"min": "slower"}},
    {"label": "Order", "type": "ranking", "options": OPTIONS},
    {"label": "One word", "type": "open_text"},
    DECISION | {"eligibilityRule": "whitelist", "eligibilityConfig": {"whitelistAddresses": ["0x" + "Ab" * 20]}},
    DECISION | {"nftHolderWeight": "2", "superfanWeightMultiplier": "1.25"},
]


@pytest.mark.parametrize("body", GOOD_DECISIONS)
def test_good_decisions(owner: Client, held: studio.Held, body: dict[str, Any]) -> None:
    answer = owner.post(f"/api/v2/vstudio/{held.id}/decisions", json=body)
    assert answer.status_code == 201
    assert answer.json["type"] == body.get("type", "poll")
