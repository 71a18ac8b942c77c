"""Where the money of a first sale goes: to its artist when it is closed, back to the holders when it is cancelled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.db import db
from portal.indexer import loop
from portal.masters import queries
from portal.masters.models import MasterContract
from portal.nfts.models import MasterNft
from portal.outbox import OutboxJob
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client
from tests.masters.test_minting import linked, on_sale, wallet
from tests.onchain import as_worker

SignIn = Callable[..., Any]
PRICE = 33_333_333
"""Not divisible by anything: 2.5 % of three of them has a fraction."""


class Sale:
    """Three shares sold to a fan, and the browsers of both."""

    def __init__(
        self, app: Flask, session: Session, work: Callable[[], int], node: Node, coin: str, sign_in: SignIn
    ) -> None:
        self.app, self.node, self.coin, self.sign_in, self._work = app, node, coin, sign_in, work
        self.fan = factories.person(session)
        linked(app, self.fan.id, 1)
        master = on_sale(app, session, work, mint_price=PRICE)
        self.id, self.owner = master.id, db.session().get_one(User, master.artist.user_id)

    def work(self) -> None:
        """Every job, the blocks that make its transactions final, the indexer, and what follows from them."""
        for _ in range(2):
            db.session().execute(sa.update(OutboxJob).values(not_before=None))
            db.session().commit()
            self._work()
            for _ in range(4):
                self.node.request("evm_mine")
            with as_worker(self.app):
                loop.catch_up()

    def acts(self, client: Client, who: User, path: str, **fields: str) -> str:
        """Sign in, press the button, let everything happen; the steps' page as text."""
        self.sign_in(client, who)
        pressed = client.post(path, data=fields)
        assert pressed.status_code == 303, text(pressed)
        self.work()
        return text(client.get(pressed.location.partition("#")[0], follow_redirects=True))

    def balance(self, who: str) -> int:
        answer = self.node.call(self.coin, encode_call("Stablecoin", "balanceOf", (who,)))
        return int(decode_result("Stablecoin", "balanceOf", answer)[0])


def text(answer: Any) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))
    return re.sub(r"\s+", " ", page.replace("&nbsp;", " "))


@pytest.fixture
def sale(
    live_app: Flask,
    session: Session,
    contracts: Contracts,
    onchain: Node,
    work: Callable[[], int],
    client: Client,
    sign_in: SignIn,
    chain: Chain,
) -> Sale:
    made = Sale(live_app, session, work, onchain, contracts.stablecoin, sign_in)
    bought = made.acts(client, made.fan, f"/masters/{made.id}/mint", quantity="3")
    assert "Final: the shares are in your wallet" in bought
    return made


def test_the_proceeds_arrive_to_the_unit(client: Client, sale: Sale, live_app: Flask) -> None:
    artist, treasury = wallet(live_app, 0), signers.of_role(live_app.config["SETTINGS"], Role.TREASURY).address
    studio = f"/studio/masters/{sale.id}"
    sale.acts(client, sale.owner, f"{studio}/close")
    before = sale.balance(artist), sale.balance(treasury)
    asked = text(client.get(f"{studio}/withdraw"))
    for line in ("From sold shares 99.999999", "Sale fee 2.5 % −2.499999", "You receive 97.50"):
        assert line in asked
    paid = sale.acts(client, sale.owner, f"{studio}/withdraw")
    assert "It was paid out." in paid
    fee = 3 * PRICE * 250 // 10_000
    assert (sale.balance(artist), sale.balance(treasury)) == (before[0] + 3 * PRICE - fee, before[1] + fee)
    assert "97.50" in paid
    assert client.get(f"{studio}/withdraw").status_code == 409
    contract = db.session().scalars(sa.select(MasterContract)).one()
    assert sale.balance(contract.contract_address) == 0
    with as_worker(live_app):
        loop.catch_up()
    assert "You received 97.50" in text(client.get(studio))
    _is_read_by_blocks(3 * PRICE - fee, fee)


