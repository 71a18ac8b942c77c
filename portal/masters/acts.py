"""What the chain was asked for by name (a launch, a close, a purchase): how far it has come, in steps.

The name is the outbox row's and the transaction's purpose, so one look at both tells everything. Where the node is
silent our own rows answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain import tracking
from portal.chain.enums import ChainTransactionStatus
from portal.chain.models import ChainTransaction
from portal.chain.tracking import Progress, Stage
from portal.outbox import WAITS, OutboxJob


@dataclass(frozen=True)
class Act:
    """`done`: the job has nothing left to do; `failure`: why it will not happen; `waits`: why it is not sent yet, where
    it goes on by itself; `progress`: None before it is sent."""

    name: str
    asked_at: dt.datetime
    payload: dict[str, Any]
    done: bool
    failure: str | None
    tx_hash: str | None
    progress: Progress | None
    waits: str | None = None

    @property
    def settled(self) -> bool:
        """Nothing about it will change any more."""
        if self.failure is not None or self.progress is None:
            return self.failure is not None or self.done
        return self.progress.stage is Stage.FINAL

    @property
    def tx_href(self) -> str | None:
        """The page of its transaction; None before there is one."""
        return f"/transactions/{self.tx_hash}" if self.tx_hash else None


def find(session: Session, name: str) -> Act | None:
    """The act of this name; None where the chain was never asked. Never raises for a silent node.

    It ends the read transaction that is open, so it comes before rows are read that are to be shown.
    """
    job = session.execute(
        sa.select(
            OutboxJob.created_at, OutboxJob.payload, OutboxJob.done_at, OutboxJob.failed_at, OutboxJob.last_error
        ).where(OutboxJob.dedupe == name)
    ).one_or_none()
    if job is None:
        return None
    sent = session.execute(
        sa.select(
            ChainTransaction.tx_hash, ChainTransaction.status, ChainTransaction.block_number, ChainTransaction.error
        ).where(ChainTransaction.purpose == name)
    ).one_or_none()
    failure = (job.last_error or "It was refused.") if job.failed_at else None
    if sent is None:
        told = job.last_error or ""
        waits = told.removeprefix(WAITS) if told.startswith(WAITS) and failure is None else None
        return Act(name, job.created_at, job.payload, job.done_at is not None, failure, None, None, waits)
    if sent.status is ChainTransactionStatus.FAILED:
        failure = failure or sent.error or "The contract refused it."
    over = sent.status is ChainTransactionStatus.FINAL
    found = Progress(Stage.FINAL, sent.block_number) if over else tracking.progress(sent.tx_hash)
    return Act(name, job.created_at, job.payload, job.done_at is not None, failure, sent.tx_hash, found)


def steps(act: Act, last: str = "") -> list[dict[str, Any]]:
    """For the macro `chain_steps`; `last` says what it means that it is final."""
    asked = {"text": "Asked for", "state": "done", "at": act.asked_at}
    if act.failure is not None:
        return [asked, {"text": "It failed; nothing was moved", "state": "failed", "note": act.failure}]
    if act.waits is not None:
        return [asked, {"text": "It waits before it is sent", "state": "now", "note": act.waits}]
    shown = tracking.steps(act.progress or Progress(Stage.UNKNOWN))
    if last:
        shown[-1]["text"] = f"{shown[-1]['text']}: {last}"
    if act.done and act.progress is None:
        return [asked, {"text": "There was nothing left to do", "state": "done"}]
    return [asked, *shown]
