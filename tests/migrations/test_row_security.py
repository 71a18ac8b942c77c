"""Row security (specification 4.4): whatever SQL the application is tricked into, a person reaches their rows alone."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit.context import Actor, acting_as
from portal.db import db
from portal.embedded.postgres import Postgres
from tests.raw import Raw

TABLES = ("masters", "master_ipos", "revenue_events", "invoices")
CHANGES = {
    "masters": "title = title",
    "master_ipos": "total_supply = total_supply",
    "revenue_events": "currency = currency",
    "invoices": "amount_due = amount_due",
}
Shelf = dict[str, uuid.UUID]


class House:
    """Two artists with a private and a public master each, staff, and the application's own connection."""

    def __init__(self, url: str, app: psycopg.Connection[Any]) -> None:
        self.app = app
        with psycopg.connect(url) as owner:
            raw = Raw(owner)
            self.anna, self.ben = shelf(raw), shelf(raw)
            self.finance = staff(raw, "finance:read", "finance:verify")
            self.admin = staff(raw, "admin:users")
            self.former = raw.add("users")
            raw.add("permission_grants", user_id=self.former, permission="finance:read", expires_at="2020-01-01")

    def as_person(self, person: uuid.UUID | None) -> None:
        self.app.execute("SELECT set_config('app.user_id', %s, true)", [str(person or "")])

    def sees(self, person: uuid.UUID | None, table: str) -> set[str]:
        """Whose rows this person's statements find, as "anna draft"."""
        self.as_person(person)
        found = {row[0] for row in self.app.execute(f"SELECT id FROM {table}")}
        shelves = {"anna": self.anna, "ben": self.ben}
        return {f"{who} {name.split('.')[1]}" for who, s in shelves.items() for name in s if s[name] in found}


def shelf(raw: Raw) -> Shelf:
    """An artist's rows by "table.kind": a draft and a live master, each with an offer and an event, and an invoice."""
    user = raw.add("users")
    artist = raw.add("artists", user_id=user)
    made = {"users.me": user, "invoices.bill": raw.add("invoices", user_id=user)}
    for status, event in (("draft", "verified"), ("live", "distributed")):
        made[f"masters.{status}"] = master = raw.add("masters", artist_id=artist, status=status)
        made[f"master_ipos.{status}"] = raw.add("master_ipos", master_id=master)
        made[f"revenue_events.{status}"] = raw.add("revenue_events", master_id=master, status=event)
    return made


def staff(raw: Raw, *permissions: str) -> uuid.UUID:
    user = raw.add("users")
    for permission in permissions:
        raw.add("permission_grants", user_id=user, permission=permission)
    return user


@pytest.fixture(scope="module")
def url(postgres: Postgres, clone: Callable[[], str]) -> str:
    return postgres.url("audifi_owner", clone()).replace("+psycopg", "")


@pytest.fixture(scope="module")
def app_url(url: str, postgres: Postgres) -> str:
    return postgres.url("audifi_app", str(sa.make_url(url).database)).replace("+psycopg", "")


@pytest.fixture(scope="module")
def furnished(url: str, app_url: str) -> Iterator[House]:
    with psycopg.connect(app_url) as app:
        yield House(url, app)


@pytest.fixture
def house(furnished: House) -> Iterator[House]:
    yield furnished
    furnished.app.rollback()


def test_one_s_own_rows_and_what_is_public(house: House) -> None:
    me = house.anna["users.me"]
    for table in ("masters", "master_ipos", "revenue_events"):
        assert house.sees(me, table) == {"anna draft", "anna live", "ben live"}, table
    assert house.sees(me, "invoices") == {"anna bill"}


def test_nobody_sees_public_rows_and_no_error(house: House) -> None:
    """Promise 45: with nobody named there are public rows, none of anybody's own, and no error."""
    for table in ("masters", "master_ipos", "revenue_events"):
        assert house.sees(None, table) == {"anna live", "ben live"}, table
    assert house.sees(None, "invoices") == set()


def test_a_connection_that_never_named_anybody_is_nobody(house: House, app_url: str) -> None:
    with psycopg.connect(app_url) as fresh:
        found = {row[0] for row in fresh.execute("SELECT id FROM masters")}
    assert found == {house.anna["masters.live"], house.ben["masters.live"]}


def test_staff_see_what_their_permission_is_for(house: House) -> None:
    assert house.sees(house.finance, "revenue_events") == {"anna draft", "anna live", "ben draft", "ben live"}
    assert house.sees(house.finance, "invoices") == {"anna bill", "ben bill"}
    assert house.sees(house.admin, "masters") == {"anna draft", "anna live", "ben draft", "ben live"}
    assert house.sees(house.admin, "invoices") == set()
    assert house.sees(house.former, "invoices") == set()
    assert house.sees(house.former, "revenue_events") == {"anna live", "ben live"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} WHERE id = %s", "DELETE FROM {0} WHERE id = %s"])
