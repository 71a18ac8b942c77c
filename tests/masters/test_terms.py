"""The terms of an offer: written down at its launch, accepted by whoever buys, bound by the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.chain.abi import decode_log
from portal.chain.client import Client as Node
from portal.chain.client import Reverted
from portal.chain.models import ChainTransaction
from portal.db import db
from portal.errors import Conflict
from portal.masters import ending, launch, minting, policies
from portal.masters.models import Master, MasterIpo, MintPermit, PolicyConsent, PolicyVersion
from tests import factories
from tests.conftest import Client
from tests.masters.test_minting import fan, linked, on_sale, sign, wallet  # noqa: F401  (a fixture)

Work = Callable[[], int]
SignIn = Callable[..., Any]


def minted(node: Node) -> dict[str, Any]:
    """The arguments of the last `Minted` event."""
    sent = db.session().scalars(
        sa.select(ChainTransaction.tx_hash).where(ChainTransaction.purpose.like("mint:%"))
        .order_by(ChainTransaction.nonce.desc()).limit(1)
    ).one()  # fmt: skip
    receipt = node.receipt(sent)
    assert receipt is not None
    return next(log.args for log in map(decode_log, receipt.logs) if log.name == "Minted")  # type: ignore[return-value]


def test_the_terms_that_were_accepted_stand_on_the_chain(
    client: Client, live_app: Flask, session: Session, fan: User, work: Work, onchain: Node, sign_in: SignIn  # noqa: F811
) -> None:
    master = on_sale(live_app, session, work)
    sign_in(client, fan)
    page = client.get(f"/masters/{master.id}", follow_redirects=True).get_data(as_text=True)
    assert f'By buying you accept the <a href="/masters/{master.id}/terms/1">' in page
    text = client.get(f"/masters/{master.id}/terms/1.txt").data
    assert b"Price of a share: 25.00 USDC" in text
    assert b"retained" not in text
    fingerprint = "0x" + hashlib.sha256(text).hexdigest()
    assert fingerprint[:6] in client.get(f"/masters/{master.id}/terms", follow_redirects=True).get_data(as_text=True)
    bought = client.post(f"/masters/{master.id}/mint", data={"quantity": "1", "termsVersion": "1"})
    assert bought.status_code == 303
    work()
    assert minted(onchain)["terms"] == fingerprint
    permit = db.session().scalars(sa.select(MintPermit)).one()
    assert (permit.policy_version, permit.terms_hash) == ("1", fingerprint)
    consent = db.session().scalars(sa.select(PolicyConsent)).one()
    assert (consent.user_id, consent.terms.content_hash) == (fan.id, fingerprint)
    assert consent.place.startswith("mint:")


def test_other_terms_than_those_in_force_buy_nothing(
    client: Client, live_app: Flask, session: Session, fan: User, work: Work, sign_in: SignIn  # noqa: F811
) -> None:
    master = on_sale(live_app, session, work)
    sign_in(client, fan)
    stale = client.post(f"/masters/{master.id}/mint", data={"quantity": "1", "termsVersion": "0"})
    assert stale.status_code == 409
    assert b"The terms of this offer have changed" in stale.data
    body = {"wallet": wallet(live_app, 1), "quantity": 1}
    path = f"/api/v2/masters/{master.id}/ipo/mint-intents"
    assert client.post(path, json=body | {"termsVersion": "0"}).status_code == 409
    assert client.post(path, json=body | {"termsVersion": "1"}).json["terms"]["version"] == "1"
    assert db.session().scalars(sa.select(PolicyConsent.place)).one() == "intent"


def test_nobody_buys_without_them(live_app: Flask, session: Session, fan: User, work: Work, onchain: Node) -> None:  # noqa: F811
    from portal.chain.abi import encode_call

    master = on_sale(live_app, session, work)
    wanted = minting.purchase(db.session(), fan.id, master.id, wallet(live_app, 1), 1)
    with pytest.raises(Reverted, match="permit required"):
        onchain.call(wanted.shares_address, encode_call("MasterShares", "mint", (1,)), sender=wanted.wallet)


def test_new_terms_are_a_new_version_and_the_same_words_are_not(app: Flask, session: Session) -> None:
    artist = factories.artist(session)
    linked(app, artist.user_id, 0)
    master = factories.master(session, artist)
    user_id, master_id = artist.user_id, master.id

    def launched() -> str | None:
        version = launch.launch_ipo(user_id, master_id).terms_version
        ending.cancel_offer(user_id, master_id)
        return version

    assert [launched(), launched()] == ["1", "1"]
    session.execute(sa.update(MasterIpo).values(mint_price_wei=7_000_000))
    session.commit()
    assert launched() == "2"
    first, second = session.scalars(sa.select(PolicyVersion).order_by(PolicyVersion.version))
    assert "25.00 USDC" in first.content
    assert "7.00 USDC" in second.content
    with pytest.raises(Conflict):
        policies.accept(session, user_id, session.scalars(sa.select(MasterIpo)).one(), "0x1", "test", "1")


def test_a_draft_has_no_terms_yet(client: Client, session: Session) -> None:
    master: Master = factories.master(session)
    assert client.get(f"/masters/{master.id}/terms").status_code == 404
    assert client.get(f"/masters/{master.id}/terms/1").status_code == 404
