"""Revenue over HTTP: who may, what is refused, and the bodies of both versions."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import User, UserSession
from portal.db import utcnow
from portal.masters.models import Master
from portal.revenue.models import LedgerEntry, RevenueEvent
from tests import factories
from tests.conftest import Client, browser
from tests.golden import frozen, masked
from tests.revenue.helpers import finance, payable_master

CONTRACTS = Path(__file__).parent / "contracts"
BODY: dict[str, Any] = {
    "sourceType": "distributor",
    "sourceName": "Spotify",
    "externalReference": "DSP-2026-10",
    "amount": "1318.42",
    "currency": "USD",
    "periodStart": "2026-10-01T00:00:00Z",
    "periodEnd": "2026-10-31T23:59:59Z",
    "notes": "October",
}
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


def path(master: Master, version: int = 2, name: str = "revenue-events") -> str:
    return f"/api/v{version}/masters/{master.id}/{name}"


def rows(session: Session) -> int:
    session.commit()
    return sum(session.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in (RevenueEvent, LedgerEntry))


@pytest.mark.parametrize("version", [1, 2])
def test_the_bodies_of_each_version_are_frozen(owner: Client, master: Master, version: int) -> None:
    answer = owner.post(path(master, version), json=BODY)
    assert answer.status_code == 201
    assert masked(answer.json) == frozen(CONTRACTS, f"revenue_event_v{version}")
    analytics = owner.get(path(master, version, "analytics"))
    assert masked(analytics.json) == frozen(CONTRACTS, f"analytics_v{version}")


def test_finance_records_verified(staff: Client, master: Master) -> None:
    assert staff.post(path(master), json=BODY).json["status"] == "verified"


def test_the_owners_list_pages_newest_first(owner: Client, master: Master) -> None:
    for number in range(5):
        assert owner.post(path(master), json=BODY | {"externalReference": f"R{number}"}).status_code == 201
    found, after = [], ""
    while after is not None:
        page = owner.get(path(master), query_string={"limit": 2, "after": after}).json
        found += [event["externalReference"] for event in page["data"]]
        after = page["page"]["next"]
    assert found == ["R4", "R3", "R2", "R1", "R0"]


def test_finance_verifies_and_disputes(owner: Client, staff: Client, master: Master) -> None:
    event = owner.post(path(master), json=BODY).json["id"]
    address = f"/api/v2/revenue-events/{event}"
    assert staff.post(f"{address}/dispute", json={"reason": "unreadable"}).json["status"] == "disputed"
    assert staff.post(f"{address}/verify", json={"receipt": "bank 7731"}).json["status"] == "verified"
    assert staff.post(f"{address}/verify", json={"receipt": "bank 7731"}).status_code == 409
    assert staff.post(f"{address}/retry").status_code == 409
    assert owner.post(f"{address}/verify", json={"receipt": "mine"}).status_code == 403


def test_money_is_moved_by_whoever_just_proved_who_they_are(
    owner: Client, staff: Client, session: Session, master: Master
) -> None:
    event = owner.post(path(master), json=BODY).json["id"]
    session.execute(sa.update(UserSession).values(step_up_at=utcnow() - dt.timedelta(minutes=6)))
    session.commit()
    for act, body in (("verify", {"receipt": "bank 1"}), ("dispute", {"reason": "no"}), ("reject", {"reason": "no"})):
        answer = staff.post(f"/api/v2/revenue-events/{event}/{act}", json=body)
        assert (answer.status_code, answer.json["type"]) == (403, "/docs/api#error-step_up_needed")
    assert staff.post(f"/api/v2/revenue-events/{event}/retry").status_code == 403
    page = staff.post(f"/admin/revenue/{event}", data={"receipt": "bank 1"})
    assert (page.status_code, page.location.split("?")[0]) == (303, "/login/again")
    assert staff.get(f"/admin/revenue/{event}").status_code == 200
    assert session.get_one(RevenueEvent, uuid.UUID(event), populate_existing=True).status == "pending"


def test_somebody_elses_master_is_not_there(client: Client, session: Session, master: Master, sign_in: SignIn) -> None:
    assert client.get(path(master, 2, "analytics")).status_code == 401
    sign_in(client, factories.artist(session).user)
    assert client.post(path(master), json=BODY).status_code == 404
    for name in ("analytics", "revenue-events"):
        assert client.get(path(master, 2, name)).status_code == 404


def test_analytics_are_the_owners_alone(staff: Client, master: Master) -> None:
    assert staff.get(path(master, 2, "analytics")).status_code == 404
    assert staff.get(path(master)).status_code == 200


def test_a_key_records_once(owner: Client, session: Session, master: Master) -> None:
    headers = {"Idempotency-Key": "one"}
    first = owner.post(path(master), json=BODY, headers=headers)
    second = owner.post(path(master), json=BODY, headers=headers)
    assert (first.json, second.status_code, rows(session)) == (second.json, 201, 1)
    assert owner.post(path(master), json=BODY | {"amount": "2"}, headers=headers).status_code == 422
    assert owner.post(path(master), json=BODY).status_code == 409


BAD = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1",
    "-0",
    "0",
    "0.000000001",
    str(2**63),
    str(2**256),
    "1_000",
    "１２",
    "1,5",
    "+1",
    " ",
    "",
    "0x10",
    True,
    None,
    1.0,
    -1,
    0,
    5,
    2**63,
    2**256,
    [],
    {},
]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_bad_amounts_write_nothing(
    owner: Client, session: Session, master: Master, value: object, version: int
) -> None:
    body = {name: part for name, part in BODY.items() if name != "notes"}
    assert owner.post(path(master, version), json=body | {"amount": value}).status_code == 422
    assert rows(session) == 0


@pytest.mark.parametrize("raw", [b'{"amount": NaN}', b'{"amount": 1e400}', b'{"amount": -Infinity}', b"[]"])
def test_bad_numbers_in_json(owner: Client, session: Session, master: Master, raw: bytes) -> None:
    answer = owner.post(path(master), data=raw, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert rows(session) == 0


@pytest.mark.parametrize("value", [v for v in BAD if v is not None and v != 0.000000001], ids=repr)
def test_bad_rates_verify_nothing(
    owner: Client, staff: Client, session: Session, master: Master, value: object
) -> None:
    event = owner.post(path(master), json=BODY | {"currency": "EUR"}).json["id"]
    if value == "0.000000001":
        return
    body = {"receipt": "bank 1", "rate": value, "rateSource": "ECB", "rateDay": "2026-10-30"}
    assert staff.post(f"/api/v2/revenue-events/{event}/verify", json=body).status_code == 422
    assert rows(session) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "verified"},
        {"masterId": "0" * 36},
        {"verifiedBy": "me"},
        {"amountUsd": "5"},
        {"currency": "JPY"},
        {"currency": "usd"},
        {"sourceType": "bank"},
        {"sourceType": None},
        {"externalReference": "x" * 256},
        {"notes": "a\u202eb"},
        {"periodStart": "0001-01-01T00:00:00+14:00"},
        {"periodStart": "soon"},
        {"periodStart": 20261001},
        {"periodStart": "2026-11-01T00:00:00Z"},
    ],
    ids=repr,
)
def test_other_fields_are_refused(owner: Client, session: Session, master: Master, changes: dict[str, Any]) -> None:
    assert owner.post(path(master), json=BODY | changes).status_code == 422
    assert rows(session) == 0


def test_a_correction_says_what_it_corrects(owner: Client, master: Master) -> None:
    answer = owner.post(path(master), json=BODY | {"amount": "-12.50", "notes": "October, counted twice"})
    assert (answer.status_code, answer.json["amount"]) == (201, "-12.5")


def test_a_cursor_of_another_list_is_refused(owner: Client, master: Master) -> None:
    owner.post(path(master), json=BODY)
    owner.post(path(master), json=BODY | {"externalReference": "R2"})
    cursor = owner.get(path(master), query_string={"limit": 1}).json["page"]["next"]
    assert owner.get("/api/v2/dividends", query_string={"after": cursor}).status_code == 400
    assert owner.get("/api/v2/dividends/claims", query_string={"after": "made up"}).status_code == 400
