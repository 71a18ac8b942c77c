"""Handing back shares with a demo wallet."""

from __future__ import annotations

import uuid

from flask import current_app

from portal import faults
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.client import Reverted
from portal.chain.sender import Call
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict, NotFound
from portal.masters import launch
from portal.masters import queries as masters
from portal.nfts import refunds
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
