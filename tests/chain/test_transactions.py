"""GET /transactions/{hash} and its page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from portal.chain import following, sender
from portal.chain.client import Client as Node
from portal.chain.sender import Call
from portal.chain.signer import of_dev_account
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
