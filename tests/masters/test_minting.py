"""Buying: the intent that a wallet signs, and a cap that counts the person."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.client import Reverted, connect
from portal.db import db, transaction
from portal.errors import Conflict
from portal.masters import acts, launch, minting, permits
from portal.masters import onchain as onchain_side
from portal.masters.models import Master
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client

Work = Callable[[], int]


def wallet(app: Flask, index: int) -> str:
    return list(signers.demo_signers(app.config["SETTINGS"]))[index]


def linked(app: Flask, user_id: Any, *indexes: int) -> None:
    with transaction() as inner:
        for index in indexes:
            link_wallet(inner, user_id, wallet(app, index), "31337", f"Demo wallet {index + 1}")


def on_sale(app: Flask, session: Session, work: Work, **terms: Any) -> Master:
    artist = factories.artist(session)
    linked(app, artist.user_id, 0)
    master = factories.master(session, artist, **terms)
    launch.launch_ipo(artist.user_id, master.id)
    work()
    return db.session().get_one(Master, master.id)


@pytest.fixture
def fan(live_app: Flask, contracts: Contracts, session: Session) -> User:
    made = factories.person(session)
    linked(live_app, made.id, 1, 2)
    return made


def sign(app: Flask, node: Node, index: int, unsigned: dict[str, Any]) -> None:
    from eth_utils.address import to_checksum_address

    signer = signers.of_dev_account(index + 1)
    fees = node.fees()
    fields = {"type": 2, "chainId": unsigned["chainId"], "to": to_checksum_address(unsigned["to"]),
              "data": unsigned["data"], "value": int(unsigned["value"]), "nonce": node.nonce(signer.address),
              "gas": 400_000, "maxFeePerGas": fees.most, "maxPriorityFeePerGas": fees.tip}  # fmt: skip
    raw, tx_hash = signer.sign_transaction(fields)
    node.send_raw(raw)
    receipt = node.receipt(tx_hash)
    assert receipt is not None
    assert receipt.succeeded


def test_an_intent_can_be_signed_and_mints(
    live_app: Flask, client: Client, session: Session, fan: User, work: Work, onchain: Node,
    contracts: Contracts, sign_in: Callable[..., Any],
) -> None:  # fmt: skip
    master = on_sale(live_app, session, work, person_cap=5)
    sign_in(client, fan)
    body = {"wallet": wallet(live_app, 1), "quantity": 2}
    path = f"/api/v2/masters/{master.id}/ipo/mint-intents"
    intent = client.post(path, json=body).json
    assert [line["amount"] for line in intent["lines"]] == ["50000000", "1250000", "50000000"]
    faucet = encode_call("Stablecoin", "faucet", (wallet(live_app, 1), 50_000_000))
    sign(live_app, onchain, 1, {"to": contracts.stablecoin, "data": faucet, "value": "0", "chainId": 31337})
    sign(live_app, onchain, 1, intent["approval"])
    assert client.post(path, json=body).json["approval"] is None
    sign(live_app, onchain, 1, intent["transaction"])
    shares = intent["transaction"]["to"]
    answer = onchain.call(shares, encode_call("MasterShares", "balanceOf", (wallet(live_app, 1),)))
    assert decode_result("MasterShares", "balanceOf", answer) == (2,)


@pytest.mark.walk
def test_a_sale_keeps_the_fee_that_it_was_launched_with(
    live_app: Flask, client: Client, session: Session, fan: User, work: Work, sign_in: Callable[..., Any]
) -> None:
    """Another setting while its contracts are on their way, and after."""
    settings = live_app.config["SETTINGS"]
    artist = factories.artist(session)
    linked(live_app, artist.user_id, 0)
    master_id = factories.master(session, artist).id
    launch.launch_ipo(artist.user_id, master_id)
    live_app.config["SETTINGS"] = replace(settings, primary_fee_bps=900)
    work()
    contract = db.session().get_one(Master, master_id).contracts[0].contract_address
    assert onchain_side.proceeds(contract).fee_bps == settings.primary_fee_bps == 250
    sign_in(client, fan)
    body = {"wallet": wallet(live_app, 1), "quantity": 2}
    intent = client.post(f"/api/v2/masters/{master_id}/ipo/mint-intents", json=body).json
    assert [line["amount"] for line in intent["lines"]] == ["50000000", "1250000", "50000000"]
    page = re.sub(r"<[^>]+>", "", client.get(f"/masters/{master_id}", follow_redirects=True).text)
    assert re.findall(r"Sale fee +([\d.]+)", page) == ["2.5"]


@pytest.mark.parametrize("body", [{"quantity": 0}, {"quantity": 11}, {"quantity": True}, {"wallet": "0x" + "11" * 20}])
def test_a_wrong_wish_is_told(
    live_app: Flask, client: Client, session: Session, fan: User, work: Work, sign_in: Callable[..., Any], body: Any
) -> None:
    master = on_sale(live_app, session, work)
    sign_in(client, fan)
    wish = {"wallet": wallet(live_app, 1), "quantity": 1} | body
    assert client.post(f"/api/v2/masters/{master.id}/ipo/mint-intents", json=wish).status_code == 422


def buy(fan_id: Any, master: Master, address: str, quantity: int) -> tuple[int, int]:
    return permits.issue(fan_id, minting.purchase(db.session(), fan_id, master.id, address, quantity))


def test_a_permit_that_still_holds_counts(
    live_app: Flask, session: Session, fan: User, work: Work, chain: Chain
) -> None:
    master = on_sale(live_app, session, work, person_cap=3)
    fan_id = fan.id
    assert buy(fan_id, master, wallet(live_app, 1), 3)[0] == 3
    with pytest.raises(Conflict, match="under way"):
        buy(fan_id, master, wallet(live_app, 2), 1)
    chain.w3.provider.make_request("evm_increaseTime", [20 * 60])  # type: ignore[arg-type]
    assert buy(fan_id, master, wallet(live_app, 2), 1)[0] == 1


def test_of_two_wallets_at_once_one_gets_the_last_share(
    live_app: Flask, session: Session, fan: User, work: Work
) -> None:
    master = on_sale(live_app, session, work, person_cap=1)
    fan_id, outcomes = fan.id, list[str]()

    def go(index: int) -> None:
        with live_app.app_context():
            try:
                buy(fan_id, master, wallet(live_app, index), 1)
                outcomes.append("permit")
            except Conflict:
                outcomes.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=go, args=(index,)) for index in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["permit", "refused"]


def test_a_permit_is_no_use_to_another_wallet(
    live_app: Flask, session: Session, fan: User, work: Work, onchain: Node
) -> None:
    master = on_sale(live_app, session, work, person_cap=1)
    wanted = minting.purchase(db.session(), fan.id, master.id, wallet(live_app, 1), 1)
    data = permits.mint_data(fan.id, wanted)
    with pytest.raises(Reverted, match="bad permit"):
        onchain.call(wanted.shares_address, data, sender=wallet(live_app, 2))


def test_a_permit_that_lapsed_on_its_way_is_written_anew(
    live_app: Flask, session: Session, work: Work, fan: User, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = on_sale(live_app, session, work, total_supply=10)
    minting.request_mint(fan.id, master.id, wallet(live_app, 1), 2)
    written = permits.mint_data

    def slow(*arguments: Any) -> str:
        data = written(*arguments)
        monkeypatch.undo()
        chain.w3.provider.make_request("evm_increaseTime", [86_400])  # type: ignore[arg-type]
        return data

    monkeypatch.setattr(permits, "mint_data", slow)
    work()
    address = db.session().get_one(Master, master.id).contracts[0].contract_address
    answer = connect(live_app.config["SETTINGS"]).call(address, encode_call("MasterShares", "minted"))
    assert decode_result("MasterShares", "minted", answer)[0] == 2


def test_a_demo_wallet_with_too_little_is_told_and_nothing_is_tried_again(
    live_app: Flask, session: Session, fan: User, work: Work
) -> None:
    master = on_sale(live_app, session, work, currency="ETH", mint_price=10**25)
    name = minting.request_mint(fan.id, master.id, wallet(live_app, 1), 1)
    with pytest.raises(AssertionError, match="too little ETH"):
        work()
    asked = acts.find(db.session(), name)
    assert asked is not None
    assert (asked.failure, asked.tx_hash) == ("The wallet holds too little ETH for it.", None)
