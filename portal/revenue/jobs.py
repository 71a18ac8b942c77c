"""Work on the chain: the deposit of a revenue event, its settlement, and claims of demo wallets."""

from __future__ import annotations

import datetime as dt
import uuid

from flask import current_app

from portal import faults, outbox
from portal.audit.service import log_system_event
from portal.chain import bootstrap, following, sender
from portal.chain import signer as signers
from portal.chain.abi import NATIVE, encode_call
from portal.chain.client import Receipt, Reverted, current
from portal.chain.sender import Call
from portal.chain.signer import Role, Signer
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict
from portal.money import MAX_UNITS
from portal.queue import job
from portal.revenue import claims, distribution
from portal.revenue.distribution import Plan

LANDED = "deposited already"
"""What the contract answers to a reference that it has taken before: the money is there."""


@job("distribute_revenue")
def distribute_revenue(revenue_event_id: str) -> None:
    """Deposit a verified event's money: plan, send, note. May run any number of times, and stop anywhere."""
    plan = distribution.plan_distribution(uuid.UUID(revenue_event_id), _settings())
    if plan is None:
        return
    faults.point("distribute-planned")
    try:
        receipt = _deposit(plan, signers.of_role(_settings(), Role.TREASURY))
    except Reverted as error:
        if error.reason != LANDED:
            distribution.note_failure(plan, error.reason or error.detail)
        return
    faults.point("distribute-sent")
    distribution.note_deposit(plan, receipt.tx_hash, _time_of(receipt))


@job("settle_revenue")
def settle_revenue(revenue_event_id: str) -> None:
    """The indexer saw the deposit become final."""
    distribution.settle_revenue(uuid.UUID(revenue_event_id))


@job("claim_dividends")
def claim_dividends(name: str, user_id: str, wallet: str, master_ids: list[str] | None) -> None:
    """Sign and send a demo wallet's claim; a refusal of the chain ends it, and it may be asked for anew."""
    settings = _settings()
    chosen = None if master_ids is None else [uuid.UUID(one) for one in master_ids]
    signer = signers.demo_signers(settings).get(wallet)
    try:
        if sender.of_purpose(name) is None:
            lines = claims.claimable(db.session(), uuid.UUID(user_id), wallet, settings.chain_id, chosen)
            call = _claim_call(claims.intent(lines, wallet, bootstrap.contracts().factory, settings.chain_id))
            if signer is None:
                raise Conflict("This wallet signs for itself.")
            sender.send(name, call, signer)
        following.wait(name)
    except Conflict as error:
        with transaction() as session:
            log_system_event(session, "claim_failed", "revenue", name, success=False, error=error.detail)
            outbox.finish(session)


def deposit_purpose(event_id: uuid.UUID, attempt: int) -> str:
    """A deposit's name among our transactions; a failed one keeps its name and the next attempt has another."""
    return f"deposit:{event_id}" + ("" if attempt == 1 else f":{attempt}")


def deposit_call(plan: Plan, currency: str) -> Call:
    """`Dividends.deposit` for this plan; `currency` is the token's address or NATIVE."""
    reference = plan.event_id.bytes.rjust(32, b"\0")
    parts = [(part.wallet, part.amount) for part in plan.parts]
    data = encode_call("Dividends", "deposit", (reference, currency, plan.holders, parts))
    return Call(plan.address, data, plan.total if currency == NATIVE else 0)


def _deposit(plan: Plan, treasury: Signer) -> Receipt:
    """Send it and wait until it is mined. Raises Reverted when the contract refuses."""
    currency = NATIVE if plan.currency == "ETH" else bootstrap.contracts().stablecoin
    if currency != NATIVE:
        _approve(plan.address, currency, treasury)
        faults.point("distribute-approved")
    purpose = deposit_purpose(plan.event_id, plan.attempt)
    sender.send(purpose, deposit_call(plan, currency), treasury)
    return following.wait(purpose)


def _time_of(receipt: Receipt) -> dt.datetime | None:
    """When it was mined, by its block."""
    block = current().block(receipt.block_number)
    return dt.datetime.fromtimestamp(block.timestamp, dt.UTC) if block else None


def _approve(contract: str, token: str, treasury: Signer) -> None:
    """Let a master's contract take what the treasury deposits into it. Once: two deposits must not undo each other's,
    and the contract takes from nobody but the depositor who calls it. One that failed makes room for another try."""
    purpose = f"approve:{token}:{contract}"
    with transaction() as session:
        sender.retire(session, purpose)
    sender.send(purpose, Call(token, encode_call("Stablecoin", "approve", (contract, MAX_UNITS))), treasury)
    following.wait(purpose)


def _claim_call(intent: claims.Intent) -> Call:
    return Call(intent.to, intent.data)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
