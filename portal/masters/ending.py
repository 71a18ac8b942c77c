"""How an offer ends: taken back before anything was broadcast, called off with refunds, or closed.

Closing and calling off happen on the chain, by the operator for the artist: the command asks, a job sends, and the
row follows what the chain says. A closed offer's money waits in its contract for `withdraw_proceeds`; that goes to the
artist's wallet and the platform's treasury, whoever asks for it.
"""

from __future__ import annotations

import datetime as dt
import uuid

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
from portal.masters.enums import IpoStatus
from portal.masters.launch import LOOK_AGAIN, deployment_job, locked_ipo, look_again, move_ipo
from portal.masters.models import Master, MasterIpo
from portal.masters.service import own_master


def chain_job(act: str, ipo_id: uuid.UUID) -> str:
    """The name of asking the chain to cancel, close or pay out: outbox name and purpose of the transaction."""
    return f"{act}:{ipo_id}"


def cancel_offer(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> MasterIpo:
    """Call one's own offer off. What was never broadcast goes back to draft (a draft becomes cancelled).

    Otherwise the contract is asked to stop and to open refunds, by a job. Raises Conflict for an offer that is over.
    """
    with transaction() as session:
        claim(session, keyed)
        master, ipo = _own_offer(session, user_id, master_id)
        if ipo.status is IpoStatus.DRAFT:
            move_ipo(session, ipo, IpoStatus.CANCELLED)
        elif ipo.status is IpoStatus.SCHEDULED and not _broadcast(session, ipo):
            move_ipo(session, ipo, IpoStatus.DRAFT)
            _forget_deployment(session, ipo)
        elif ipo.status in (IpoStatus.SCHEDULED, IpoStatus.LIVE):
            _ask(session, master, ipo, "cancel_contract")
        else:
            raise Conflict("This offer is over.")
        keep(session, ipo)
        return ipo


def close_offer(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> MasterIpo:
    """End one's own live offer for good. Raises Conflict for an offer that is not live."""
    with transaction() as session:
        claim(session, keyed)
        master, ipo = _own_offer(session, user_id, master_id)
        if ipo.status is not IpoStatus.LIVE:
            raise Conflict("Only an open offer can be closed.")
        _ask(session, master, ipo, "close_contract")
        keep(session, ipo)
        return ipo


def reopen_offer(user_id: uuid.UUID, master_id: uuid.UUID) -> MasterIpo:
    """Make a cancelled offer a draft again, while nothing of it was broadcast. Raises Conflict otherwise."""
    with transaction() as session:
        _master, ipo = _own_offer(session, user_id, master_id)
        if ipo.status is not IpoStatus.CANCELLED or _broadcast(session, ipo):
            raise Conflict("This offer cannot become a draft again.")
        move_ipo(session, ipo, IpoStatus.DRAFT)
        return ipo


def withdraw_proceeds(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> MasterIpo:
    """Have a closed offer's money paid out. Raises Conflict for an offer that is not closed."""
    with transaction() as session:
        claim(session, keyed)
        master, ipo = _own_offer(session, user_id, master_id)
        if ipo.status is not IpoStatus.CLOSED:
            raise Conflict("The money can be withdrawn once the offer is closed.")
        _ask(session, master, ipo, "pay_proceeds")
        keep(session, ipo)
        return ipo


def asked(session: Session, ipo_id: uuid.UUID) -> dict[str, outbox.OutboxJob]:
    """What the chain was asked for this offer, by act: cancel_contract, close_contract, pay_proceeds."""
    names = {chain_job(act, ipo_id): act for act in ("cancel_contract", "close_contract", "pay_proceeds")}
    rows = session.scalars(sa.select(outbox.OutboxJob).where(outbox.OutboxJob.dedupe.in_(names)))
    return {names[row.dedupe]: row for row in rows}


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
        if ipo.status is IpoStatus.LIVE:
            move_ipo(session, ipo, IpoStatus.CLOSED, actual_end_at=at)
        outbox.finish(session)


def follow_up(job: str, ipo_id: uuid.UUID, *, finish: bool = True) -> None:
    """Look at the chain (again) a little later: it is not final yet, or its clock is behind ours."""
    with transaction() as session:
        look_again(session, job, ipo_id, utcnow() + LOOK_AGAIN)
        if finish:
            outbox.finish(session)


def _own_offer(session: Session, user_id: uuid.UUID, master_id: uuid.UUID) -> tuple[Master, MasterIpo]:
    master = own_master(session, user_id, master_id, lock=True)
    if master.ipo is None:
        raise NotFound
    return master, locked_ipo(session, master.ipo.id)


def _broadcast(session: Session, ipo: MasterIpo) -> bool:
    """Whether the deployment was signed: its row is committed before it leaves, under the lock of the offer's row."""
    row = session.scalar(sa.select(ChainTransaction.status).where(ChainTransaction.purpose == deployment_job(ipo.id)))
    return row is not None and row is not ChainTransactionStatus.FAILED


def _forget_deployment(session: Session, ipo: MasterIpo) -> None:
    """The job has nothing to do any more, and its name is free for the next launch."""
    session.execute(sa.delete(outbox.OutboxJob).where(outbox.OutboxJob.dedupe == deployment_job(ipo.id)))


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
