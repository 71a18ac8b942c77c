"""Sending so that a crash between any two lines sends nothing twice and loses nothing.

A transaction is signed first, so its hash is known; its row (one per `purpose`, one per nonce) is committed before
anything leaves this process. From then on only the same bytes go out, or a replacement that pays at least 12.5 %
more for the same nonce, with every hash on record (`following`). What the node answers to a broadcast is not
believed: whether the transaction is there is asked by its hash. No function here is for the inside of a command:
each opens transactions of its own, and none is open while the node is asked. Rows come back detached.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal import faults
from portal.chain import limits
from portal.chain.client import Client, Fees, Refused, Reverted, current
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.signer import Signer
from portal.db import db, explain, transaction
from portal.errors import Conflict, DomainError, Unavailable

log = logging.getLogger(__name__)

SPARE_GAS_PERCENT = 25
Guard = Callable[[Session], None]

POOR = "The wallet holds too little ETH for it."

explain("uq_chain_transactions_purpose", lambda: Conflict("This is being sent already."))


class TooPoor(Conflict):
    """A person's wallet cannot pay the call and its fee."""


@dataclass(frozen=True)
class Call:
    """What to send: `to` is None for a creation, `data` 0x calldata, `value` wei, `gas` None for an estimate."""

    to: str | None
    data: str
    value: int = 0
    gas: int | None = None


def send(purpose: str, call: Call, signer: Signer, guard: Guard | None = None) -> ChainTransaction:
    """Send `call` once for this `purpose`; a second time only brings the same bytes to the node again.

    `guard` runs inside the transaction that commits the signed row and may raise to stop it. Raises Reverted when
    the call would fail (nothing is kept), TooMuchGas, TooPoor, SpendingLimit, Unavailable when the node does not
    answer. A row that failed is returned as it is: `retire` makes room for another try.
    """
    row = of_purpose(purpose) or _prepare(purpose, call, signer, guard)
    faults.point("send-signed")
    if row.status in (Status.SIGNED, Status.SENT):
        broadcast(row)
        faults.point("send-broadcast")
    return row


def of_purpose(purpose: str) -> ChainTransaction | None:
    """The transaction that stands for this purpose now."""
    rows = read(sa.select(ChainTransaction).where(ChainTransaction.purpose == purpose))
    return rows[0] if rows else None


def retire(session: Session, purpose: str) -> None:
    """Let a failed transaction's purpose be sent anew; inside the caller's transaction."""
    row = session.scalars(
        sa.select(ChainTransaction).where(ChainTransaction.purpose == purpose, ChainTransaction.status == Status.FAILED)
    ).one_or_none()
    if row is not None:
        row.purpose = retired_name(row)
        session.flush()


def retired_name(row: ChainTransaction) -> str:
    """What a row is called that no longer stands for its purpose."""
    return f"{row.purpose}#{row.tx_hash[2:10]}"


# --- signing ----------------------------------------------------------------------------------------------


def _prepare(purpose: str, call: Call, signer: Signer, guard: Guard | None) -> ChainTransaction:
    """Ask the node what is needed, then take the next nonce and commit the signed transaction."""
    client = current()
    gas = call.gas or _with_spare(_estimate(client, call, signer))
    limits.must_fit(purpose, gas)
    fees, mined = client.fees(), client.nonce(signer.address)
    if signer.role is None and client.balance(signer.address) < gas * fees.most + call.value:
        raise TooPoor(POOR)
    try:
        with transaction() as session:
            if guard is not None:
                guard(session)
            row = _commit(session, purpose, call, gas, fees, mined, signer)
    except limits.SpendingLimit:
        limits.tell_reached(current_app.config["SETTINGS"], signer.role)
        raise
    db.session.expunge(row)
    return row


def _estimate(client: Client, call: Call, signer: Signer) -> int:
    """Raises TooPoor for a person's wallet; the platform's own accounts wait until somebody fills them."""
    try:
        return client.estimate_gas(signer.address, call.to, call.data, call.value)
    except Refused as error:
        if signer.role is None and "insufficient" in error.message.lower():
            raise TooPoor(POOR) from error
        raise


def _commit(
    session: Session, purpose: str, call: Call, gas: int, fees: Fees, mined: int, signer: Signer
) -> ChainTransaction:
    """The row of this purpose, under the account's lock: the one that is there, or one with the next nonce."""
    chain_id = str(current().chain_id)
    lock_account(session, chain_id, signer.address)
    row = session.scalars(sa.select(ChainTransaction).where(ChainTransaction.purpose == purpose)).one_or_none()
    if row is None:
        cost = gas * fees.most + call.value
        limits.hold(session, current_app.config["SETTINGS"], signer.role, chain_id, signer.address, cost)
        nonce = _next_nonce(session, chain_id, signer.address, mined)
        row = signed(purpose, chain_id, nonce, call, gas, fees, signer)
        faults.point("send-unsaved")
        session.add(row)
        session.flush()
        faults.point("send-uncommitted")
    return row


