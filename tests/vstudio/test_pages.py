"""The pages: voting by a plain form, the same after a refusal, and nothing of a split that is not shown."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.vstudio import decisions, rooms
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule as Rule
from portal.vstudio.models import VstudioDecisionPoint, VstudioSession, VstudioVote
from tests import factories
from tests.conftest import Client, browser
from tests.vstudio import studio


@pytest.fixture
def held(session: Session) -> studio.Held:
    return studio.room(session, factories.artist(session, "Ines Vale"))


@pytest.fixture
def fan(client: Client, session: Session, sign_in: Callable[..., str]) -> Client:
    sign_in(client, factories.person(session))
    return client


@pytest.fixture
def owner(client: Client, held: studio.Held, sign_in: Callable[..., str]) -> Client:
    other = browser(client.application)
    sign_in(other, held.artist.user)
    return other


def cast(client: Client, held: studio.Held, decision: studio.Asked, **fields: Any) -> Any:
    return client.post(f"/vstudio/{held.id}", data={"decisionId": str(decision.id), **fields})


def test_a_vote_by_a_plain_form(fan: Client, held: studio.Held) -> None:
    decision = studio.poll(held)
    assert "Choose, then vote" in fan.get(f"/vstudio/{held.id}").text
    answer = cast(fan, held, decision, optionSelected="b", idempotency_key="k")
    assert (answer.status_code, answer.location) == (303, f"/vstudio/{held.id}")
    assert cast(fan, held, decision, optionSelected="b", idempotency_key="k").status_code == 303
    page = fan.get(f"/vstudio/{held.id}").text
    assert "You voted for B, Cold stop." in page
    assert re.search(r'value="b"[^>]* checked', page)
    assert studio.counted(held.id)["total_votes"] == 1


@pytest.mark.parametrize(
    ("details", "fields", "says"),
    [
        ({"type": Kind.SLIDER, "options": (), "slider": (0, 100, 5)}, {"sliderValue": "35"}, "35"),
        ({"type": Kind.RANKING}, {"rankingOrder[]": ["c", "a", "b"]}, "Harbour tape, then Fade on the strings"),
        ({"type": Kind.OPEN_TEXT, "options": ()}, {"textResponse": "<b>Longer</b>"}, "“&lt;b&gt;Longer"),
    ],
)
def test_every_kind_has_a_form(
    fan: Client, held: studio.Held, details: dict[str, Any], fields: dict[str, Any], says: str
) -> None:
    decision = studio.poll(held, **details)
    assert fan.get(f"/vstudio/{held.id}").status_code == 200
    assert cast(fan, held, decision, **fields).status_code == 303
    assert f"You voted for {says}" in fan.get(f"/vstudio/{held.id}").text


def test_after_the_end_the_room_says_so(fan: Client, held: studio.Held) -> None:
    decision = studio.poll(held)
    decisions.close_decision(held.owner_id, decision.id)
    answer = cast(fan, held, decision, optionSelected="a")
    assert answer.status_code == 409
    assert "Voting on this decision is closed" in answer.text
    assert "<title>Error: " in answer.text


def test_nothing_chosen_is_an_error_with_the_room_around_it(fan: Client, held: studio.Held) -> None:
    decision = studio.poll(held)
    answer = cast(fan, held, decision)
    assert answer.status_code == 422
    assert "Choose one of the options." in answer.text
    assert studio.counted(held.id)["votes"] == 0


def test_who_may_not_vote_reads_why_and_where_to(fan: Client, held: studio.Held) -> None:
    decision = studio.poll(held, rule=Rule.NFT_HOLDERS)
    page = fan.get(f"/vstudio/{held.id}").text
    assert "Only people who hold a share of Ines Vale" in page
    assert 'href="/artists/ines-vale"' in page
    assert cast(fan, held, decision, optionSelected="a").status_code == 403


def test_visitors_are_asked_to_sign_in_and_come_back(client: Client, held: studio.Held) -> None:
    decision = studio.poll(held)
    assert f"/login?next=/vstudio/{held.id}" in client.get(f"/vstudio/{held.id}").text
    answer = cast(client, held, decision, optionSelected="a")
    assert answer.status_code == 302
    assert answer.location.startswith("/login")


def test_visitors_vote_where_they_may(client: Client, session: Session) -> None:
    held = studio.room(session, allow_anonymous=True)
    decision = studio.poll(held, rule=Rule.OPEN)
    for option in ("a", "b"):
        assert cast(client, held, decision, optionSelected=option).status_code == 303
    assert "You voted for B" in client.get(f"/vstudio/{held.id}").text
    assert session.scalar(sa.select(sa.func.count()).select_from(VstudioVote)) == 1


def test_the_weight_is_shown_before_the_vote(live_app: Flask, session: Session, sign_in: Callable[..., str]) -> None:
    held = studio.room(session)
    user = factories.person(session)
    client = browser(live_app)
    sign_in(client, user)
    studio.shares(live_app, session, held.artist, studio.wallet(session, user.id), 24)
    studio.poll(held, nft_holder_weight=Decimal(2), superfan_weight_multiplier=Decimal("1.5"))
    page = client.get(f"/vstudio/{held.id}").text
    assert "Your vote counts as 2" in page
    assert "You hold 24 shares" in page


@pytest.mark.parametrize("stage", ["open", "closed", "revealed"])
def test_a_split_is_on_no_page_before_it_is_shown(fan: Client, held: studio.Held, session: Session, stage: str) -> None:
    decision = studio.poll(held)
    for option in ("b", "b", "c"):
        studio.vote(studio.person(session), decision, option)
    if stage != "open":
        decisions.close_decision(held.owner_id, decision.id)
    if stage == "revealed":
        decisions.reveal_decision(held.owner_id, decision.id)
    pages = [fan.get(f"/vstudio/{held.id}").text, fan.get(f"/vstudio/{held.id}/results").text]
    assert ["67&nbsp;%" in page for page in pages] == [stage == "revealed"] * 2


def test_another_decision_can_be_looked_at(fan: Client, held: studio.Held) -> None:
    first = studio.poll(held, label="First question")
    decisions.close_decision(held.owner_id, first.id)
    studio.poll(held, label="Second question")
    later = studio.poll(held, label="Third question", opened=False)
    assert '<legend class="question">Second question' in fan.get(f"/vstudio/{held.id}").text
    assert '<legend class="question">First question' in fan.get(f"/vstudio/{held.id}?decision={first.id}").text
    assert fan.get(f"/vstudio/{held.id}?decision={later.id}").status_code == 404
    assert fan.get(f"/vstudio/{held.id}?decision=nonsense").status_code == 200


@pytest.mark.parametrize("status", ["scheduled", "live", "locked", "completed", "ipo_launched", "cancelled"])
def test_a_room_without_decisions_in_every_state(fan: Client, held: studio.Held, session: Session, status: str) -> None:
    session.execute(sa.update(VstudioSession).values(status=status))
    session.commit()
    assert fan.get(f"/vstudio/{held.id}").status_code == 200
    assert fan.get("/vstudio").status_code == 200


def test_drafts_are_not_there(fan: Client, session: Session) -> None:
    held = studio.room(session, live=False)
    assert fan.get(f"/vstudio/{held.id}").status_code == 404
    assert fan.get(f"/vstudio/{held.id}/results").status_code == 404
    assert fan.get(f"/vstudio/{uuid.uuid4()}").status_code == 404


def test_a_decision_of_another_room_is_not_voted_on_here(fan: Client, held: studio.Held, session: Session) -> None:
    other = studio.room(session)
    assert cast(fan, held, studio.poll(other), optionSelected="a").status_code == 404


def test_joining_by_code(fan: Client, held: studio.Held, session: Session) -> None:
    code = session.scalar(sa.select(VstudioSession.join_code)) or ""
    answer = fan.post("/vstudio", data={"code": f" {code[:3].lower()} {code[3:]} "})
    assert (answer.status_code, answer.location) == (303, f"/vstudio/{held.id}")
    for wrong in ("", "NOPE", "%00", "é" * 50):
        answer = fan.post("/vstudio", data={"code": wrong})
        assert answer.status_code == 422
        assert "No live room has this code" in answer.text
    rooms.complete(held.owner_id, held.id)
    assert fan.post("/vstudio", data={"code": code}).status_code == 422


def test_rooms_that_are_not_public_are_in_no_list(fan: Client, session: Session) -> None:
    held = studio.room(session, title="Between us", is_public=False)
    assert "Between us" not in fan.get("/vstudio").text
    assert fan.get(f"/vstudio/{held.id}").status_code == 200


# --- the artist -------------------------------------------------------------------------------------------


FORM = {"title": "Tonight", "label": "Which ending?", "type": "poll", "eligibilityRule": "authenticated"}


def test_a_room_and_its_poll_in_one_form(client: Client, session: Session, sign_in: Callable[..., str]) -> None:
    artist = factories.artist(session)
    master = str(factories.master(session, artist, ipo=False).id)
    sign_in(client, artist.user)
    assert client.get("/studio/rooms/new").status_code == 200
    fields = FORM | {"masterId": master, "nftHolderWeight": "2", "superfanWeightMultiplier": "1.5"}
    fields |= {"options[]": ["Fade", "Cold stop", "", ""], "isPublic": "on", "sliderMin": ""}  # type: ignore[dict-item]
    answer = client.post("/studio/rooms/new", data=fields)
    assert answer.status_code == 303
    made = session.scalars(sa.select(VstudioDecisionPoint)).one()
    assert [option["label"] for option in made.options or []] == ["Fade", "Cold stop"]
    assert (made.nft_holder_weight, made.session.is_public) == (2, True)
    assert client.get(answer.location).status_code == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": ""}, "This is needed."),
        ({"label": ""}, "This is needed."),
        ({"options[]": ["One"]}, "Give two to ten options."),
        ({"type": "slider"}, "A slider has a lowest"),
        ({"nftHolderWeight": "lots"}, "Enter a factor"),
        ({"masterId": "x"}, "This is not an id."),
        ({"status": "live"}, "not a field"),
    ],
)
def test_a_wrong_form_comes_back_as_it_was(
    owner: Client, held: studio.Held, session: Session, changes: dict[str, Any], says: str
) -> None:
    master = str(session.scalar(sa.select(VstudioSession.master_id)))
    fields = FORM | {"masterId": master, "options[]": ["Fade", "Cold & sudden"]} | changes
    answer = owner.post("/studio/rooms/new", data=fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert "<title>Error: " in answer.text
    assert "Cold &amp; sudden" in answer.text or "options[]" in changes
    assert session.scalar(sa.select(sa.func.count()).select_from(VstudioSession)) == 1


def test_a_decision_from_open_to_decided_in_the_control_room(
    owner: Client, held: studio.Held, session: Session
) -> None:
    decision = studio.poll(held, opened=False)
    path, name = f"/studio/rooms/{held.id}", {"decisionId": str(decision.id)}

    def press(action: str, **fields: str) -> int:
        return int(owner.post(path, data={"action": action, **name, **fields}).status_code)

    assert press("reveal") == 409
    assert press("open", minutes="5") == 303
    for option in ("a", "b"):
        studio.vote(studio.person(session), decision, option)
    assert "50&nbsp;%" in owner.get(path).text
    assert press("close") == 303
    assert press("reveal") == 303
    assert press("finalize") == 422
    assert press("finalize", winner="b") == 303
    assert "chose B, Cold stop" in owner.get(path).text
    assert "chose B, Cold stop" in owner.get(f"/vstudio/{held.id}/results").text
    for action, status in [("lock", 303), ("complete", 303), ("cancel", 409), ("dance", 422)]:
        assert owner.post(path, data={"action": action}).status_code == status


def test_the_control_room_shows_what_needs_the_artist_and_lists_the_rest(owner: Client, held: studio.Held) -> None:
    path = f"/studio/rooms/{held.id}"
    later, first = studio.poll(held, opened=False, label="The sleeve?"), studio.poll(held, label="The ending?")

    def asked(query: str = "") -> tuple[str, list[str]]:
        page = owner.get(path + query).text
        return re.findall(r'id="question">([^<]*)', page)[0] if 'id="question"' in page else "", re.findall(
            r'href="[^"]*decision=[0-9a-f-]{36}">([^<]*)', page
        )

    assert asked() == ("The ending?", ["The sleeve?", "The ending?"])
    assert asked(f"?decision={later.id}")[0] == "The sleeve?"
    assert asked("?decision=new")[0] == ""
    assert 'name="label"' in owner.get(path + "?decision=new").text
    closed = owner.post(path, data={"action": "close", "decisionId": str(first.id)})
    assert closed.location == f"{path}?decision={first.id}"
    assert "Show the result to everybody" in owner.get(closed.location).text


def test_more_decisions_and_a_date(client: Client, session: Session, sign_in: Callable[..., str]) -> None:
    held = studio.room(session, live=False)
    sign_in(client, held.artist.user)
    path = f"/studio/rooms/{held.id}"
    more = {"action": "add", "label": "Louder?", "type": "binary", "eligibilityRule": "nft_holders"}
    assert client.post(path, data=more).status_code == 303
    assert client.post(path, data={"action": "schedule", "scheduledStartAt": "2001-01-01T20:00"}).status_code == 422
    assert client.post(path, data={"action": "schedule", "scheduledStartAt": "2199-01-01T20:00"}).status_code == 303
    assert "Louder?" in client.get(path).text
    assert "Half the Harbour" in client.get("/studio/vstudio").text


def test_the_control_room_is_the_owners(fan: Client, held: studio.Held, client: Client) -> None:
    path = f"/studio/rooms/{held.id}"
    assert fan.get(path).status_code == 404
    assert fan.post(path, data={"action": "cancel"}).status_code == 404
    assert fan.get("/studio/vstudio").status_code == 403
    assert browser(client.application).get(path).status_code == 302


def test_one_artist_does_not_press_anothers_buttons(owner: Client, held: studio.Held, session: Session) -> None:
    other = studio.poll(studio.room(session))
    data = {"action": "close", "decisionId": str(other.id)}
    assert owner.post(f"/studio/rooms/{held.id}", data=data).status_code == 404
