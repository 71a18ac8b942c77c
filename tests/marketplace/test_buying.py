"""The offer's box: who may buy with which wallet, what it costs, and the steps of a purchase."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.chain import signer as signers
from portal.chain.abi import encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.db import db, transaction
from portal.masters.models import Master, MasterContract, MasterIpo
from portal.outbox import OutboxJob
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client, browser
from tests.masters.test_minting import linked, on_sale, wallet
from tests.revenue.onchain import run

Work = Callable[[], int]
SignIn = Callable[..., Any]
LEDGER = "0x" + "ab" * 20


@pytest.fixture
def fan(live_app: Flask, contracts: Contracts, session: Session, client: Client, sign_in: SignIn) -> User:
    """Signed in, with one demo wallet."""
    made = factories.person(session)
    linked(live_app, made.id, 1)
    sign_in(client, made)
    return made


@pytest.fixture
def offered(live_app: Flask, fan: User, session: Session, work: Work) -> Master:
    return on_sale(live_app, session, work)


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def buy(client: Client, master: Master, **fields: str) -> Any:
    return client.post(f"/masters/{master.id}/mint", data={"quantity": "2"} | fields)


def test_a_purchase_is_followed_to_its_end(
    client: Client, live_app: Flask, offered: Master, work: Work, chain: Chain
) -> None:
    first, again = (buy(client, offered, idempotency_key="k") for _ in range(2))
    assert first.location == again.location
    steps = first.location.removesuffix("#purchase")
    page = client.get(steps)
    assert "Your purchase of 2 shares" in text(page)
    assert 'hx-trigger="every 2s"' in page.get_data(as_text=True)
    work()
    assert "Seen in a block" in text(client.get(steps))
    chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
    part = client.get(steps, headers={"HX-Request-Type": "partial", "HX-Target": "section#purchase"})
    assert "the shares are in your wallet" in text(part)
    assert "hx-trigger" not in part.get_data(as_text=True)
    assert "<html" not in part.get_data(as_text=True)
    assert "Your purchase" not in text(browser(live_app).get(steps))


def test_the_box_tells_the_price_before_anything_is_signed(client: Client, offered: Master) -> None:
    page = text(client.get(f"/masters/{offered.id}", follow_redirects=True))
    for line in ("1 share × 25.00", "Sale fee 2.5 % in the price", "Network fee about", "To pay 25.00"):
        assert line in page.replace("\xa0", " ").replace("&nbsp;", " ")


def test_a_refusal_stays_on_the_page_with_what_was_typed(client: Client, offered: Master) -> None:
    for quantity, why in (("0", "From 1 to 10"), ("many", "how many shares")):
        answer = buy(client, offered, quantity=quantity)
        assert (answer.status_code, why in text(answer)) == (422, True)
    db.session().execute(sa.update(MasterIpo).values(minted_supply=999))
    db.session().commit()
    answer = buy(client, offered)
    assert (answer.status_code, "Only 1 share(s) are left." in text(answer)) == (409, True)
    assert db.session().scalar(sa.select(sa.func.count()).where(OutboxJob.job == "mint_shares")) == 0


def test_the_chains_refusal_is_told_in_words(client: Client, live_app: Flask, offered: Master, work: Work) -> None:
    steps = buy(client, offered).location.removesuffix("#purchase")
    shares = db.session().scalars(sa.select(MasterContract.contract_address)).one()
    operator = signers.of_role(live_app.config["SETTINGS"], Role.OPERATOR)
    run(live_app, Call(shares, encode_call("MasterShares", "close")), operator)
    with pytest.raises(AssertionError, match="not live"):
        work()
    page = text(client.get(steps))
    assert "It failed. Nothing was paid." in page
    assert "The sale was over or paused" in page


def test_a_wallet_that_signs_for_itself_gets_its_transactions(
    client: Client, live_app: Flask, fan: User, offered: Master, work: Work
) -> None:
    with transaction() as inner:
        link_wallet(inner, fan.id, LEDGER, "31337", "Ledger")
    page = client.get(f"/masters/{offered.id}", follow_redirects=True).get_data(as_text=True)
    assert f'name="other" value="{LEDGER}"' in page
    assert wallet(live_app, 1) in page
    answer = buy(client, offered, other=LEDGER)
    told = text(answer)
    assert answer.status_code == 200
    assert "1. Let the contract take the coins" in told
    assert "2. Buy the shares" in told
    assert "Sale fee, in the price 1.25" in told
    assert db.session().scalar(sa.select(sa.func.count()).where(OutboxJob.job == "mint_shares")) == 0


def test_a_pasted_hash_leads_to_its_page(client: Client, session: Session) -> None:
    assert client.get("/transactions?hash=0x12").status_code == 422
    assert client.get("/transactions").status_code == 200
    found = client.get("/transactions?hash=0X" + "AB" * 32)
    assert found.location == "/transactions/0x" + "ab" * 32
    assert client.get(found.location).status_code == 200
