"""GET /transactions/{hash} and its page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from eth_utils.address import to_checksum_address
from flask import Flask

from portal import faults
from portal.chain import following, sender
from portal.chain.abi import encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.client import Reverted
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import of_dev_account
from portal.db import transaction
from tests.chain_fixture import Chain
from tests.conftest import Client
from tests.onchain import as_worker

STRANGE = "0x" + "cd" * 32


@pytest.fixture
def paid(onchain: Node, live_app: Flask) -> str:
    with as_worker(live_app):
        sender.send("pay", Call("0x" + "ab" * 20, "0x", 7), of_dev_account(1))
        tx_hash = following.wait("pay").tx_hash
    return tx_hash


def asked(client: Client, tx_hash: str) -> Any:
    answer = client.get(f"/api/v2/transactions/{tx_hash}")
    assert answer.status_code == 200
    return answer.json


def test_it_counts_confirmations_until_it_is_final(client: Client, paid: str, chain: Chain) -> None:
    block = chain.w3.eth.get_transaction_receipt(paid)["blockNumber"]
    before = asked(client, paid)["confirmations"]
    chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
    after = asked(client, paid)
    assert (after["status"], after["block"]) == ("final", block)
    assert after["confirmations"] >= before + 5


def test_a_hash_that_nobody_knows(client: Client, onchain: Node) -> None:
    assert asked(client, STRANGE) == {"status": "unknown", "block": None, "confirmations": 0}
    page = client.get(f"/transactions/{STRANGE}").text
    assert "The chain does not know it" in page
    assert "do it again" in page
    assert client.get("/api/v2/transactions/0x12").status_code == 404


def test_without_a_node_our_own_rows_answer(client: Client, paid: str, live_app: Flask) -> None:
    live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], rpc_url="http://127.0.0.1:9")
    assert asked(client, paid)["status"] == "seen"
    assert asked(client, STRANGE)["status"] == "unknown"
    page = client.get(f"/transactions/{paid}")
    assert page.status_code == 200
    assert "does not answer right now" in page.text


def test_the_page_shows_steps(client: Client, paid: str) -> None:
    page = client.get(f"/transactions/{paid.upper().replace('0X', '0x')}").text
    assert "Seen in a block" in page
    assert paid in page


def test_a_replaced_one_leads_to_the_one_that_counts(
    client: Client, onchain: Node, live_app: Flask, chain: Chain
) -> None:
    chain.w3.provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
    try:
        with as_worker(live_app):
            old = sender.send("pay", Call("0x" + "ab" * 20, "0x", 7), of_dev_account(1))
            new = following.replace(old)
    finally:
        chain.w3.provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
    assert asked(client, old.tx_hash)["status"] == "replaced"
    assert f'href="/transactions/{new.tx_hash}"' in client.get(f"/transactions/{old.tx_hash}").text


@pytest.mark.parametrize("ours", [True, False])
def test_a_failed_one_tells_the_contracts_reason(
    client: Client, contracts: Contracts, live_app: Flask, onchain: Node, ours: bool
) -> None:
    """Ours, and a wallet's that no row of ours knows."""
    call = Call(contracts.stablecoin, encode_call("Stablecoin", "transfer", ("0x" + "ab" * 20, 1)), gas=100_000)
    with as_worker(live_app):
        row = sender.send("give", call, of_dev_account(1))
        with pytest.raises(Reverted):
            following.wait("give")
        if not ours:
            with transaction() as inner:
                inner.execute(sa.delete(ChainTransaction).where(ChainTransaction.purpose == "give"))
    assert asked(client, row.tx_hash)["status"] == "failed"
    page = client.get(f"/transactions/{row.tx_hash}").text
    assert "balance too low" in page
    assert "go back to the page where you started it" in page


def test_one_of_ours_that_the_chain_forgot_is_said_to_come_again(
    client: Client, onchain: Node, live_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "ARMED", "send-signed:raise")
    with as_worker(live_app), pytest.raises(faults.Fault):
        sender.send("pay", Call("0x" + "ab" * 20, "0x", 7), of_dev_account(1))
    with as_worker(live_app):
        row = sender.of_purpose("pay")
    assert row is not None
    assert asked(client, row.tx_hash)["status"] == "pending"
    assert "It is brought there again by itself" in client.get(f"/transactions/{row.tx_hash}").text
def test_a_transaction_that_was_overtaken_or_dropped_is_told_as_such(client: Client, paid: str, chain: Chain) -> None:
    """A wallet's own: the page knows whose place in which queue it had, and leads back to where it was prepared."""
    wallet = of_dev_account(1).address
    told = {"wallet": wallet, "nonce": "0", "next": "/masters/x"}
    overtaken = client.get(f"/transactions/{STRANGE}", query_string=told).text
    assert "Another transaction of this wallet took its place" in overtaken
    assert 'href="/masters/x"' in overtaken
    dropped = client.get(f"/transactions/{STRANGE}", query_string=told | {"nonce": "999"}).text
    assert "A dropped transaction has moved nothing" in dropped
    evil = client.get(f"/transactions/{STRANGE}", query_string=told | {"next": "//evil.example"}).text
    assert "evil.example" not in evil
    assert "/transactions/" + paid in client.get("/transactions", query_string={"hash": paid} | told).location


def test_a_wallets_own_failure_says_why(client: Client, onchain: Node, contracts: Contracts) -> None:
    """Nobody here sent it: the same call on the block before tells the contract's reason."""
    tx_hash = sent_anyway(onchain, contracts.market, encode_call("Market", "cancelOffer", (99,)))
    assert "The offer is gone" in client.get(f"/transactions/{tx_hash}").text


def sent_anyway(node: Node, to: str, data: str) -> str:
    """As wallets send what they are told to, without asking whether it will succeed; the hash."""
    signer, fees = of_dev_account(2), node.fees()
    what = {
        "to": to_checksum_address(to), "data": data, "value": 0, "gas": 200_000, "type": 2, "chainId": node.chain_id,
        "nonce": node.nonce(signer.address), "maxFeePerGas": fees.most, "maxPriorityFeePerGas": fees.tip,
    }  # fmt: skip
    return node.send_raw(signer.sign_transaction(what)[0])
