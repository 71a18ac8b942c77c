"""Everybody at once on the last shares of a real chain: as many as there are get one, the others are told why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.service import link_wallet
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.client import Refused, Reverted
from portal.chain.reasons import helpful
from portal.chain.signer import FUNDER_INDEX, Signer
from portal.db import transaction
from portal.errors import Conflict
from portal.masters import intents
from portal.masters.intents import Unsigned
from tests import factories
from tests.masters.test_minting import on_sale

LEFT, PRICE, PURSE = 5, 10**15, 10**18


def signed(node: Node, signer: Signer, nonce: int, asked: Unsigned) -> tuple[str, str]:
    from eth_utils.address import to_checksum_address

    fees = node.fees()
    fields = {"type": 2, "chainId": asked.chain_id, "to": to_checksum_address(asked.to), "data": asked.data,
              "value": asked.value, "nonce": nonce, "gas": 400_000, "maxFeePerGas": 10 * fees.most,
              "maxPriorityFeePerGas": fees.tip}  # fmt: skip
    return signer.sign_transaction(fields)


def rush(node: Node, buyers: dict[str, tuple[Signer, Unsigned]]) -> None:
    """All signed before the first is sent; then all are sent at once."""
    ready = [signed(node, signer, 0, mint)[0] for signer, mint in buyers.values()]

    def send(raws: list[str]) -> None:
        for raw in raws:
            with suppress(Reverted, Refused):  # a node may say at once that it failed
                node.send_raw(raw)

    threads = [threading.Thread(target=send, args=(ready[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("count", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_the_last_five_shares_go_to_five(
    live_app: Flask, session: Session, contracts: Contracts, work: Callable[[], int], onchain: Node, count: int
) -> None:
    """Promise 8: exactly as many are minted as were left; who got none keeps his money and hears the reason."""
    master = on_sale(live_app, session, work, total_supply=LEFT, mint_price=PRICE, currency="ETH", person_cap=1)
    shares = master.contracts[0].contract_address
    giver, settings = signers.of_dev_account(FUNDER_INDEX), live_app.config["SETTINGS"]
    buyers: dict[str, tuple[Signer, Unsigned]] = {}
    first = onchain.nonce(giver.address)
    for number in range(count):
        signer = signers.LocalSigner((7_000 + number).to_bytes(32))
        onchain.send_raw(signed(onchain, giver, first + number, Unsigned(signer.address, "0x", PURSE, 31337))[0])
        person = factories.person(session).id
        with transaction() as inner:
            link_wallet(inner, person, signer.address, "31337", "Own")
        intent = intents.mint_intent(person, master.id, signer.address, 1, settings)
        buyers[signer.address] = (signer, intent.mint)
    rush(onchain, buyers)
    minted = onchain.call(shares, encode_call("MasterShares", "minted"))
    assert decode_result("MasterShares", "minted", minted) == (LEFT,)
    paid = [address for address in buyers if onchain.balance(address) <= PURSE - PRICE]
    assert len(paid) == LEFT
    assert onchain.balance(shares) == LEFT * PRICE
    for address in buyers.keys() - set(paid):
        with pytest.raises(Reverted) as refusal:
            onchain.call(shares, buyers[address][1].data, sender=address, value=PRICE)
        assert helpful(refusal.value.reason) in (
            "The sale was over or paused before your purchase arrived.",
            "Others were faster: fewer shares are left than you wanted.",
        )
    owners = {decode_result("MasterShares", "ownerOf", _owner(onchain, shares, n))[0] for n in range(1, LEFT + 1)}
    assert owners == set(paid)


def _owner(node: Node, shares: str, number: int) -> str:
    return node.call(shares, encode_call("MasterShares", "ownerOf", (number,)))


def test_no_way_around_the_cap(
    live_app: Flask, session: Session, contracts: Contracts, work: Callable[[], int], onchain: Node
) -> None:
    """Straight to the contract: without a permit, with a permit for more than it says, with somebody else's."""
    master = on_sale(live_app, session, work, total_supply=LEFT, mint_price=PRICE, currency="ETH", person_cap=1)
    shares, settings = master.contracts[0].contract_address, live_app.config["SETTINGS"]
    one, two = (signers.of_dev_account(index).address for index in (3, 4))
    person = factories.person(session).id
    with transaction() as inner:
        for address in (one, two):
            link_wallet(inner, person, address, "31337", "Own")
    good = intents.mint_intent(person, master.id, one, 1, settings).mint.data
    more = good[:10] + f"{2:064x}" + good[74:]
    wider = good[:74] + f"{2:064x}" + good[138:]
    for data, sender, words in (
        (encode_call("MasterShares", "mint", (1,)), one, "permit required"),
        (more, one, "over the allowance"),
        (wider, one, "bad permit"),
        (good, two, "bad permit"),
    ):
        with pytest.raises(Reverted, match=words):
            onchain.call(shares, data, sender=sender, value=2 * PRICE if data == more else PRICE)
    with pytest.raises(Conflict, match=r"under way|you may buy 0 more"):
        intents.mint_intent(person, master.id, two, 1, settings)