def test_another_s_row_is_out_of_reach(house: House, table: str, statement: str) -> None:
    """Promise 45: raw SQL as the application reads, locks, changes and deletes nothing of another artist's."""
    house.as_person(house.anna["users.me"])
    for name, row_id in house.ben.items():
        if name.startswith(f"{table}."):
            assert house.app.execute(statement.format(table, CHANGES[table]), [row_id]).rowcount == 0, name
            assert house.app.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", [row_id]).rowcount == 0, name


def test_one_s_own_row_changes(house: House) -> None:
    house.as_person(house.anna["users.me"])
    for table in TABLES:
        for name, row_id in house.anna.items():
            if name.startswith(f"{table}."):
                changed = house.app.execute(f"UPDATE {table} SET {CHANGES[table]} WHERE id = %s", [row_id])
                assert changed.rowcount == 1, name


def test_finance_reads_bills_and_writes_none(house: House) -> None:
    house.as_person(house.finance)
    assert house.app.execute("UPDATE invoices SET amount_paid = 1").rowcount == 0
    assert house.app.execute("UPDATE masters SET title = 'mine'").rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO masters (id, artist_id, title, short_id)"
        " SELECT gen_random_uuid(), artist_id, 'Stolen', 'stolen' FROM masters WHERE id = %(theirs)s",
        "UPDATE masters SET artist_id = (SELECT artist_id FROM masters WHERE id = %(theirs)s) WHERE id = %(mine)s",
        "INSERT INTO revenue_events (id, master_id, source_type, amount, currency)"
        " VALUES (gen_random_uuid(), %(theirs)s, 'manual', 1, 'USDC')",
        "INSERT INTO master_ipos (id, master_id, total_supply) VALUES (gen_random_uuid(), %(theirs)s, 5)",
    ],
)
def test_nothing_is_slipped_into_another_s_shelf(house: House, statement: str) -> None:
    """Promise 45: nor does it write anything there."""
    house.as_person(house.anna["users.me"])
    names = {"theirs": house.ben["masters.live"], "mine": house.anna["masters.draft"]}
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        house.app.execute(statement, names)


def test_a_room_and_a_contract_make_a_draft_visible(house: House, url: str) -> None:
    with psycopg.connect(url) as owner:
        raw = Raw(owner)
        shown = {raw.add("masters"): True, raw.add("masters"): True, raw.add("masters"): False}
        contract, room, hidden = shown
        raw.add("master_contracts", master_id=contract)
        raw.add("vstudio_sessions", master_id=room, status="scheduled")
        raw.add("vstudio_sessions", master_id=hidden, status="draft")
    house.as_person(None)
    found = {row[0] for row in house.app.execute("SELECT id FROM masters")}
    assert {master: master in found for master in shown} == shown


def test_row_security_is_forced_and_the_roles_cannot_pass_it(house: House) -> None:
    rows = house.app.execute(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
    )
    assert {row[0] for row in rows} == set(TABLES)
    rights = house.app.execute(
        "SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname LIKE 'audifi%'"
    ).fetchone()
    assert rights == (False,)


def test_staff_rights_are_looked_up_once_a_statement_and_rows_by_index(house: House) -> None:
    house.as_person(house.anna["users.me"])
    house.app.execute("SET LOCAL enable_seqscan = off")
    lines = house.app.execute("EXPLAIN SELECT * FROM masters WHERE id = %s", [house.ben["masters.live"]]).fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert "Index Scan using pk_masters" in plan
    assert plan.count("InitPlan") >= 2
    assert "person_may" not in plan.partition("SubPlan")[2]


def test_a_pooled_connection_never_keeps_the_last_person(live_app: Flask, house: House) -> None:
    """Promise 45: 1,000 interleaved transactions of three people and nobody, on the pool's few connections."""
    people = [uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), None]
    asked, held = random.Random(45), 0
    engine = sa.create_engine(live_app.config["SQLALCHEMY_DATABASE_URI"], pool_size=2)
    for _ in range(1_000):
        person = asked.choice(people)
        with acting_as(Actor("user", person)):
            heard = db.session.scalar(sa.text("SELECT current_setting('app.user_id')"))
            asked.choice([db.session.rollback, db.session.commit, db.session.remove])()
        with engine.connect() as past_the_session:
            held += bool(past_the_session.scalar(sa.text("SELECT current_setting('app.user_id', true)")))
        assert heard == str(person or "")
    engine.dispose()
    assert held == 0
