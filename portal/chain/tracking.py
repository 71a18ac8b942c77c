"""How far any transaction has come, ours or a wallet's: the node is asked, our own row answers where it is silent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portal.chain import sender
from portal.chain.client import Client, current
from portal.chain.enums import ChainTransactionStatus
from portal.chain.models import ChainTransaction
from portal.db import db
from portal.errors import Unavailable


class Stage(StrEnum):
    """The words of GET /transactions/{hash}."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    FINAL = "final"
    FAILED = "failed"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Progress:
    """`block` and `confirmations` (1 in the newest block) of a mined transaction; `stale`: the node is silent.

    `lost`: it is ours, and the node has forgotten it until it is brought again.
    `needed` is how many confirmations make it final, by what the node calls final now; 0 where it is not known.
    """

    stage: Stage
    block: int | None = None
    confirmations: int = 0
    error: str | None = None
    successor: str | None = None
    stale: bool = False
    needed: int = 0
    lost: bool = False


STEPS = {
    Stage.PENDING: "Sent to the chain",
    Stage.SEEN: "Seen in a block",
    Stage.CONFIRMED: "Confirmed",
    Stage.FINAL: "Final",
}


def progress(tx_hash: str) -> Progress:
    """The progress of a transaction by its lower-case hash. Never raises for a silent node."""
    row = _ours(tx_hash)
    if row is not None and row.status is ChainTransactionStatus.REPLACED:
        return Progress(Stage.REPLACED, successor=_hash_of(row.replaced_by))
    try:
        return _asked(current(), tx_hash, row)
    except Unavailable:
        return _remembered(row)


def steps(progress: Progress) -> list[dict[str, Any]]:
    """For the macro `chain_steps`: what is done, what runs, what comes; or the failure and its reason."""
    if progress.stage is Stage.FAILED:
        return [
            {"text": STEPS[Stage.PENDING], "state": "done"},
            {"text": "The contract refused it; nothing was moved", "state": "failed", "note": progress.error or None},
        ]
    order = list(STEPS)
    reached = order.index(progress.stage) if progress.stage in order else -1
    shown = [
        {"text": text, "state": "done" if place <= reached else "now" if place == reached + 1 else "next"}
        for place, text in enumerate(STEPS.values())
    ]
    if progress.block is not None:
        shown[1]["note"] = f"block {progress.block:,}"
        if progress.needed and progress.stage is not Stage.FINAL:
            shown[2]["note"] = f"{min(progress.confirmations, progress.needed):,} of {progress.needed:,}"
    return shown


def _ours(tx_hash: str) -> ChainTransaction | None:
    rows = sender.read(sa.select(ChainTransaction).where(ChainTransaction.tx_hash == tx_hash))
    return rows[0] if rows else None


def _hash_of(row_id: object) -> str | None:
    found: str | None = db.session.scalar(sa.select(ChainTransaction.tx_hash).where(ChainTransaction.id == row_id))
    return found


def _asked(client: Client, tx_hash: str, row: ChainTransaction | None) -> Progress:
    receipt = client.receipt(tx_hash)
    if receipt is None:
        if row is not None and row.status is ChainTransactionStatus.FAILED:
            return Progress(Stage.FAILED, row.block_number, 0, row.error)
        known = client.knows(tx_hash)
        return Progress(Stage.PENDING if known or row else Stage.UNKNOWN, lost=not known and row is not None)
    head, block = client.block_number(), receipt.block_number
    confirmations = max(1, head - block + 1)
    if not receipt.succeeded:
        return Progress(Stage.FAILED, block, confirmations, (row and row.error) or _reason(client, tx_hash, block))
    final = client.height("finalized")
    return Progress(_depth(client, block, final), block, confirmations, needed=head - final + 1)


def overtaken(wallet: str, nonce: int) -> bool:
    """Whether another transaction took this place in the wallet's queue: one that the node has not, was replaced.

    Raises Unavailable while the node is silent.
    """
    return current().nonce(wallet) > nonce


def _reason(client: Client, tx_hash: str, block: int) -> str | None:
    """Of a wallet's transaction, about which no row of ours knows anything."""
    call = client.sent(tx_hash)
    if call is None or not call.get("to"):
        return None
    value = int(str(call.get("value") or "0x0"), 16)
    return client.why(str(call["to"]), str(call.get("input") or "0x"), block, str(call["from"]), value)


def _depth(client: Client, block: int, final: int) -> Stage:
    if block <= final:
        return Stage.FINAL
    return Stage.CONFIRMED if block <= client.height("safe") else Stage.SEEN


def _remembered(row: ChainTransaction | None) -> Progress:
    """What our row said last, while the node does not answer."""
    if row is None:
        return Progress(Stage.UNKNOWN, stale=True)
    on_its_way = row.status in (ChainTransactionStatus.SIGNED, ChainTransactionStatus.SENT)
    stage = Stage.PENDING if on_its_way else Stage(row.status.value)
    return Progress(stage, row.block_number, 0, row.error, stale=True)
