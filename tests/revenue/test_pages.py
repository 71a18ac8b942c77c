"""The owner's and finance's pages: plain forms, one effect for a double click, errors beside the field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.masters.models import Master
from portal.revenue.models import RevenueEvent
from tests import factories
from tests.conftest import Client, browser
from tests.revenue.helpers import finance, payable_master

FORM = {"sourceType": "pro", "sourceName": "GEMA", "amount": "812.07", "currency": "EUR", "periodStart": "2026-10-01"}
SignIn = Callable[[Client, User], str]


@pytest.fixture
def master(session: Session) -> Master:
    return payable_master(session)


@pytest.fixture
def owner(client: Client, master: Master, sign_in: SignIn) -> Client:
    sign_in(client, master.artist.user)
    return client


@pytest.fixture
def staff(client: Client, session: Session, sign_in: SignIn) -> Client:
    other = browser(client.application)
    sign_in(other, finance(session))
    return other


def recorded(session: Session) -> list[RevenueEvent]:
    session.commit()
    return list(session.scalars(sa.select(RevenueEvent).execution_options(populate_existing=True)))


def test_a_double_click_records_once(owner: Client, session: Session, master: Master) -> None:
    here = f"/studio/masters/{master.id}/revenue"
    for _ in range(2):
        answer = owner.post(here, data=FORM | {"idempotency_key": "k1"})
        assert (answer.status_code, answer.location) == (303, here)
    assert [str(event.amount.normalize()) for event in recorded(session)] == ["812.07"]
    page = owner.get(here).text
    assert "GEMA" in page
    assert "Waiting for verification" in page


def test_what_was_typed_stays(owner: Client, session: Session, master: Master) -> None:
    answer = owner.post(f"/studio/masters/{master.id}/revenue", data=FORM | {"amount": "1_000"})
    assert answer.status_code == 422
    assert 'value="1_000"' in answer.text
    assert "<title>Error: " in answer.text
    assert recorded(session) == []


def test_another_artists_page_is_not_there(client: Client, session: Session, master: Master, sign_in: SignIn) -> None:
    sign_in(client, factories.artist(session).user)
    assert client.get(f"/studio/masters/{master.id}/revenue").status_code == 404
    assert client.get("/admin/revenue").status_code == 403


def test_finance_names_receipt_and_rate(owner: Client, staff: Client, session: Session, master: Master) -> None:
    owner.post(f"/studio/masters/{master.id}/revenue", data=FORM)
    event = recorded(session)[0]
    assert master.title in staff.get("/admin/revenue").text
    here = f"/admin/revenue/{event.id}"
    assert staff.get(f"{here}/dispute").location == here
    refused = staff.post(here, data={"receipt": "bank 7731"})
    assert (refused.status_code, "Name the rate" in refused.text) == (422, True)
    rate = {"rate": "1.0836", "rateSource": "ECB", "rateDay": "2026-10-30"}
    assert staff.post(here, data={"receipt": "bank 7731", **rate}).status_code == 303
    assert recorded(session)[0].status == "verified"
    assert staff.post(f"{here}/dispute", data={"reason": "charged back"}).status_code == 303
    assert "charged back" in staff.get(here).text
    assert staff.post(f"{here}/reject", data={}).status_code == 422
