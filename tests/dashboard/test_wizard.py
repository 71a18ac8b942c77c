"""The launch wizard: six steps, each saved by itself, and nothing that was typed is lost."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.service import link_wallet
from portal.db import db, transaction, utcnow
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterCollaborator, MasterIpo
from tests import factories
from tests.conftest import Client

SignIn = Callable[..., Any]
PARTIAL = {"HX-Request-Type": "partial", "HX-Request": "true"}
OFFER = {
    "totalSupply": "1,000", "mintPrice": "25.00", "currency": "USDC", "holdersPercent": "50", "royaltyPercent": "10",
    "firstPercent": "3", "secondPercent": "2", "thirdPercent": "1", "allowSecondaryResale": "on",
}  # fmt: skip


@pytest.fixture
def drafted(client: Client, session: Session, sign_in: SignIn) -> str:
    """The address of a draft without an offer."""
    artist = factories.artist(session)
    master = factories.master(session, artist, title="First Ice", ipo=False, rights=False)
    at = f"/studio/masters/{master.id}/ipo"
    sign_in(client, artist.user)
    return at


def mark(client: Client, path: str) -> str:
    found = re.search(r'name="mark" value="(\w+)"', client.get(path).text)
    assert found
    return found[1]


def ipo() -> MasterIpo:
    db.session().rollback()
    return db.session().scalars(sa.select(MasterIpo)).one()


def test_from_a_title_to_the_review(client: Client, session: Session, sign_in: SignIn) -> None:
    sign_in(client, factories.artist(session).user)
    assert client.post("/studio/masters/new", data={"title": ""}).status_code == 422
    made = client.post("/studio/masters/new", data={"title": "Low Tide", "masterType": "track"}).location
    assert made.endswith("/ipo/people")
    at = made.removesuffix("/people")
    assert client.get(f"{at}/review").location == f"{at}/offer"
    lines = {"name0": "Ada", "role0": "Producer", "percent0": "12.5"}
    assert client.post(made, data=lines).location == f"{at}/offer"
    assert client.post(f"{at}/offer", data=OFFER).location == f"{at}/schedule"
    times = {"scheduledStartAt": "2031-01-01T10:00", "scheduledEndAt": "2031-02-01T10:00"}
    assert client.post(f"{at}/schedule", data=times).location == f"{at}/legal"
    page = client.get(f"{at}/review").text
    assert all(word in page for word in ("Low Tide", "Ada, Producer", "12.5", "24,375.00", "1 Jan 2031"))
    assert "Confirm first that the recording is yours" in page


def test_each_step_leaves_the_others_alone(client: Client, drafted: str) -> None:
    client.post(f"{drafted}/offer", data=OFFER)
    client.post(f"{drafted}/schedule", data={"scheduledEndAt": "2031-02-01T10:00"})
    client.post(f"{drafted}/offer", data=OFFER | {"mintPrice": "30", "firstPercent": "5"})
    found = ipo()
    assert (found.mint_price_wei, found.first_minter_bonus_bps) == (30_000_000, 500)
    assert found.scheduled_end_at is not None
    client.post(f"{drafted}/track", data={"title": "Second Ice", "masterType": "album"})
    assert (ipo().master.title, ipo().mint_price_wei) == ("Second Ice", 30_000_000)


@pytest.mark.parametrize(("go", "to"), [("back", "track"), ("stay", "people"), ("next", "offer")])
def test_buttons_lead_on_back_or_stay_and_all_save(client: Client, drafted: str, go: str, to: str) -> None:
    answer = client.post(f"{drafted}/people", data={"name0": "Ada", "role0": "Mix", "percent0": "1", "go": go})
    assert answer.location == f"{drafted}/{to}"
    assert db.session().scalars(sa.select(MasterCollaborator.collaborator_name)).all() == ["Ada"]


def test_what_is_wrong_is_said_at_its_field_and_the_words_stay(client: Client, drafted: str) -> None:
    answer = client.post(f"{drafted}/offer", data=OFFER | {"mintPrice": "x", "firstPercent": "101", "personCap": "77"})
    assert answer.status_code == 422
    assert {"mintPrice-error", "firstPercent-error"} <= set(re.findall(r'id="([\w-]+)"', answer.text))
    assert 'value="77"' in answer.text
    people = client.post(f"{drafted}/people", data={"name1": "Ada", "percent1": "x"})
    assert {"role1-error", "percent1-error"} <= set(re.findall(r'id="([\w-]+)"', people.text))


def test_partners_get_at_most_the_artists_part(client: Client, drafted: str) -> None:
    much = client.post(f"{drafted}/people", data={"name0": "Ada", "role0": "Mix", "percent0": "40.01"})
    assert much.status_code == 422
    assert "40.01 %" in much.text
    client.post(f"{drafted}/people", data={"name0": "Ada", "role0": "Mix", "percent0": "40"})
    client.post(f"{drafted}/offer", data=OFFER)
    more = client.post(f"{drafted}/offer", data=OFFER | {"holdersPercent": "51"})
    assert more.status_code == 422
    assert "The partners get 40 %" in more.text


def test_changes_are_saved_while_somebody_types(client: Client, drafted: str) -> None:
    path = f"{drafted}/people"
    lines = {"name0": "Ada", "role0": "Mix", "percent0": "15", "mark": mark(client, path)}
    saved = client.post(path, data=lines, headers=PARTIAL)
    assert (saved.status_code, "<html" in saved.text) == (200, False)
    assert "you keep 25.00" in re.sub(r"<[^>]+>", "", saved.text)
    wrong = client.post(path, data=lines | {"percent0": "x", "mark": mark(client, path)}, headers=PARTIAL)
    assert wrong.status_code == 422
    assert "Not saved yet. Partner 1, part:" in wrong.text
    assert client.post(path, data=lines).status_code == 303, "its own page saved the same words a moment ago"


def test_another_tab_is_noticed_and_the_own_words_are_kept(client: Client, drafted: str) -> None:
    path = f"{drafted}/track"
    form = {"title": "Mine", "masterType": "track", "mark": mark(client, path)}
    client.post(path, data={"title": "Theirs", "masterType": "track"})
    refused = client.post(path, data=form)
    assert refused.status_code == 409
    assert "changed in another tab" in refused.text
    assert 'value="Mine"' in refused.text
    again = re.search(r'name="mark" value="(\w+)"', refused.text)
    assert again
    assert client.post(path, data=form | {"mark": again[1]}).status_code == 303
    assert db.session().scalars(sa.select(Master.title)).one() == "Mine"


def test_a_launch_asks_for_the_title(client: Client, drafted: str) -> None:
    client.post(f"{drafted}/offer", data=OFFER)
    launch = drafted.removesuffix("/ipo") + "/launch"
    wrong = client.post(launch, data={"title": "First"})
    assert wrong.status_code == 422
    assert "Type the title as it stands here: First Ice" in wrong.text
    assert client.post(launch, data={"title": " first  ICE "}).status_code == 409


def test_the_studio_leads_back_to_the_step_that_is_next_and_a_draft_is_discarded(client: Client, drafted: str) -> None:
    home = drafted.removesuffix("/ipo")
    assert f'href="{drafted}/people"' in client.get(home).text
    client.post(f"{drafted}/offer", data=OFFER)
    assert f'href="{drafted}/legal"' in client.get(home).text
    assert client.get(f"{home}/edit").location == f"{drafted}/track"
    assert client.post(f"{home}/discard").location == "/studio/masters"
    assert client.get(home).status_code in (200, 404)
    assert client.post(f"{drafted}/track", data={"title": "Again", "masterType": "track"}).status_code in (404, 409)


def test_a_plan_limits_the_offers_that_are_added_later(client: Client, session: Session, drafted: str) -> None:
    session.execute(sa.text("DELETE FROM subscriptions"))
    session.execute(sa.text("UPDATE subscription_plans SET max_ipos_per_month = 0 WHERE slug = 'free'"))
    session.commit()
    assert client.post(f"{drafted}/offer", data=OFFER).status_code == 403


def test_an_end_that_is_over_is_refused_at_its_field_and_the_words_stay(client: Client, drafted: str) -> None:
    client.post(f"{drafted}/offer", data=OFFER)
    for times, why in (
        ({"scheduledEndAt": "2020-02-01T10:00"}, "This end is over already"),
        ({"scheduledStartAt": "2031-02-01T10:00", "scheduledEndAt": "2031-02-01T10:00"}, "must end after it starts"),
    ):
        answer = client.post(f"{drafted}/schedule", data=times)
        assert answer.status_code == 422
        assert why in answer.text
        assert 'id="scheduledEndAt-error"' in answer.text
        assert f'value="{times["scheduledEndAt"]}"' in answer.text
    assert ipo().scheduled_end_at is None


def test_an_end_that_passed_since_it_was_typed_keeps_the_offer_from_being_launched(
    client: Client, drafted: str
) -> None:
    home = drafted.removesuffix("/ipo")
    client.post(f"{drafted}/offer", data=OFFER)
    client.post(f"{home}/rights", data={"confirmed": "on"})
    with transaction() as inner:
        offer = inner.scalars(sa.select(MasterIpo)).one()
        offer.scheduled_end_at = utcnow() - dt.timedelta(seconds=1)
        link_wallet(inner, offer.master.artist.user_id, "0x" + "ab" * 20, "31337", "Main")
    page = client.post(f"{home}/launch", data={"title": "First Ice"})
    assert page.status_code == 422
    assert "This end is over already" in page.text
    assert 'href="#scheduledEndAt"' in page.text
    assert 'id="scheduledEndAt"' in page.text
    assert 'value="First Ice"' in page.text
    refused = client.post(f"/api/v2/masters/{ipo().master_id}/ipo/launch")
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "ipo.scheduledEndAt")
    assert ipo().status is IpoStatus.DRAFT
    assert client.post(f"{drafted}/schedule", data={"scheduledEndAt": "2031-02-01T10:00"}).status_code == 303
    assert client.post(f"{home}/launch", data={"title": "First Ice"}).status_code == 303
    assert ipo().status is IpoStatus.SCHEDULED
