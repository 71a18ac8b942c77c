"""A copy of one's data is whole, one's own and safe to open; a deleted account is gone, and the records still hold."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import tables
from portal.accounts import profile
from portal.accounts.models import Account, User, UserSession, UserWallet
from portal.accounts.service import link_demo_wallet
from portal.artists.models import Artist
from portal.audit import sealing
from portal.audit.context import Actor, acting_as
from portal.audit.models import AuditLog, SecurityEvent
from portal.audit.verifying import verify
from portal.config import Settings
from portal.db import db, use_database, utcnow
from portal.masters.enums import IpoStatus
from portal.masters.models import MasterIpo
from portal.privacy import deleting
from portal.privacy.jobs import keep_deletion_promises
from portal.privacy.models import DataExport
from tests import factories
from tests.accounts.steps import by_link
from tests.conftest import Client, browser

SignIn = Callable[[Client, User], str]
Jobs = Callable[[], int]
FORMULA = '=HYPERLINK("http://example.org")'
WALLET = "0x" + "0a" * 20


@pytest.fixture
def mina(client: Client, session: Session, sign_in: SignIn) -> User:
    user = factories.person(session, "mina@example.org")
    sign_in(client, user)
    return user


def fresh() -> Session:
    """What the database holds now, whatever the test read before."""
    db.session.remove()
    return db.session()


def copy_of(client: Client, run_jobs: Jobs) -> tuple[str, zipfile.ZipFile]:
    """Ask for a copy and fetch it: (its address, the zip)."""
    assert client.post("/me/data/exports").status_code == 303
    assert "0 of " in client.get("/me/data").text
    run_jobs()
    found = re.search(r"/me/data/exports/[0-9a-f-]{36}\.zip", client.get("/me/data").text)
    assert found
    answer = client.get(found[0])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")
    return found[0], zipfile.ZipFile(io.BytesIO(answer.data))


# --- a copy -----------------------------------------------------------------------------------------------


def test_a_copy_is_whole_and_holds_no_secret(client: Client, session: Session, mina: User, run_jobs: Jobs) -> None:
    profile.update(mina.id, FORMULA, "Hello", None, False)
    link_demo_wallet(mina.id, WALLET, "31337", "Mine")
    other = factories.artist(session, user=factories.person(session, "other@example.org"))
    factories.master(session, other, title="Not hers")
    _, archive = copy_of(client, run_jobs)
    whole: dict[str, list[dict[str, Any]]] = json.loads(archive.read("data.json"))
    assert whole["profile"][0]["display_name"] == FORMULA
    assert whole["wallets"][0]["wallet_address"] == WALLET
    assert {row["action"] for row in whole["records"]} >= {"update_profile", "link_wallet", "ask_export"}
    assert whole["masters"] == []
    text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "other@example.org" not in text
    assert not re.search(r"token_hash|two_factor_secret|retained_platform|stripe", text)
    assert next(csv.DictReader(io.StringIO(archive.read("profile.csv").decode())))["display_name"] == f"'{FORMULA}"
    events = fresh().scalars(sa.select(SecurityEvent.event_type)).all()
    assert [kind.value for kind in events] == ["data_export"]


def test_an_artist_finds_their_masters(client: Client, session: Session, mina: User, run_jobs: Jobs) -> None:
    factories.master(session, factories.artist(session, user=mina), title="Salt")
    _, archive = copy_of(client, run_jobs)
    whole = json.loads(archive.read("data.json"))
    assert [row["title"] for row in whole["masters"]] == [row["title"] for row in whole["offers"]] == ["Salt"]


def test_only_the_owner_and_only_for_a_week(
    client: Client, session: Session, mina: User, sign_in: SignIn, run_jobs: Jobs
) -> None:
    path, _ = copy_of(client, run_jobs)
    stranger = browser(client.application)
    assert stranger.get(path).status_code == 302
    sign_in(stranger, factories.person(fresh()))
    assert stranger.get(path).status_code == 404
    fresh().execute(sa.update(DataExport).values(expires_at=utcnow() - dt.timedelta(days=1)))
    db.session.commit()
    assert client.get(path).status_code == 404
    keep_deletion_promises()
    assert fresh().scalar(sa.select(sa.func.count()).select_from(DataExport)) == 0


def test_one_at_a_time_and_only_after_a_proof(client: Client, mina: User) -> None:
    assert client.post("/me/data/exports").status_code == 303
    assert client.post("/me/data/exports").status_code == 409
    fresh().execute(sa.update(UserSession).values(step_up_at=utcnow() - dt.timedelta(minutes=6)))
    db.session.commit()
    assert client.post("/me/data/exports").location == "/login/again?next=/me/security"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_is_a_formula(sign: str) -> None:
    """Promise 67: no live formula."""
    assert tables.safe(f"{sign}1+1|cmd") == f"'{sign}1+1|cmd"


def test_numbers_stay_numbers() -> None:
    """Promise 67: a negative number is a number."""
    assert tables.table(["a", "b"], [[-12, Decimal("-3.50")], [None, "-x"]]) == "a,b\r\n-12,-3.50\r\n,'-x\r\n"


# --- the end of an account --------------------------------------------------------------------------------


def ask(client: Client, email: str = "mina@example.org") -> Any:
    return client.post("/me/data/delete", data={"email": email})


def a_month_later(user_id: uuid.UUID) -> None:
    """As if they had asked 31 days ago."""
    long_ago = utcnow() - dt.timedelta(days=31)
    fresh().execute(sa.update(User).where(User.id == user_id).values(deleted_at=long_ago))
    db.session.commit()


def test_asking_signs_out_everywhere_and_signing_in_takes_it_back(
    client: Client, mina: User, sign_in: SignIn, run_jobs: Jobs
) -> None:
    phone = browser(client.application)
    sign_in(phone, mina)
    assert ask(client, "somebody@example.org").status_code == 422
    answer = ask(client)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "sign in before then and it stays" in client.get("/").text
    assert client.get("/api/v2/me").status_code == phone.get("/api/v2/me").status_code == 401
    by_link(client, run_jobs, "mina@example.org")
    me = client.get("/api/v2/me").json
    assert (me["id"], me["deletedAt"]) == (str(mina.id), None)
    actions = fresh().scalars(sa.select(AuditLog.action).where(AuditLog.user_id == mina.id)).all()
    assert {"ask_deletion", "take_back_deletion"} <= set(actions)


def test_within_the_grace_nothing_goes(client: Client, mina: User) -> None:
    assert ask(client).status_code == 303
    assert deleting.keep_promises() == 0
    assert fresh().get_one(User, mina.id).email == "mina@example.org"


@pytest.fixture
def worker(live_app: Flask) -> Settings:
    """The clock's jobs have the worker's role."""
    found: Settings = live_app.config["SETTINGS"]
    use_database(found.for_worker())
    return found


def test_after_it_nothing_personal_is_left_and_the_seals_hold(worker: Settings) -> None:
    user = factories.person(db.session(), "mina@example.org")
    artist = factories.artist(db.session(), "Mina Live", user=user)
    with acting_as(Actor("user", user.id, user.email, "192.0.2.7", "Mina's phone")):
        profile.update(user.id, "Mina Orr", "Hello", None, False)
        link_demo_wallet(user.id, WALLET, "31337", "Mine")
        deleting.ask(user.id, "mina@example.org")
    assert sealing.seal(worker) > 0
    a_month_later(user.id)
    keep_deletion_promises()
    gone = fresh().get_one(User, user.id)
    assert (gone.status.value, gone.display_name, gone.bio) == ("deleted", "Deleted person", None)
    assert gone.email == f"deleted+{user.id}@invalid"
    emptied = fresh().get_one(Artist, artist.id)
    assert (emptied.artist_name, emptied.is_active) == ("Deleted artist", False)
    for model in (Account, UserWallet, UserSession):
        assert fresh().scalar(sa.select(sa.func.count()).select_from(model).where(model.user_id == user.id)) == 0
    assert everywhere("mina@example.org") == everywhere("Mina Orr") == everywhere("192.0.2.7") == set()
    assert verify(worker).findings == []
    assert deleting.keep_promises() == 0


def everywhere(text: str) -> set[str]:
    """Tables with this text in any row of theirs that is not waiting to be sent."""
    found = set()
    for name in db.metadata.tables:
        waiting = " AND t.done_at IS NOT NULL" if name == "outbox" else ""
        row = sa.text(f"SELECT 1 FROM {name} t WHERE t::text LIKE :text{waiting} LIMIT 1")
        if fresh().execute(row, {"text": f"%{text}%"}).first():
            found.add(name)
    return found


def test_an_offer_on_sale_ends_first(client: Client, session: Session, mina: User) -> None:
    master = factories.master(session, factories.artist(session, user=mina), title="Salt")
    of_it = sa.update(MasterIpo).where(MasterIpo.master_id == master.id)
    session.execute(of_it.values(status=IpoStatus.LIVE))
    session.commit()
    assert "On sale: Salt." in client.get("/me/data").text
    assert ask(client).status_code == 303
    a_month_later(mina.id)
    assert deleting.keep_promises() == 0
    fresh().execute(of_it.values(status=IpoStatus.CLOSED))
    db.session.commit()
    assert deleting.keep_promises() == 1


def test_unclaimed_dividends_are_named(client: Client, session: Session, mina: User) -> None:
    master = factories.master(session)
    contract, wallet = uuid.uuid4(), {"wallet": WALLET}
    link_demo_wallet(mina.id, WALLET, "31337", "Mine")
    db.session().execute(
        sa.text(
            "INSERT INTO dividend_contracts (id, master_id, distribution_model, chain_id, contract_address)"
            " VALUES (:id, :master, 'per_master', '31337', :address)"
        ),
        {"id": contract, "master": master.id, "address": "0x" + "d1" * 20},
    )
    db.session().execute(
        sa.text(
            "INSERT INTO wallet_dividend_balances (id, wallet_address, master_id, dividend_contract_id, chain_id,"
            " currency, total_earned, claimable_amount)"
            " VALUES (gen_random_uuid(), :wallet, :master, :id, '31337', 'USDC', 2500000, 2500000)"
        ),
        wallet | {"master": master.id, "id": contract},
    )
    db.session.commit()
    page = client.get("/me/data").text
    assert "Dividends wait for you" in page
    assert 'value="2.500000"' in page
