"""The sender against a node with a mempool of others' making: what waits there, is outbid, or is dropped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from eth_utils.address import to_checksum_address
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.chain import following, sender
from portal.chain.client import Client
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import of_dev_account
from portal.errors import Unavailable
from tests.anvil import Start, anvil
from tests.onchain import as_worker

__all__ = ["anvil"]
THERE = "0x" + "ab" * 20
PAYMENT = Call(THERE, "0x", 7)
SENDER = of_dev_account(1)


@pytest.fixture
def node(live_app: Flask, session: Session, anvil: Start) -> Iterator[Client]:
    """Nothing is mined unless asked for."""
    client = anvil()
    client.request("evm_setAutomine", [False])
    with as_worker(live_app):
        yield client


def statuses(session: Session) -> list[Status]:
    session.rollback()
    rows = session.execute(
        sa.select(ChainTransaction.status).order_by(ChainTransaction.nonce, ChainTransaction.created_at)
    )
    return [row.status for row in rows]


def by_hand(nonce: int, value: int, fee: int) -> str:
    """The same account's transaction, signed past the portal."""
    fields = {"type": 2, "chainId": 31337, "nonce": nonce, "to": to_checksum_address(THERE), "value": value}
    fees = {"data": "0x", "gas": 21_000, "maxFeePerGas": fee, "maxPriorityFeePerGas": fee}
    raw, _ = SENDER.sign_transaction(fields | fees)
    return raw


def test_it_waits_until_it_is_mined_and_becomes_final(session: Session, node: Client) -> None:
    sender.send("pay", PAYMENT, SENDER)
    following.follow()
    assert statuses(session) == [Status.SENT]
    for status in (Status.SEEN, Status.CONFIRMED, Status.FINAL):
        node.request("evm_mine")
        following.follow()
        assert statuses(session) == [status]


def test_a_replacement_is_taken_and_the_outbid_one_never_pays(session: Session, node: Client) -> None:
    old = sender.send("pay", PAYMENT, SENDER)
    new = following.replace(old)
    assert not node.knows(old.tx_hash)
    node.request("evm_mine")
    assert following.wait("pay").tx_hash == new.tx_hash
    assert statuses(session) == [Status.REPLACED, Status.SEEN]
    assert node.balance(THERE) == 7


def test_an_underpriced_one_is_told_as_not_taken(
    session: Session, node: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "ARMED", "send-signed:raise")
    with pytest.raises(faults.Fault):
        sender.send("pay", PAYMENT, SENDER)
    monkeypatch.setattr(faults, "ARMED", "")
    node.send_raw(by_hand(0, 1, 500 * 10**9))
    with pytest.raises(Unavailable, match="underpriced"):
        sender.send("pay", PAYMENT, SENDER)
    assert statuses(session) == [Status.SIGNED]
    assert node.balance(THERE) == 0


def test_fees_that_rose_before_it_left_do_not_block_the_account(
    session: Session, node: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "ARMED", "send-signed:raise")
    with pytest.raises(faults.Fault):
        sender.send("pay", PAYMENT, SENDER)
    monkeypatch.setattr(faults, "ARMED", "")
    node.request("anvil_setNextBlockBaseFeePerGas", [hex(100 * 10**9)])
    node.request("evm_mine")
    following.follow()
    assert statuses(session) == [Status.SIGNED]
    monkeypatch.setattr(following, "STUCK_SECONDS", 0)
    following.follow()
    node.request("evm_mine")
    assert following.wait("pay").succeeded
    assert node.balance(THERE) == 7


def test_a_gap_of_nonces_is_closed_by_what_the_node_forgot(session: Session, node: Client) -> None:
    sender.send("first", PAYMENT, SENDER)
    node.request("anvil_dropAllTransactions")
    sender.send("second", PAYMENT, SENDER)
    node.request("evm_mine")
    following.follow()
    assert statuses(session) == [Status.SEEN, Status.SEEN]
    assert node.balance(THERE) == 14


def test_one_that_the_node_dropped_is_brought_again(session: Session, node: Client) -> None:
    row = sender.send("pay", PAYMENT, SENDER)
    node.request("anvil_dropTransaction", [row.tx_hash])
    assert not node.knows(row.tx_hash)
    following.follow()
    assert node.knows(row.tx_hash)
    node.request("evm_mine")
    assert following.wait("pay").tx_hash == row.tx_hash


def test_one_that_a_reorg_took_away_pays_once(session: Session, node: Client) -> None:
    row = sender.send("pay", PAYMENT, SENDER)
    node.request("evm_mine")
    following.follow()
    node.request("anvil_reorg", [1, []])
    assert node.balance(THERE) == 0
    following.follow()
    assert statuses(session) == [Status.SENT]
    node.request("evm_mine")
    assert following.wait("pay").tx_hash == row.tx_hash
    assert node.balance(THERE) == 7
