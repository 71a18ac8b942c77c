"""Sending once, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from eth_utils.address import to_checksum_address
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import encode_call, encode_deploy
from portal.chain.bootstrap import created_address
from portal.chain.client import Client, Reverted
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import of_dev_account
from portal.db import transaction
from portal.errors import Conflict
from tests.chain_fixture import Chain
from tests.onchain import as_worker

THERE = "0x" + "ab" * 20
PAYMENT = Call(THERE, "0x", 7)
SENDER = of_dev_account(1)


@pytest.fixture(autouse=True)
def _as_worker(onchain: Client, live_app: Flask) -> Iterator[None]:
    with as_worker(live_app):
        yield


def rows(session: Session) -> list[ChainTransaction]:
    session.rollback()
    return list(session.scalars(sa.select(ChainTransaction).order_by(ChainTransaction.nonce)))


def ask(chain: Chain, method: str, *params: object) -> object:
    return chain.w3.provider.make_request(method, list(params))["result"]  # type: ignore[arg-type]


def fail_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
    with pytest.raises(faults.Fault):
        sender.send("pay", PAYMENT, SENDER)
    monkeypatch.setattr(faults, "ARMED", "")


def test_a_purpose_is_sent_once(session: Session, onchain: Client) -> None:
    first, second = (sender.send("pay", PAYMENT, SENDER) for _ in range(2))
    assert first.tx_hash == second.tx_hash == following.wait("pay").tx_hash
    assert onchain.balance(THERE) == 7
    assert len(rows(session)) == 1


@pytest.mark.parametrize("point", ["send-signed", "send-broadcast"])
def test_dying_in_between_pays_once(
    session: Session,
    onchain: Client,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    fail_at(monkeypatch, point)
    raw = rows(session)[0].raw
    sender.send("pay", PAYMENT, SENDER)
    following.wait("pay")
    assert onchain.balance(THERE) == 7
    assert [row.raw for row in rows(session)] == [raw]


def test_a_later_one_brings_the_forgotten_one_along(
    session: Session,
    onchain: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_at(monkeypatch, "send-signed")
    sender.send("more", PAYMENT, SENDER)
    following.wait("more")
    assert onchain.balance(THERE) == 14
    assert [row.nonce for row in rows(session)] == [0, 1]


def test_many_at_once_take_nonces_without_a_gap(live_app: Flask, session: Session, onchain: Client) -> None:
    def pay(number: int) -> None:
        with live_app.app_context():
            sender.send(f"pay:{number}", PAYMENT, SENDER)

    threads = [threading.Thread(target=pay, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    following.follow()
    assert [row.nonce for row in rows(session)] == list(range(8))
    assert onchain.balance(THERE) == 56


def test_what_would_fail_is_not_signed(session: Session) -> None:
    coin = _stablecoin()
    call = Call(coin, encode_call("Stablecoin", "transfer", (THERE, 1)))
    with pytest.raises(Reverted, match="balance too low"):
        sender.send("give", call, SENDER)
    assert [row.purpose for row in rows(session)] == ["coin"]


def test_a_failure_on_chain_is_told_with_its_reason_and_may_be_tried_again(session: Session) -> None:
    coin = _stablecoin()
    call = Call(coin, encode_call("Stablecoin", "transfer", (THERE, 1)), gas=100_000)
    sender.send("give", call, SENDER)
    with pytest.raises(Reverted, match="balance too low"):
        following.wait("give")
    assert sender.send("give", call, SENDER).status is Status.FAILED
    sender.send("faucet", Call(coin, encode_call("Stablecoin", "faucet", (SENDER.address, 1))), SENDER)
    with transaction() as inner:
        sender.retire(inner, "give")
    sender.send("give", call, SENDER)
    assert following.wait("give").succeeded


def test_a_guard_stops_it_before_anything_is_kept(session: Session) -> None:
    def refuse(_session: Session) -> None:
        raise Conflict("The offer was taken back.")

    with pytest.raises(Conflict, match="taken back"):
        sender.send("pay", PAYMENT, SENDER, refuse)
    assert rows(session) == []


def test_it_becomes_final_with_the_blocks(session: Session, chain: Chain) -> None:
    sender.send("pay", PAYMENT, SENDER)
    following.wait("pay")
    ask(chain, "hardhat_mine", 5)
    following.follow()
    assert rows(session)[0].status is Status.FINAL


def test_an_account_with_many_keeps_no_other_waiting(session: Session, chain: Chain) -> None:
    first, second = sorted((of_dev_account(1), of_dev_account(2)), key=lambda one: one.address)
    for number in range(3):
        sender.send(f"pay:{number}", PAYMENT, first)
    sender.send("other", PAYMENT, second)
    ask(chain, "hardhat_mine", 5)
    assert following.follow(limit=2) == 2
    final = {row.purpose for row in rows(session) if row.status is Status.FINAL}
    assert final == {"pay:0", "other"}


def test_one_that_a_reorg_took_away_is_sent_again(session: Session, chain: Chain, onchain: Client) -> None:
    before = ask(chain, "evm_snapshot")
    sender.send("pay", PAYMENT, SENDER)
    tx_hash = following.wait("pay").tx_hash
    ask(chain, "evm_revert", before)
    assert onchain.receipt(tx_hash) is None
    following.follow()
    assert following.wait("pay").tx_hash == tx_hash


def test_a_stuck_one_is_replaced_by_one_that_pays_an_eighth_more(session: Session, chain: Chain) -> None:
    ask(chain, "evm_setAutomine", False)
    try:
        old = sender.send("pay", PAYMENT, SENDER)
        new = following.replace(old)
    finally:
        ask(chain, "evm_setAutomine", True)
    assert new.nonce == old.nonce
    assert new.max_fee_per_gas * 1000 >= old.max_fee_per_gas * 1125
    assert new.max_priority_fee_per_gas * 1000 >= old.max_priority_fee_per_gas * 1125
    ask(chain, "evm_mine")
    assert following.wait("pay").tx_hash == new.tx_hash
    assert {row.tx_hash: row.status for row in rows(session)} == {
        old.tx_hash: Status.REPLACED,
        new.tx_hash: Status.SEEN,
    }


def test_where_the_earlier_version_was_mined_it_counts(
    session: Session, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(chain, "evm_setAutomine", False)
    try:
        old = sender.send("pay", PAYMENT, SENDER)
        monkeypatch.setattr(faults, "ARMED", "replace-signed:raise")
        with pytest.raises(faults.Fault):
            following.replace(old)
        monkeypatch.setattr(faults, "ARMED", "")
    finally:
        ask(chain, "evm_setAutomine", True)
    ask(chain, "evm_mine")
    assert following.wait("pay").tx_hash == old.tx_hash
    assert {row.purpose: row.status for row in rows(session) if row.tx_hash == old.tx_hash} == {"pay": Status.SEEN}


@pytest.mark.parametrize("mined", ["earlier", "later"])
def test_two_who_see_that_at_once_keep_its_purpose(
    session: Session, chain: Chain, onchain: Client, monkeypatch: pytest.MonkeyPatch, mined: str
) -> None:
    ask(chain, "evm_setAutomine", False)
    try:
        old = sender.send("pay", PAYMENT, SENDER)
        monkeypatch.setattr(faults, "ARMED", "replace-signed:raise" if mined == "earlier" else "")
        with suppress(faults.Fault):
            following.replace(old)
        monkeypatch.setattr(faults, "ARMED", "")
    finally:
        ask(chain, "evm_setAutomine", True)
    ask(chain, "evm_mine")
    first, second = (sender.of_purpose("pay") for _ in range(2))
    for each in (first, second, old):
        assert each is not None
        assert following.refresh(each).status is Status.SEEN
    assert sender.send("pay", PAYMENT, SENDER).status is Status.SEEN
    assert onchain.balance(THERE) == 7


def test_a_nonce_that_somebody_else_used_frees_the_purpose(
    session: Session,
    chain: Chain,
    onchain: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_at(monkeypatch, "send-signed")
    fields = {
        "type": 2,
        "chainId": 31337,
        "nonce": 0,
        "to": to_checksum_address(THERE),
        "value": 1,
        "data": "0x",
        "gas": 21_000,
    }
    raw, _ = SENDER.sign_transaction(fields | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9})
    onchain.send_raw(raw)
    with pytest.raises(Reverted, match="nonce was used"):
        sender.send("pay", PAYMENT, SENDER)
    with transaction() as inner:
        sender.retire(inner, "pay")
    sender.send("pay", PAYMENT, SENDER)
    following.wait("pay")
    assert onchain.balance(THERE) == 8


def test_keys_lie_encrypted_for_their_owner_alone(live_app: Flask) -> None:
    settings = live_app.config["SETTINGS"]
    signer = signers.of_role(settings, signers.Role.PERMIT)
    file = settings.data_dir / "keystore" / "permit.json"
    assert file.stat().st_mode & 0o077 == 0
    assert '"ciphertext"' in file.read_text()
    signers._opened.cache_clear()
    signers._kept_secret.cache_clear()
    assert signers.of_role(settings, signers.Role.PERMIT).address == signer.address


def _stablecoin() -> str:
    row = sender.send("coin", Call(None, encode_deploy("Stablecoin")), SENDER)
    following.wait("coin")
    return created_address(row)
