"""Fetching dividends: what a wallet can claim, the unsigned transaction that does it, and demo wallets' claims.

The chain pays what is owed and nothing twice, whoever asks; what is written here only says what is on its way.
`dividend_claims` are the indexer's.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts.models import UserWallet
from portal.chain import bootstrap
from portal.chain.abi import encode_call
from portal.chain.enums import ChainTransactionStatus
from portal.chain.models import ChainTransaction
from portal.db import transaction
from portal.errors import Conflict, FieldError, Invalid, Unavailable
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters.models import DividendContract, Master
from portal.outbox import OutboxJob
from portal.revenue.models import WalletDividendBalance

JOB = "claim_dividends"
MOST_CONTRACTS = 30
"""Masters that `Factory.claimMany` pays in one transaction."""
GAS_A_CLAIM = 79_000
"""Of an ERC-20 claim; a native one needs 51,000 (chain.md)."""


@dataclass(frozen=True)
class Claimable:
    """What one master owes a wallet in one currency, in smallest units; `contract` is its dividend contract."""

    master_id: uuid.UUID
    title: str
    contract: str
    currency: str
    amount: int


@dataclass(frozen=True)
class Intent:
    """An unsigned transaction for the wallet's owner to sign, and what it pays. `left_out` masters need another."""

    to: str
    data: str
    chain_id: int
    wallet: str
    lines: tuple[Claimable, ...]
    left_out: int


class Stage(StrEnum):
    """How far a claim has come; the words of a transaction's states, with `requested` before them."""

    REQUESTED = "requested"
    SENT = "sent"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    FINAL = "final"
    FAILED = "failed"


STAGES = {
    ChainTransactionStatus.SIGNED: Stage.REQUESTED,
    ChainTransactionStatus.SENT: Stage.SENT,
    ChainTransactionStatus.SEEN: Stage.SEEN,
    ChainTransactionStatus.CONFIRMED: Stage.CONFIRMED,
    ChainTransactionStatus.FINAL: Stage.FINAL,
    ChainTransactionStatus.FAILED: Stage.FAILED,
    ChainTransactionStatus.REPLACED: Stage.SENT,
}


@dataclass(frozen=True)
class Progress:
    """A demo wallet's claim: its name is the purpose of its transaction."""

    name: str
    stage: Stage
    tx_hash: str | None
    error: str | None


def claimable(
    session: Session, user_id: uuid.UUID, wallet: str, chain_id: int, master_ids: Sequence[uuid.UUID] | None = None
) -> list[Claimable]:
    """What waits for one of the person's own wallets, the largest amount first; empty for anybody else's wallet."""
    b = WalletDividendBalance
    statement = (
        sa.select(b.master_id, Master.title, DividendContract.contract_address, b.currency, b.claimable_amount)
        .join(Master, Master.id == b.master_id)
        .join(DividendContract, DividendContract.id == b.dividend_contract_id)
        .where(
            b.wallet_address == wallet,
            b.chain_id == str(chain_id),
            b.claimable_amount > 0,
            sa.exists().where(
                UserWallet.user_id == user_id,
                UserWallet.wallet_address == b.wallet_address,
                UserWallet.chain_id == b.chain_id,
                UserWallet.verified,
            ),
        )
        .order_by(b.claimable_amount.desc(), b.master_id, b.currency)
    )
    if master_ids is not None:
        statement = statement.where(b.master_id.in_(master_ids))
    return [Claimable(*row) for row in session.execute(statement)]


def intent(lines: Sequence[Claimable], wallet: str, factory: str, chain_id: int) -> Intent:
    """One master is asked itself, several through the factory, at most 30 at once; all pay every currency they owe.

    Raises Conflict when there is nothing to claim.
    """
    contracts = list(dict.fromkeys(line.contract for line in lines))
    if not contracts:
        raise Conflict("There is nothing to claim for this wallet: it was claimed already, or nothing was paid yet.")
    asked = contracts[:MOST_CONTRACTS]
    if len(asked) == 1:
        to, data = asked[0], encode_call("Dividends", "claimAll")
    else:
        to, data = factory, encode_call("Factory", "claimMany", (asked, wallet))
    paid = tuple(line for line in lines if line.contract in asked)
    return Intent(to, data, chain_id, wallet, paid, len(contracts) - len(asked))


