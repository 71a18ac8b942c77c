"""Selling, buying and bidding by plain forms on a real chain: lines before each act, steps after it, and refusals."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.db import db
from portal.nfts.models import MasterNft, NftOrder
from tests import factories
from tests.conftest import Client
from tests.marketplace.test_money import Sale, sale, text
from tests.masters.test_minting import linked, wallet

__all__ = ["sale"]


@pytest.fixture
def friend(live_app: Flask, session: Session, sale: Sale) -> User:
    """Somebody else with a demo wallet."""
    made = factories.person(session)
    linked(live_app, made.id, 2)
    return db.session().get_one(User, made.id)


@pytest.fixture
def share(client: Client, sale: Sale) -> str:
    """The page of No. 1, which the fan holds; the first sale is over."""
    sale.acts(client, sale.owner, f"/studio/masters/{sale.id}/close")
    n = MasterNft
    return f"/nfts/{db.session().scalars(sa.select(n.id).where(n.master_id == sale.id, n.token_id == 1)).one()}"


def offer(status: str = "open") -> str:
    o = NftOrder
    db.session.remove()
    found = sa.select(o.id).where(o.kind == "offer", o.status == status).order_by(o.placed_block.desc())
    return f"/offers/{db.session().scalars(found.limit(1)).one()}"


def said(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, text(answer)[:500]
    return text(answer)


def test_a_share_is_sold_by_plain_forms(client: Client, sale: Sale, share: str, friend: User) -> None:
    """Listed with its lines, bought in a race that one loses, and the parts of the sale are fetched."""
    sale.sign_in(client, sale.fan)
    asked = said(client.get(f"{share}/list?price=50&currency=USDC&days=30"))
    for line in ("Price 50.00", "To the artist 5.00", "To the first three buyers 3.00", "Trading fee 0.25"):
        assert line in asked
    assert "You receive 41.75" in asked
    assert "List No. 1 for 50.00 USDC" in asked
    wrong = client.get(f"{share}/list?price=much&currency=USDC")
    assert 'value="much"' in wrong.text
    assert "Enter a plain number" in said(wrong, 422)
    done = sale.acts(client, sale.fan, f"{share}/list", price="50", currency="USDC", days="30", idempotency_key="l")
    assert "Final: it is for sale" in done
    assert "You receive 41.75" in done
    assert "1 for sale" in said(client.get("/me/portfolio"))
    sale.sign_in(client, friend)
    assert "Buy No. 1 for 50.00 USDC" in said(client.get(share))
    stale = said(client.post(f"{share}/buy", data={"units": "49000000", "currency": "USDC"}), 409)
    assert "The seller has changed the price: it is 50.00 USDC now." in stale
    bought = sale.acts(client, friend, f"{share}/buy", units="50000000", currency="USDC", idempotency_key="b")
    assert "Final: the share is in your wallet" in bought
    assert "50.00 USDC" in bought.partition("What it cost")[2]
    sale.sign_in(client, sale.fan)
    late = said(client.post(f"{share}/buy", data={"units": "50000000", "currency": "USDC"}), 409)
    assert re.search(r"No\. 1 was sold to 0x\w+…\w+ just now", late)
    assert "as its first, second and third buyer 3.00 USDC Withdraw" in said(client.get("/me/portfolio"))
    page = client.get(f"/masters/{sale.id}", follow_redirects=True)
    href = re.search(r'href="(/me/portfolio/withdraw[^"]+)"', page.text)
    assert href
    form = client.get(href[1].replace("&amp;", "&"))
    assert "Withdraw 3.00 USDC" in said(form)


@pytest.mark.slow
def test_an_offer_waits_is_taken_back_and_another_is_accepted(
    client: Client, sale: Sale, share: str, friend: User, live_app: Flask
) -> None:
    before = sale.balance(wallet(live_app, 1))
    terms = {"price": "20", "currency": "USDC", "days": "7"}
    sale.sign_in(client, friend)
    assert "Offer 20.00 USDC for No. 1" in said(client.get(f"{share}/offer", query_string=terms))
    assert "the owner can accept it" in sale.acts(client, friend, f"{share}/offer", **terms, idempotency_key="o")
    assert "Take back 20.00 USDC" in said(client.get(f"{offer()}/take-back"))
    assert client.get(f"{offer()}/accept").status_code == 404
    back = sale.acts(client, friend, f"{offer()}/take-back", idempotency_key="t")
    assert "Final: the money is in your wallet" in back
    gone = said(client.get(f"{offer('cancelled')}/take-back"), 409)
    assert "it was accepted or taken back" in gone
    sale.acts(client, friend, f"{share}/offer", **terms, idempotency_key="o2")
    sale.sign_in(client, sale.fan)
    assert "20.00 USDC" in said(client.get("/me/portfolio?tab=shares"))
    assert "Sell No. 1 for 20.00 USDC" in said(client.get(f"{offer()}/accept"))
    sold = sale.acts(client, sale.fan, f"{offer()}/accept", idempotency_key="a")
    assert "Final: the money is in your wallet" in sold
    assert sale.balance(wallet(live_app, 1)) == before + 20_000_000 - 2_000_000 - 1_200_000 - 100_000
