"""The platform's own contracts, put on the chain once.

On the embedded chain the operator and the treasury are funded by the chain's well-known first account and a demo
stablecoin is made; elsewhere the operator's account is funded by people and the currencies are theirs. Every step is
a transaction with a purpose of its own, so that a second run, or two at once, only finds what is there. Addresses
follow from sender and nonce: the rows of `chain_transactions` are all that has to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from eth_hash.auto import keccak
from flask import Flask, current_app

from portal import faults, outbox
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import encode_call, encode_deploy
from portal.chain.client import current
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import Role, Signer
from portal.config import Settings
from portal.db import transaction
from portal.errors import Unavailable

PREFIX = "bootstrap:"
FUNDS = 10_000 * 10**18  # wei for each account that the embedded chain funds
COINS = 10**18  # smallest units of the demo stablecoin that the treasury starts with
FOLLOW_EVERY_SECONDS = 10
LAST_STEP = "Market"


@dataclass(frozen=True)
class Contracts:
    """0x addresses, lower-case. `stablecoin` is the currency that offers call USDC."""

    factory: str
    stablecoin: str
    market: str


def ensure(app: Flask) -> Contracts:
    """Put the contracts on the chain where they are missing, and the clock of the sender into the database.

    Raises Unavailable when the node is down, or when database and chain do not belong together.
    """
    with app.app_context():
        with transaction() as session:
            outbox.schedule(session, "follow_transactions", FOLLOW_EVERY_SECONDS)
        found = known() or _set_up(_settings())
        _must_have_code(found)
        return found


def contracts() -> Contracts:
    """The platform's contracts; on the embedded chain they are made where they are missing."""
    found = known()
    if found is None and not _settings().embedded:
        raise Unavailable("The contracts are not on the chain yet: run `flask chain-setup`.")
    return found or _set_up(_settings())


def known() -> Contracts | None:
    """The contracts as settings or database name them, without asking the node; None before the set-up is over."""
    settings = _settings()
    if settings.factory_address:
        return Contracts(
            settings.factory_address.lower(), settings.stablecoin_address.lower(), settings.market_address.lower()
        )
    made = {row.purpose.removeprefix(PREFIX): row for row in _rows(settings)}
    if LAST_STEP not in made or made[LAST_STEP].status not in (Status.SEEN, Status.CONFIRMED, Status.FINAL):
        return None
    stablecoin = settings.stablecoin_address.lower() or created_address(made["Stablecoin"])
    return Contracts(created_address(made["Factory"]), stablecoin, created_address(made[LAST_STEP]))


def created_address(row: ChainTransaction) -> str:
    """Where a creation puts its contract: the last 20 bytes of keccak(rlp(sender, nonce))."""
    from rlp.codec import encode as rlp_encode

    return "0x" + keccak(rlp_encode([bytes.fromhex(row.sender[2:]), row.nonce]))[-20:].hex()


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _rows(settings: Settings) -> list[ChainTransaction]:
    return sender.read(
        sa.select(ChainTransaction).where(
            ChainTransaction.purpose.startswith(PREFIX, autoescape=True),
            ChainTransaction.purpose.not_like("%#%"),
            ChainTransaction.chain_id == str(settings.chain_id),
        )
    )


def _must_have_code(found: Contracts) -> None:
    if len(current().code(found.factory)) <= 2:
        raise Unavailable(
            f"There is no factory at {found.factory}: this database and this chain do not belong together."
        )


# --- the steps --------------------------------------------------------------------------------------------


def _set_up(settings: Settings) -> Contracts:
    operator, treasury, permit = (signers.of_role(settings, role) for role in Role)
    if settings.embedded:
        for name, who in (("operator", operator), ("treasury", treasury)):
            _step(f"fund-{name}", Call(who.address, "0x", FUNDS), signers.of_dev_account(signers.FUNDER_INDEX))
    roles = (operator.address, treasury.address, permit.address)
    factory = _create("Factory", operator, roles)
    parts = [_create(name, operator, (factory,)) for name in ("MasterShares", "Dividends", "ArtistCoin")]
    stablecoin = settings.stablecoin_address.lower() or _demo_stablecoin(settings, operator, treasury.address)
    for step, function, arguments in _wiring(parts, stablecoin, treasury.address):
        _step(step, Call(factory, encode_call("Factory", function, arguments)), operator)
        faults.point("bootstrap-step")
    return Contracts(factory, stablecoin, _create(LAST_STEP, operator, (factory, settings.trading_fee_bps)))


def _wiring(parts: list[str], stablecoin: str, treasury: str) -> Iterator[tuple[str, str, list[object]]]:
    """Calls on the factory, in order."""
    yield "implementations", "setImplementations", [*parts]
    yield "currency", "setCurrency", [stablecoin, True]
    yield "depositor", "setDepositor", [treasury, True]


def _demo_stablecoin(settings: Settings, operator: Signer, treasury: str) -> str:
    """Made and given to the treasury: nobody wires money to an embedded chain, and its revenue is paid in coins."""
    if not settings.embedded:
        raise Unavailable("AUDIFI_STABLECOIN_ADDRESS is not set: name the token that offers call USDC.")
    coin = _create("Stablecoin", operator, ())
    _step("coins", Call(coin, encode_call("Stablecoin", "faucet", (treasury, COINS))), operator)
    return coin


def _create(contract: str, signer: Signer, arguments: tuple[str | int, ...]) -> str:
    return created_address(_step(contract, Call(None, encode_deploy(contract, arguments)), signer))


def _step(name: str, call: Call, signer: Signer) -> ChainTransaction:
    row = sender.send(PREFIX + name, call, signer)
    following.wait(row.purpose)
    return row