def prepare(
    session: Session, user_id: uuid.UUID, wallet: str, chain_id: int, master_ids: Sequence[uuid.UUID] | None = None
) -> Intent:
    """The unsigned transaction for one of the person's own wallets; nothing is written.

    Raises Invalid for a wallet that is not theirs, Conflict when there is nothing to claim, Unavailable while the
    platform's contracts are not on the chain.
    """
    must_own(session, user_id, wallet, chain_id)
    lines = claimable(session, user_id, wallet, chain_id, master_ids)
    factory = ""
    if len({line.contract for line in lines}) > 1:
        known = bootstrap.known()
        if known is None:
            raise Unavailable("The chain is being set up. Your dividends are safe; please try again in a moment.")
        factory = known.factory
    return intent(lines, wallet, factory, chain_id)


def must_own(session: Session, user_id: uuid.UUID, wallet: str, chain_id: int) -> None:
    """Raises Invalid for a wallet that is not linked to this person."""
    owned = sa.select(UserWallet.id).where(
        UserWallet.user_id == user_id,
        UserWallet.wallet_address == wallet,
        UserWallet.chain_id == str(chain_id),
        UserWallet.verified,
    )
    if session.scalar(owned) is None:
        raise Invalid(FieldError("wallet", "This wallet is not linked to your account."))


def network_fee(session: Session, masters: int) -> int | None:
    """About what claiming from so many masters costs in wei, by the fees of the last transaction sent from here; None
    before the first one."""
    latest = sa.select(ChainTransaction.max_fee_per_gas).order_by(ChainTransaction.created_at.desc()).limit(1)
    offered = session.scalar(latest)
    return None if offered is None else masters * GAS_A_CLAIM * offered // 2


# --- demo wallets -----------------------------------------------------------------------------------------


def request_claim(
    user_id: uuid.UUID,
    wallet: str,
    chain_id: int,
    master_ids: Sequence[uuid.UUID] | None = None,
    keyed: KeyedRequest | None = None,
) -> str:
    """Ask for the job that claims with a demo wallet; returns the claim's name.

    The name is made of what waits now, so the same money is asked for once however often one clicks: the second
    request is a Conflict, until a failed one is asked for anew or more was paid. Raises Invalid for a wallet that
    is not theirs, Conflict when nothing waits or it is being claimed.
    """
    with transaction() as session:
        claim(session, keyed)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"claim:{wallet}", 0))))
        must_own(session, user_id, wallet, chain_id)
        lines = claimable(session, user_id, wallet, chain_id, master_ids)
        if not lines:
            raise Conflict("This was claimed already.")
        name = _free_name(session, user_id, wallet, lines)
        payload = {"name": name, "user_id": str(user_id), "wallet": wallet}
        payload["master_ids"] = None if master_ids is None else [str(one) for one in master_ids]  # type: ignore[assignment]
        outbox.add(session, JOB, payload, dedupe=name)
        keep(session, name)
        return name


def progress(session: Session, user_id: uuid.UUID, name: str) -> Progress | None:
    """How far a claim of this person has come; None for one that is not theirs or never was."""
    row = session.scalars(sa.select(OutboxJob).where(OutboxJob.dedupe == name, OutboxJob.job == JOB)).one_or_none()
    if row is None or row.payload.get("user_id") != str(user_id):
        return None
    return _progress(session, row)


def latest(session: Session, user_id: uuid.UUID, lines: Sequence[Claimable], wallet: str) -> Progress | None:
    """The claim of exactly these lines that is on its way, if there is one."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        found = progress(session, user_id, _name(wallet, lines, attempt))
        if found is None or found.stage is not Stage.FAILED:
            return found
    return None


MOST_ATTEMPTS = 20


def _free_name(session: Session, user_id: uuid.UUID, wallet: str, lines: Sequence[Claimable]) -> str:
    for attempt in range(1, MOST_ATTEMPTS + 1):
        name = _name(wallet, lines, attempt)
        row = session.scalars(sa.select(OutboxJob).where(OutboxJob.dedupe == name)).one_or_none()
        if row is None:
            return name
        if _progress(session, row).stage is not Stage.FAILED:
            raise Conflict("This is being claimed already.")
    raise Conflict("This claim failed too often. Your dividends are safe; please write to us.")


def _name(wallet: str, lines: Sequence[Claimable], attempt: int) -> str:
    told = ";".join(sorted(f"{line.contract}:{line.currency}:{line.amount}" for line in lines))
    return f"claim:{wallet}:{hashlib.sha256(told.encode()).hexdigest()[:16]}:{attempt}"


def _progress(session: Session, row: OutboxJob) -> Progress:
    sent = session.scalars(sa.select(ChainTransaction).where(ChainTransaction.purpose == row.dedupe)).one_or_none()
    if sent is not None:
        return Progress(row.dedupe, STAGES[sent.status], sent.tx_hash, sent.error)
    over = row.failed_at is not None or row.done_at is not None
    return Progress(row.dedupe, Stage.FAILED if over else Stage.REQUESTED, None, row.last_error if over else None)
