"""Wallets of fans: they sign for themselves, as a wallet in a browser does. Each transaction has a name and is sent
once; one that failed makes room for another try."""

from __future__ import annotations

from portal.chain import bootstrap, following, sender
from portal.chain.abi import encode_call
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.sender import Call
from portal.chain.signer import FUNDER_INDEX, Signer, of_demo_fan, of_dev_account
from portal.db import transaction
from portal.masters.intents import Unsigned
from portal.seed.field import Field

GAS_MONEY = 10**19
COINS = 10_000 * 10**6
ENOUGH_GAS = 500_000
"""For any call of a fan (at most 110,000 are used), so that the node need not work it out; the rest is not paid."""


def fund(field: Field) -> None:
    """Native coin for fees and coins of the demo stablecoin, for every fan."""
    giver, coin = of_dev_account(FUNDER_INDEX), bootstrap.contracts().stablecoin
    for number in range(1, field.plan.fans + 1):
        fan = of_demo_fan(number).address
        send(f"gas:{number}", Call(fan, "0x", GAS_MONEY, ENOUGH_GAS), giver)
        send(f"coins:{number}", Call(coin, encode_call("Stablecoin", "faucet", (fan, COINS)), 0, ENOUGH_GAS), giver)


def was_sent(name: str) -> bool:
    """Whether this transaction is under way or mined."""
    row = sender.of_purpose(_purpose(name))
    return row is not None and row.status is not Status.FAILED


def sign(name: str, asked: Unsigned, signer: Signer) -> None:
    """Send what a service prepared for the wallet's owner to sign."""
    send(name, Call(asked.to, asked.data, asked.value, ENOUGH_GAS), signer)


def send(name: str, call: Call, signer: Signer) -> None:
    """Send once and wait until it is mined."""
    with transaction() as session:
        sender.retire(session, _purpose(name))
    sender.send(_purpose(name), call, signer)
    following.wait(_purpose(name))


def resume(name: str) -> None:
    """Wait for what was sent by an earlier run, bringing it to the node again where it was lost."""
    following.wait(_purpose(name))


def _purpose(name: str) -> str:
    return f"seed:{name}"
