"""How far our transactions have come: sent, seen, confirmed (safe), final (finalized), failed or replaced.

One that was seen and is gone again (a reorg) is brought to the node again; one that waits too long at the front of
its account's queue, taken by the node or not, is replaced by one that pays more.
"""

from __future__ import annotations

import logging
import time

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal import faults
from portal.chain import limits
from portal.chain import signer as signers
from portal.chain.client import Client, Fees, Receipt, Reverted, current
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.sender import (
    Call,
    broadcast,
    lock_account,
    move,
    of_purpose,
    read,
    retired_name,
    rivals,
    signed,
)
from portal.db import db, transaction
from portal.errors import DomainError, Unavailable, Waiting

log = logging.getLogger(__name__)

BUMP_PER_MILLE = 1125
POLL_SECONDS = 0.2
STUCK_SECONDS = 180
UNFINISHED = (Status.SIGNED, Status.SENT, Status.SEEN, Status.CONFIRMED)
REACHED = {status: place for place, status in enumerate((*UNFINISHED, Status.FINAL))}


class StillWaiting(Waiting):
    """The transaction is on its way; asking again later helps."""


def wait(purpose: str, until: Status = Status.SEEN, seconds: float = 20.0) -> Receipt:
    """The receipt, once the transaction of this purpose has come as far as `until`.

    Raises Reverted when it failed, StillWaiting when the time is over.
    """
    end = time.monotonic() + seconds
    while True:
        receipt = _arrived(purpose, until)
        if receipt is not None:
            return receipt
        if time.monotonic() > end:
            raise StillWaiting("The transaction is sent and waits for the chain.")
        time.sleep(POLL_SECONDS)


def _arrived(purpose: str, until: Status) -> Receipt | None:
    row = of_purpose(purpose)
    if row is None:
        raise Unavailable("There is no such transaction.")
    row = refresh(row)
    if row.status is Status.FAILED:
        raise Reverted(row.error or "")
    return current().receipt(row.tx_hash) if REACHED[row.status] >= REACHED[until] else None


def refresh(row: ChainTransaction) -> ChainTransaction:
    """Ask the chain how far a detached row has come, and write it down. Returns the version that counts now.

    A failure counts as soon as it is seen: every call that we send may fail and be sent anew without harm, because
    the contracts refuse a second time (same key, same reference).
    """
    if row.status not in UNFINISHED:
        return row
    client = current()
    mined = _mined(client, row)
    if mined is None:
        _bring_again(client, row)
        return row
    winner, receipt = mined
    if winner.id != row.id:
        row = _crown(winner, row)
    if receipt.succeeded:
        move(row, _depth(client, receipt.block_number), block=receipt.block_number)
    else:
        block = receipt.block_number
        why = client.why(row.to_address or "", row.data, block, row.sender, row.value)
        move(row, Status.FAILED, block=block, error=why)
    return row


def _mined(client: Client, row: ChainTransaction) -> tuple[ChainTransaction, Receipt] | None:
    """Of the versions that share this nonce, the one that was mined."""
    for version in (row, *rivals(row)):
        receipt = client.receipt(version.tx_hash)
        if receipt is not None:
            return version, receipt
    return None


def _bring_again(client: Client, row: ChainTransaction) -> None:
    if row.status in (Status.SEEN, Status.CONFIRMED):
        move(row, Status.SENT)
    if not client.knows(row.tx_hash):
        broadcast(row)


def _depth(client: Client, block: int) -> Status:
    if block <= client.height("finalized"):
        return Status.FINAL
    return Status.CONFIRMED if block <= client.height("safe") else Status.SEEN


def doubt(session: Session, chain_id: str, above: int) -> int:
    """Of a chain that lost its blocks above this one, nothing up there is final: those of ours are followed anew, and
    brought to the node again where it lacks them. Inside the caller's transaction; returns how many there are."""
    t = ChainTransaction
    lost = sa.update(t).where(t.chain_id == chain_id, t.status == Status.FINAL, t.block_number > above)
    return len(session.execute(lost.values(status=Status.CONFIRMED).returning(t.id)).all())


# --- replacing --------------------------------------------------------------------------------------------


