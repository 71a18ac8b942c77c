"""How an offer ends: taken back before anything was broadcast, called off with refunds, or closed.

Closing and calling off happen on the chain, by the operator for the artist: the command asks, a job sends, and the
row follows what the chain says. A closed offer's money waits in its contract for `withdraw_proceeds`; that goes to the
artist's wallet and the platform's treasury, whoever asks for it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain.enums import ChainTransactionStatus
from portal.chain.models import ChainTransaction
from portal.db import transaction, utcnow
from portal.errors import Conflict, NotFound
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters import acts
from portal.masters.acts import Act
from portal.masters.enums import IpoStatus
from portal.masters.launch import CHANGED, LOOK_AGAIN, deployment_job, locked_ipo, look_again, move_ipo, share_job
from portal.masters.models import Master, MasterIpo
from portal.masters.service import own_master


def chain_job(act: str, ipo_id: uuid.UUID) -> str:
    """The name of asking the chain to cancel, close or pay out: outbox name and purpose of the transaction."""
    return f"{act}:{ipo_id}"


class CancelEffect(StrEnum):
    """What calling an offer off would do now."""

    SHELVED = "shelved"
    TAKEN_BACK = "taken_back"
    REFUNDED = "refunded"


def cancel_effect(session: Session, ipo: MasterIpo) -> CancelEffect | None:
    """A draft is put aside, what was never broadcast is a draft again, and from a contract holders get their money
    back. None for an offer that is over."""
    if ipo.status is IpoStatus.DRAFT:
        return CancelEffect.SHELVED
    if ipo.status is IpoStatus.SCHEDULED and not was_broadcast(session, ipo):
        return CancelEffect.TAKEN_BACK
    return CancelEffect.REFUNDED if ipo.status in (IpoStatus.SCHEDULED, IpoStatus.LIVE) else None


def cancel_offer(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None, version: int | None = None
) -> MasterIpo:
    """Call one's own offer off. What was never broadcast goes back to draft (a draft becomes cancelled).

    Otherwise the contract is asked to stop and to open refunds, by a job. Raises Conflict for an offer that is over
    or whose `version` is another one by now.
    """
    with _own_offer(user_id, master_id, keyed, version) as (session, master, ipo):
        effect = cancel_effect(session, ipo)
        if effect is None:
            raise Conflict("This offer is over: it cannot be cancelled any more.")
        if effect is CancelEffect.REFUNDED:
            _ask(session, master, ipo, "cancel_contract")
        else:
            move_ipo(session, ipo, IpoStatus.CANCELLED if effect is CancelEffect.SHELVED else IpoStatus.DRAFT)
        if effect is CancelEffect.TAKEN_BACK:
            _forget_deployment(session, ipo)
    return ipo


def close_offer(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None, version: int | None = None
) -> MasterIpo:
    """End one's own live offer for good. Raises Conflict for an offer that is not live."""
    with _own_offer(user_id, master_id, keyed, version) as (session, master, ipo):
        if ipo.status is not IpoStatus.LIVE:
            raise Conflict("Only an open offer can be closed.")
        _ask(session, master, ipo, "close_contract")
    return ipo


def may_reopen(session: Session, ipo: MasterIpo) -> bool:
    """Whether a cancelled offer may become a draft again: nothing of it was broadcast."""
    return ipo.status is IpoStatus.CANCELLED and not was_broadcast(session, ipo)


def reopen_offer(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None, version: int | None = None
) -> MasterIpo:
    """Make a cancelled offer a draft again, while nothing of it was broadcast. Raises Conflict otherwise."""
    with _own_offer(user_id, master_id, keyed, version) as (session, _master, ipo):
        if not may_reopen(session, ipo):
            raise Conflict("This offer cannot become a draft again: its contract is on the chain.")
        move_ipo(session, ipo, IpoStatus.DRAFT)
    return ipo


def withdraw_proceeds(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None, version: int | None = None
) -> MasterIpo:
    """Have a closed offer's money paid out. Raises Conflict for an offer that is not closed."""
    with _own_offer(user_id, master_id, keyed, version) as (session, master, ipo):
        if ipo.status is not IpoStatus.CLOSED:
            raise Conflict("The money can be withdrawn once the offer is closed.")
        _ask(session, master, ipo, "pay_proceeds")
    return ipo


