"""Handing back and trading shares with a demo wallet."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app

from portal import faults, outbox
from portal.audit.service import log_system_event
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import encode_call
from portal.chain.client import Reverted
from portal.chain.reasons import helpful
from portal.chain.sender import Call
from portal.chain.signer import Signer
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict, Invalid, NotFound
from portal.masters import launch
from portal.masters import queries as masters
from portal.masters.intents import Unsigned
from portal.nfts import orders, refunds, venue
from portal.nfts.venue import Needs
from portal.nfts.wishes import Act, Wish
from portal.queue import job


@job("refund_shares")
def refund_shares(name: str, user_id: str, master_id: str, wallet: str, numbers: list[int]) -> None:
    """Burn the shares for their price. May run twice, and stop anywhere; a refusal of the chain ends it."""
    settings: Settings = current_app.config["SETTINGS"]
    contract = masters.contract_of(db.session(), uuid.UUID(master_id), str(settings.chain_id))
    if contract is None or contract.master.ipo is None:
        raise NotFound
    offer, shares = contract.master.ipo.id, contract.contract_address
    signer = signers.demo_signers(settings).get(wallet)
    try:
        if signer is None:
            raise Conflict("This wallet signs for itself.")
        with transaction() as session:
            sender.retire(session, name)
        sender.send(name, Call(shares, refunds.call_data(numbers)), signer)
        faults.point("refund-sent")
        following.wait(name)
    except Conflict as error:
        reason = error.reason or error.detail if isinstance(error, Reverted) else error.detail
        launch.note_failure(offer, name, reason)


@job("trade")
def trade(name: str, user_id: str, wish: dict[str, Any], wallet: str, **_told: Any) -> None:
    """Sign an act on the market with a demo wallet: leave first, then the act. May run twice, and stop anywhere."""
    settings: Settings = current_app.config["SETTINGS"]
    signer = signers.demo_signers(settings).get(wallet)
    try:
        if signer is None:
            raise Conflict("This wallet signs for itself.")
        if sender.of_purpose(name) is None:
            _sign_all(name, uuid.UUID(user_id), Wish.of_payload(wish), signer, settings)
        following.wait(name)
    except (Conflict, NotFound, Invalid) as error:
        reason = helpful(error.reason or error.detail) if isinstance(error, Reverted) else error.detail
        with transaction() as session:
            log_system_event(session, "trade_failed", "market", name, success=False, error=reason)
            outbox.give_up(session, name, reason)


def _sign_all(name: str, user_id: uuid.UUID, wish: Wish, signer: Signer, settings: Settings) -> None:
    _fund(name, wish, signer, settings)
    *before, (_, act) = orders.prepare(user_id, wish, settings).transactions
    for step, one in before:
        _send(f"{name}:{step}", one, signer)
        following.wait(f"{name}:{step}")
    faults.point("trade-approved")
    _send(name, act, signer)
    faults.point("trade-sent")


def _fund(name: str, wish: Wish, signer: Signer, settings: Settings) -> None:
    """Coins from the development chain's faucet, where a demo wallet has too few of them."""
    if wish.act not in (Act.BUY, Act.OFFER) or wish.currency != "USDC":
        return
    place = venue.known(settings)
    lacks = venue.missing(place, Needs(signer.address, pays=(wish.currency, wish.price)))
    if lacks:
        data = encode_call("Stablecoin", "faucet", (signer.address, lacks))
        sender.send(f"{name}:faucet", Call(place.coins[wish.currency], data), signer)
        following.wait(f"{name}:faucet")


def _send(purpose: str, unsigned: Unsigned, signer: Signer) -> None:
    sender.send(purpose, Call(unsigned.to, unsigned.data, unsigned.value), signer)