def _is_read_by_blocks(artist: int, fee: int) -> None:
    """Also where the artist's own wallet had it paid out; never by reading every log."""
    session = db.session()
    contract = session.scalars(sa.select(MasterContract)).one()
    sent = session.scalars(
        sa.select(ChainTransaction.tx_hash).where(ChainTransaction.purpose.like("pay_proceeds:%"))
    ).one()
    assert [queries.proceeds_paid(session, contract, tx) for tx in (sent, None)] == [(artist, fee)] * 2
    session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    values = {"chain": contract.chain_id, "shares": contract.contract_address, "first": 1, "last": 9}
    plan = "\n".join(session.scalars(sa.text(f"EXPLAIN {queries.WITHDRAWN}"), values))
    assert re.search(r"Index Cond: .*chain_id.*block_number", plan), plan
    session.rollback()


@pytest.mark.walk
def test_a_cancelled_offers_share_is_worth_its_price(client: Client, sale: Sale, live_app: Flask) -> None:
    fan, studio = wallet(live_app, 1), f"/studio/masters/{sale.id}"
    sale.sign_in(client, sale.owner)
    asked = text(client.get(f"{studio}/cancel"))
    assert "Holders of the 3 sold shares hand them back for 33.333333 USDC each, 99.999999 USDC in all." in asked
    assert "There is no deadline" in asked
    sale.acts(client, sale.owner, f"{studio}/cancel")
    sale.sign_in(client, sale.fan)
    page = text(client.get(f"/masters/{sale.id}", follow_redirects=True))
    assert "Hand back 3 shares for 99.999999 USDC" in page
    assert "Hand back" in text(client.get("/me/portfolio"))
    before = sale.balance(fan)
    done = sale.acts(client, sale.fan, f"/masters/{sale.id}/refund", wallet=fan, idempotency_key="r")
    assert "Final: the money is in your wallet" in done
    assert sale.balance(fan) == before + 3 * PRICE
    assert set(db.session().scalars(sa.select(MasterNft.current_owner_wallet))) == {"0x" + "0" * 40}
    again = client.post(f"/masters/{sale.id}/refund", data={"wallet": fan})
    assert again.status_code == 409
    assert "nothing to hand back" in text(again)


def test_a_hand_back_is_asked_for_once_and_by_its_holder(
    client: Client, sale: Sale, live_app: Flask, session: Session
) -> None:
    fan, path = wallet(live_app, 1), f"/masters/{sale.id}/refund"
    sale.acts(client, sale.owner, f"/studio/masters/{sale.id}/cancel")
    assert client.post(path, data={"wallet": fan}).status_code == 409
    sale.sign_in(client, sale.fan)
    assert client.post(path, data={"wallet": fan, "idempotency_key": "one"}).status_code == 303
    second = client.post(path, data={"wallet": fan, "idempotency_key": "two"})
    assert second.status_code == 409
    assert "being handed back already" in text(second)
    assert db.session().scalar(sa.select(sa.func.count()).where(OutboxJob.job == "refund_shares")) == 1


def test_a_hand_back_that_failed_is_asked_for_with_what_is_still_there(
    client: Client, sale: Sale, live_app: Flask
) -> None:
    fan, path = wallet(live_app, 1), f"/masters/{sale.id}/refund"
    sale.acts(client, sale.owner, f"/studio/masters/{sale.id}/cancel")
    sale.sign_in(client, sale.fan)
    client.post(path, data={"wallet": fan, "idempotency_key": "one"})
    shares = db.session().scalars(sa.select(MasterContract.contract_address)).one()
    with as_worker(live_app):
        gift = encode_call("MasterShares", "transferFrom", (fan, wallet(live_app, 2), 2))
        sender.send("gift", Call(shares, gift), signers.of_dev_account(2))
        following.wait("gift")
    with pytest.raises(AssertionError, match="not the holder"):
        sale.work()
    before = sale.balance(fan)
    sale.work()
    sale.acts(client, sale.fan, path, wallet=fan, idempotency_key="two")
    assert sale.balance(fan) == before + 2 * PRICE
