"""The public pages answer for everybody, whatever is asked of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.masters.models import Master
from tests import factories
from tests.conftest import Client


@pytest.fixture
def shown(session: Session) -> Master:
    master = factories.master(session, factories.artist(session, "Low Tide"), title="First Ice")
    session.execute(sa.text("UPDATE masters SET status = 'live' WHERE id = :id"), {"id": master.id})
    session.execute(sa.text("UPDATE master_ipos SET status = 'live', actual_start_at = now()"))
    session.commit()
    return master


PAGES = [
    "/",
    "/marketplace",
    "/marketplace?tab=shares",
    "/search",
    "/search?q=ice",
    "/artists",
    "/artists/low-tide",
    "/vstudio",
    "/login",
    "/help",
    "/legal/fees",
    "/legal/risk",
    "/styleguide",
    "/healthz",
    "/readyz",
]


@pytest.mark.parametrize("path", PAGES)
def test_pages_answer(client: Client, shown: Master, path: str) -> None:
    assert client.get(path).status_code == 200


def test_offers_that_open_later_fill_the_rail_and_say_when(client: Client, session: Session, shown: Master) -> None:
    later = factories.master(session, shown.artist, title="Second Ice")
    session.execute(sa.text("UPDATE masters SET status = 'live'"))
    when = "UPDATE master_ipos SET status = 'scheduled', scheduled_start_at = '2199-12-02Z' WHERE master_id = :id"
    session.execute(sa.text(when), {"id": later.id})
    session.commit()
    rail = client.get("/").text.partition('id="on-sale"')[2].partition("</section>")[0]
    assert "On sale now and soon" in rail
    assert re.findall(r'card__title"><a href="[^"]*">([^<]*)', rail) == ["First Ice", "Second Ice"]
    assert re.search(r"Opens <time[^>]*>2 Dec", rail)
    assert "Opening soon" in client.get("/marketplace").text


def test_a_master_has_one_readable_address(client: Client, shown: Master) -> None:
    answer = client.get(f"/masters/{shown.id}")
    assert (answer.status_code, answer.location) == (303, f"/masters/first-ice-{shown.short_id}")
    assert client.get(f"/masters/other-words-{shown.short_id}").location == answer.location
    page = client.get(answer.location)
    assert page.status_code == 200
    assert b"First Ice" in page.data
    assert b"25.00" in page.data


def test_asked_by_name_the_page_answers_json(client: Client, shown: Master) -> None:
    body = client.get(f"/masters/{shown.id}", headers={"Accept": "application/json"})
    assert body.json["master"]["title"] == "First Ice"
    assert "Accept" in body.headers["Vary"]
    assert client.get("/", headers={"Accept": "*/*"}).mimetype == "text/html"


@pytest.mark.parametrize(
    "query", ["minPrice=x", "minPrice=1&maxPrice=2", "sort=price", "sort=zzz", "genre=%00", "after=broken", "view=list"]
)
def test_odd_questions_are_no_server_error(client: Client, shown: Master, query: str) -> None:
    for path in ("/marketplace", "/api/v1/marketplace", "/api/v2/marketplace"):
        assert client.get(f"{path}?{query}").status_code in {200, 400, 422}


@pytest.mark.parametrize("path", ["/masters/none-00000000", "/artists/nobody", "/masters/x", "/nothing"])
def test_what_is_not_there_is_404(client: Client, session: Session, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_platforms_part_is_on_no_page(client: Client, shown: Master) -> None:
    for path in ("/", f"/masters/first-ice-{shown.short_id}", f"/api/v2/masters/{shown.id}/ipo"):
        assert b"retained" not in client.get(path).data.lower()


def test_every_route_declares_who_may_use_it(client: Client) -> None:
    app = client.application
    views = {rule.rule: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    assert [rule for rule, view in views.items() if getattr(view, "access", None) is None] == []


def test_studio_by_form(client: Client, session: Session, sign_in: Callable[..., Any]) -> None:
    artist = factories.artist(session)
    sign_in(client, artist.user)
    form = {"title": "By Form", "masterType": "track", "isrc": "abc"}
    bad = client.post("/studio/masters/new", data=form)
    assert bad.status_code == 422
    assert b"By Form" in bad.data
    form = {"title": "By Form", "idempotency_key": "k"}
    made = client.post("/studio/masters/new", data=form)
    again = client.post("/studio/masters/new", data=form)
    assert (made.status_code, made.location) == (303, again.location)
    assert client.get(made.location).status_code == 200
    assert client.get("/studio").status_code == 200
    assert client.post(made.location.replace("/ipo/people", "/rights")).status_code == 303
