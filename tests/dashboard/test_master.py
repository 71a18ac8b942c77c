"""The studio's page of one master: what it shows, what its buttons do, and what it says when they cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.chain.bootstrap import Contracts
from portal.db import db
from portal.masters import launch
from portal.masters.models import Master, MasterIpo
from portal.outbox import OutboxJob
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client
from tests.masters.test_minting import linked

Work = Callable[[], int]
SignIn = Callable[..., Any]


@pytest.fixture
def drafted(client: Client, session: Session, sign_in: SignIn) -> Master:
    """A draft of the signed-in artist."""
    master = factories.master(session, factories.artist(session), title="First Ice")
    sign_in(client, master.artist.user)
    return master


@pytest.fixture
def launched(
    client: Client, live_app: Flask, contracts: Contracts, session: Session, sign_in: SignIn, work: Work
) -> Master:
    """A live offer of the signed-in artist."""
    artist = factories.artist(session)
    linked(live_app, artist.user_id, 0)
    sign_in(client, artist.user)
    master = factories.master(session, artist)
    launch.launch_ipo(artist.user_id, master.id)
    work()
    return master


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def at(master: Master, rest: str = "") -> str:
    return f"/studio/masters/{master.id}{rest}"


def status() -> str:
    db.session().rollback()
    return str(db.session().scalars(sa.select(MasterIpo.status)).one())


def test_a_draft_is_put_aside_and_taken_up_again(client: Client, drafted: Master) -> None:
    assert "It can become a draft again" in text(client.get(at(drafted, "/cancel")))
    assert client.post(at(drafted, "/cancel"), data={"idempotency_key": "a"}).location == at(drafted)
    page = text(client.get(at(drafted)))
    assert "Make it a draft again" in page
    assert "Review and launch" not in page
    client.post(at(drafted, "/reopen"), data={"idempotency_key": "b"})
    again = client.post(at(drafted, "/reopen"), data={"idempotency_key": "b"})
    assert (again.status_code, status()) == (303, "draft")


def test_a_refusal_says_why_and_shows_the_page(client: Client, drafted: Master) -> None:
    for act, why in (("close", "Only an open offer"), ("withdraw", "once the offer is closed"), ("reopen", "again")):
        answer = client.post(at(drafted, f"/{act}"))
        assert answer.status_code == 409
        assert why in text(answer)
        assert "First Ice" in text(answer)
    assert client.get(at(drafted, "/close")).status_code == 409


def test_a_stale_form_changes_nothing(client: Client, session: Session, drafted: Master) -> None:
    session.execute(sa.update(MasterIpo).values(version=MasterIpo.version + 1))
    session.commit()
    answer = client.post(at(drafted, "/cancel"), data={"version": "1"})
    assert answer.status_code == 409
    assert "has changed since you opened it" in text(answer)
    assert status() == "draft"


def test_strangers_find_nothing(client: Client, session: Session, drafted: Master, sign_in: SignIn) -> None:
    sign_in(client, factories.artist(session).user)
    for act in ("", "/close", "/cancel", "/withdraw", "/edit", "/ipo/offer"):
        assert client.get(at(drafted, act)).status_code == 404
    assert client.post(at(drafted, "/cancel")).status_code == 404


def test_a_launch_is_shown_step_by_step(client: Client, launched: Master) -> None:
    page = text(client.get(at(launched)))
    for step in ("Launch", "Asked for", "Seen in a block", "Confirmed", "Offer open"):
        assert step in page
    assert "seen, not final yet" in page
    assert "then you withdraw it" in page
    assert client.get(at(launched, "/ipo/offer")).location == at(launched)


def test_closed_by_form(client: Client, launched: Master, work: Work, chain: Chain) -> None:
    asked = client.get(at(launched, "/close"))
    assert "0 of 1,000 shares are sold" in text(asked)
    key = {"idempotency_key": "once"}
    assert [client.post(at(launched, "/close"), data=key).status_code for _ in range(2)] == [303, 303]
    assert "Closing the offer" in text(client.get(at(launched)))
    assert db.session().scalar(sa.select(sa.func.count()).where(OutboxJob.job == "close_contract")) == 1
    work()
    chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
    db.session().execute(sa.update(OutboxJob).values(not_before=None))
    db.session().commit()
    work()
    page = text(client.get(at(launched)))
    assert status() == "closed"
    assert "No share was sold" in page


def test_what_the_chain_refused_can_be_asked_again(
    client: Client, session: Session, launched: Master, work: Work
) -> None:
    session.execute(sa.update(MasterIpo).values(status="closed", actual_end_at=sa.func.now()))
    session.commit()
    client.post(at(launched, "/withdraw"))
    with pytest.raises(AssertionError, match="not closed"):
        work()
    page = text(client.get(at(launched)))
    assert "It failed; nothing was moved" in page
    assert "not closed" in page
    assert "Try again" in page


def test_revenue_is_listed_with_its_state(client: Client, drafted: Master) -> None:
    record = {"sourceType": "distributor", "amount": "12.50", "currency": "USD", "idempotency_key": "r"}
    assert client.post(at(drafted, "/revenue"), data=record).status_code == 303
    page = text(client.get(at(drafted)))
    assert "12.50" in page
    assert "Waiting for verification" in page


def test_an_artist_without_a_wallet_hears_what_is_missing(client: Client, drafted: Master) -> None:
    refused = client.post(at(drafted, "/launch"), data={"title": drafted.title})
    assert refused.status_code == 409
    assert "Link a wallet first" in text(refused)