def asked(session: Session, ipo_id: uuid.UUID) -> dict[str, Act]:
    """What the chain was asked for this offer, by act: close_contract, cancel_contract, pay_proceeds."""
    names = {act: chain_job(act, ipo_id) for act in ("close_contract", "cancel_contract", "pay_proceeds")}
    found = {act: acts.find(session, name) for act, name in names.items()}
    return {act: one for act, one in found.items() if one is not None}


# --- after the chain --------------------------------------------------------------------------------------


def record_cancel(ipo_id: uuid.UUID, at: dt.datetime) -> None:
    """The contract is cancelled: minting has stopped and refunds are open. `at` by the chain's clock."""
    with transaction() as session:
        ipo = locked_ipo(session, ipo_id)
        if ipo.status in (IpoStatus.SCHEDULED, IpoStatus.LIVE):
            move_ipo(session, ipo, IpoStatus.CANCELLED, actual_end_at=at)
        outbox.finish(session)


def record_close(ipo_id: uuid.UUID, at: dt.datetime) -> None:
    """The contract is closed for good: sold out, past its end, or closed by its artist, and final."""
    with transaction() as session:
        ipo = locked_ipo(session, ipo_id)
        if ipo.status in (IpoStatus.SCHEDULED, IpoStatus.LIVE):
            move_ipo(session, ipo, IpoStatus.CLOSED, actual_end_at=at)
            outbox.add(session, "share_coins", {"ipo_id": str(ipo.id)}, dedupe=share_job(ipo.id))
        outbox.finish(session)


def follow_up(job: str, ipo_id: uuid.UUID, *, finish: bool = True) -> None:
    """Look at the chain (again) a little later: it is not final yet, or its clock is behind ours."""
    with transaction() as session:
        look_again(session, job, ipo_id, utcnow() + LOOK_AGAIN)
        if finish:
            outbox.finish(session)


@contextmanager
def _own_offer(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None, version: int | None
) -> Iterator[tuple[Session, Master, MasterIpo]]:
    """One command on one's own offer: one transaction, the rows locked, the answer kept for a repeated request."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        if master.ipo is None:
            raise NotFound
        ipo = locked_ipo(session, master.ipo.id)
        if version is not None and version != ipo.version:
            raise Conflict(CHANGED)
        yield session, master, ipo
        keep(session, ipo)


def was_broadcast(session: Session, ipo: MasterIpo) -> bool:
    """Whether the deployment was signed: its row is committed before it leaves, under the lock of the offer's row."""
    row = session.scalar(sa.select(ChainTransaction.status).where(ChainTransaction.purpose == deployment_job(ipo.id)))
    return row is not None and row is not ChainTransactionStatus.FAILED


def _forget_deployment(session: Session, ipo: MasterIpo) -> None:
    """The job has nothing to do any more, and its name is free for the next launch.

    A wish to call this launch off, made before it failed, must neither meet the next one nor stand for a later wish.
    """
    name, calling_off = outbox.OutboxJob.dedupe, chain_job("cancel_contract", ipo.id)
    again = name.startswith(f"{calling_off}:at:", autoescape=True)
    over = sa.or_(name.in_((deployment_job(ipo.id), calling_off)), again)
    session.execute(sa.delete(outbox.OutboxJob).where(over))


def _ask(session: Session, master: Master, ipo: MasterIpo, act: str) -> None:
    """Ask for a job once; one that the chain refused may be asked for again."""
    name = chain_job(act, ipo.id)
    outbox.add(session, act, {"ipo_id": str(ipo.id)}, dedupe=name)
    failed = sa.select(outbox.OutboxJob.id).where(
        outbox.OutboxJob.dedupe == name, outbox.OutboxJob.failed_at.is_not(None)
    )
    if session.scalar(failed):
        outbox.retry(session, name)
    record(session, act, AuditActionCategory.IPO, target=("master", master.id, master.title))