def bumped(fee: int) -> int:
    """The least fee that nodes take in place of `fee`: 12.5 % more, rounded up."""
    return -(-fee * BUMP_PER_MILLE // 1000)


def replace(row: ChainTransaction) -> ChainTransaction:
    """Sign the same call for the same nonce with at least 12.5 % more on both fees, and send that.

    Raises SpendingLimit where the day has no room for the difference: the one that was sent goes on waiting.
    """
    client = current()
    signer, fees = signers.of_address(current_app.config["SETTINGS"], row.sender), client.fees()
    with transaction() as session:
        lock_account(session, row.chain_id, row.sender)
        old = session.get_one(ChainTransaction, row.id, populate_existing=True)
        if old.status not in (Status.SIGNED, Status.SENT):
            return row
        most, tip = bumped(old.max_fee_per_gas), bumped(old.max_priority_fee_per_gas)
        raised = Fees(max(most, fees.most), max(tip, fees.tip))
        more = old.gas * (raised.most - old.max_fee_per_gas)
        limits.hold(session, current_app.config["SETTINGS"], signer.role, row.chain_id, row.sender, more)
        call = Call(old.to_address, old.data, old.value)
        new = signed(old.purpose, old.chain_id, old.nonce, call, old.gas, raised, signer)
        old.purpose, old.status = retired_name(old), Status.REPLACED
        session.flush()
        session.add(new)
        session.flush()
        _hand_over(old, new)
    db.session.expunge(new)
    faults.point("replace-signed")
    broadcast(new)
    return new


def _crown(winner: ChainTransaction, loser: ChainTransaction) -> ChainTransaction:
    """An earlier version was mined after all: it takes the purpose back, the later one counts as replaced.

    Where another process has done so, or `loser` was replaced by the winner itself, that one is returned as it is.
    """
    with transaction() as session:
        lock_account(session, loser.chain_id, loser.sender)
        won = session.get_one(ChainTransaction, winner.id, populate_existing=True)
        if won.status is Status.REPLACED:
            lost = session.get_one(ChainTransaction, won.replaced_by, populate_existing=True)
            purpose = lost.purpose
            lost.purpose, lost.status = retired_name(lost), Status.REPLACED
            session.flush()
            won.purpose, won.status, won.replaced_by = purpose, Status.SENT, None
            session.flush()
            _hand_over(lost, won)
    db.session.expunge(won)
    return won


def _hand_over(old: ChainTransaction, new: ChainTransaction) -> None:
    """All earlier versions point at the one that counts."""
    session = db.session()
    session.execute(
        sa.update(ChainTransaction).where(ChainTransaction.replaced_by == old.id).values(replaced_by=new.id)
    )
    old.replaced_by = new.id
    session.flush()


# --- the periodic round -----------------------------------------------------------------------------------


def follow(limit: int = 200) -> int:
    """Bring unfinished transactions up to date, at most `limit` of them; returns how many there were.

    Every account's lowest nonces come first: what is behind them waits for them anyway, and an account that is jammed
    keeps no other waiting. Trouble with one does not keep the others. Raises Unavailable when the node is down.
    """
    chain_id = str(current().chain_id)
    current().block_number()
    t = ChainTransaction
    place = sa.func.row_number().over(partition_by=t.sender, order_by=t.nonce)
    waiting = sa.select(t).where(t.status.in_(UNFINISHED), t.chain_id == chain_id)
    rows = read(waiting.order_by(place, t.created_at, t.id).limit(limit))
    for row in rows:
        try:
            _follow(row)
        except DomainError as error:
            log.warning("a transaction could not be followed", extra={"tx": row.tx_hash, "why": error.detail})
    return len(rows)


def _follow(row: ChainTransaction) -> None:
    waited = time.time() - row.created_at.timestamp()
    try:
        row = refresh(row)
    except Unavailable:
        if not _too_cheap(row):
            raise
    waits = row.status in (Status.SIGNED, Status.SENT)
    if waits and waited > STUCK_SECONDS and current().nonce(row.sender) == row.nonce:
        replace(row)


def _too_cheap(row: ChainTransaction) -> bool:
    """Fees have risen above what it offers since it was signed: nodes may refuse it, and never mine it."""
    return row.max_fee_per_gas < current().head().base_fee