def signed(
    purpose: str, chain_id: str, nonce: int, call: Call, gas: int, fees: Fees, signer: Signer
) -> ChainTransaction:
    """A new row with its signature; not yet in a session."""
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": int(chain_id),
        "nonce": nonce,
        "value": call.value,
        "data": call.data,
        "gas": gas,
        "maxFeePerGas": fees.most,
        "maxPriorityFeePerGas": fees.tip,
    }
    if call.to is not None:
        from eth_utils.address import to_checksum_address

        fields["to"] = to_checksum_address(call.to)
    raw, tx_hash = signer.sign_transaction(fields)
    return ChainTransaction(
        id=uuid.uuid4(),
        chain_id=chain_id,
        sender=signer.address,
        nonce=nonce,
        purpose=purpose,
        to_address=call.to.lower() if call.to else None,
        data=call.data,
        value=call.value,
        gas=gas,
        max_fee_per_gas=fees.most,
        max_priority_fee_per_gas=fees.tip,
        raw=raw,
        tx_hash=tx_hash,
        status=Status.SIGNED,
    )


def lock_account(session: Session, chain_id: str, sender: str) -> None:
    """One signature at a time for an account, in all processes, also before its first row is there to be locked.

    The unique index on the nonce would refuse a second one; this makes it wait instead.
    """
    key = sa.func.hashtextextended(f"nonce:{chain_id}:{sender}", 0)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _with_spare(gas: int) -> int:
    """Others may come first and make ours dearer; gas that is not used is not paid."""
    return gas + gas * SPARE_GAS_PERCENT // 100


def _next_nonce(session: Session, chain_id: str, sender: str, mined: int) -> int:
    """After our last one, or after what the chain knows where somebody else used the account."""
    last = session.scalar(
        sa.select(sa.func.max(ChainTransaction.nonce)).where(
            ChainTransaction.chain_id == chain_id, ChainTransaction.sender == sender
        )
    )
    return max(mined, 0 if last is None else last + 1)


# --- broadcasting -----------------------------------------------------------------------------------------


def broadcast(row: ChainTransaction) -> None:
    """Bring the row's bytes to the node, and before them those of earlier nonces that it may have missed.

    Raises Unavailable when the node has the transaction neither waiting nor mined afterwards, Reverted when its
    nonce is gone to another transaction.
    """
    client = current()
    for waiting in _waiting_before(row, client.nonce(row.sender)):
        _deliver(client, waiting)
    _deliver(client, row)


def _waiting_before(row: ChainTransaction, mined: int) -> list[ChainTransaction]:
    return read(
        sa.select(ChainTransaction)
        .where(
            ChainTransaction.chain_id == row.chain_id,
            ChainTransaction.sender == row.sender,
            ChainTransaction.status.in_((Status.SIGNED, Status.SENT)),
            ChainTransaction.nonce >= mined,
            ChainTransaction.nonce < row.nonce,
        )
        .order_by(ChainTransaction.nonce)
    )


def _deliver(client: Client, row: ChainTransaction) -> None:
    """Send the bytes; an error means: look for my hash."""
    try:
        client.send_raw(row.raw)
        faults.point("send-delivered")
    except (Refused, Reverted) as error:
        if not client.knows(row.tx_hash) and not _rival_mined(client, row):
            _give_up_if_nonce_gone(client, row, error)
            raise Unavailable(f"The chain did not take the transaction: {error.detail}") from error
    if row.status is Status.SIGNED:
        move(row, Status.SENT)
        log.info("transaction sent", extra={"tx": row.tx_hash, "purpose": row.purpose})


def _rival_mined(client: Client, row: ChainTransaction) -> bool:
    """Another version of ours with the same nonce was mined."""
    return any(client.receipt(each.tx_hash) is not None for each in rivals(row))


def _give_up_if_nonce_gone(client: Client, row: ChainTransaction, error: DomainError) -> None:
    """Where another transaction used the nonce, ours can never be mined: its purpose may be sent anew."""
    if client.nonce(row.sender) > row.nonce:
        move(row, Status.FAILED, error="its nonce was used by another transaction")
        raise Reverted(row.error or "") from error


# --- rows -------------------------------------------------------------------------------------------------


def read(statement: sa.Select[ChainTransaction]) -> list[ChainTransaction]:
    """Rows as they are in the database now, detached, with no transaction left open."""
    session = db.session()
    session.rollback()
    rows = list(session.scalars(statement.execution_options(populate_existing=True)))
    for row in rows:
        session.expunge(row)
    session.rollback()
    return rows


def rivals(row: ChainTransaction) -> list[ChainTransaction]:
    """The other versions of this transaction: same nonce, other fees. Who holds a detached row may not know yet which
    of them counts by now, so they are told by the nonce."""
    t = ChainTransaction
    same = t.chain_id == row.chain_id, t.sender == row.sender, t.nonce == row.nonce
    return read(sa.select(t).where(*same, t.id != row.id).order_by(t.created_at.desc()))


def move(row: ChainTransaction, to: Status, *, block: int | None = None, error: str | None = None) -> None:
    """Write how far it has come, unless it was replaced meanwhile; the detached `row` is brought along."""
    if (row.status, row.block_number, row.error) == (to, block, error):
        return
    with transaction() as session:
        session.execute(
            sa.update(ChainTransaction)
            .where(ChainTransaction.id == row.id, ChainTransaction.status != Status.REPLACED)
            .values(status=to, block_number=block, error=error)
        )
    row.status, row.block_number, row.error = to, block, error
