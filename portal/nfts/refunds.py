"""Handing back shares of a cancelled offer for what they cost at its sale; whoever holds them now, without a deadline.

The contract pays the holder and burns the shares; what is written here only says what is on its way. Whose a share
is, `master_nfts` say once the indexer has seen it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal import outbox
from portal.accounts.models import UserWallet
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain.abi import encode_call
from portal.db import transaction
from portal.errors import Conflict
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters.enums import IpoStatus
from portal.masters.intents import Unsigned
from portal.masters.models import Master, MasterIpo
from portal.nfts.models import MasterNft
from portal.outbox import OutboxJob

JOB = "refund_shares"
MOST_AT_ONCE = 30
"""Shares that `MasterShares.refund` takes in one transaction."""


@dataclass(frozen=True)
class Handback:
    """Shares of one master in one wallet, and what they are worth: `price` each in smallest units of `currency`.

    `left_out` more need another transaction.
    """

    master: Master
    wallet: str
    shares_address: str
    chain_id: str
    numbers: tuple[int, ...]
    price: int
    currency: str
    left_out: int = 0

    @property
    def amount(self) -> int:
        return self.price * len(self.numbers)

    @property
    def name(self) -> str:
        """Outbox name and purpose of the transaction: a share that is handed back never comes again."""
        return job_name(self.master.id, self.wallet, self.numbers[0])

    def unsigned(self) -> Unsigned:
        return Unsigned(self.shares_address, call_data(self.numbers), 0, int(self.chain_id))


def job_name(master_id: uuid.UUID, wallet: str, first: int) -> str:
    return f"refund:{master_id}:{wallet}:{first}"


def call_data(numbers: Sequence[int]) -> str:
    return encode_call("MasterShares", "refund", (list(numbers),))


def waiting(session: Session, user_id: uuid.UUID, master_id: uuid.UUID | None = None) -> list[Handback]:
    """What a person can hand back from proved wallets, of one master or of all, at most 30 shares a wallet."""
    n, w, whole = MasterNft, UserWallet, joinedload(MasterNft.master)
    statement = (
        sa.select(n)
        .join(w, sa.and_(w.wallet_address == n.current_owner_wallet, w.chain_id == n.chain_id))
        .join(MasterIpo, MasterIpo.master_id == n.master_id)
        .where(w.user_id == user_id, w.verified, MasterIpo.status == IpoStatus.CANCELLED)
        .options(whole.joinedload(Master.ipo), whole.joinedload(Master.artist))
        .order_by(n.master_id, n.current_owner_wallet, n.token_id)
    )
    if master_id is not None:
        statement = statement.where(n.master_id == master_id)
    held: dict[tuple[uuid.UUID, str], list[MasterNft]] = {}
    for share in session.scalars(statement):
        held.setdefault((share.master_id, share.current_owner_wallet), []).append(share)
    return [_handback(shares) for shares in held.values()]


def _handback(shares: list[MasterNft]) -> Handback:
    first, ipo = shares[0], shares[0].master.ipo
    taken = shares[:MOST_AT_ONCE]
    return Handback(
        first.master,
        first.current_owner_wallet,
        first.contract_address,
        first.chain_id,
        tuple(share.token_id for share in taken),
        (ipo.mint_price_wei if ipo else 0) or 0,
        (ipo.mint_price_currency if ipo else "") or "",
        len(shares) - len(taken),
    )


def prepare(session: Session, user_id: uuid.UUID, master_id: uuid.UUID, wallet: str) -> Handback:
    """What this wallet of the person's hands back. Raises Conflict where it holds nothing of a cancelled offer."""
    found = next((one for one in waiting(session, user_id, master_id) if one.wallet == wallet), None)
    if found is None:
        raise Conflict("There is nothing to hand back: this wallet holds no share of this, or the offer goes on.")
    return found


def request(user_id: uuid.UUID, master_id: uuid.UUID, wallet: str, keyed: KeyedRequest | None = None) -> Handback:
    """Ask for the job that hands back with a demo wallet; one that failed may be asked for again.

    Raises Conflict where nothing is left to hand back, or it is on its way.
    """
    with transaction() as session:
        claim(session, keyed)
        found = prepare(session, user_id, master_id, wallet)
        payload = {"user_id": str(user_id), "master_id": str(master_id), "wallet": wallet}
        _ask_once(session, found.name, payload | {"name": found.name, "numbers": list(found.numbers)})
        record(
            session,
            "request_refund",
            AuditActionCategory.IPO,
            target=("master", master_id, found.master.title),
            after={"shares": len(found.numbers), "wallet": wallet, "amount": str(found.amount)},
        )
        keep(session, found)
        return found


def _ask_once(session: Session, name: str, payload: dict[str, Any]) -> None:
    """One that failed is asked for with what the wallet holds now: a share may have left it since."""
    before = session.execute(
        sa.select(OutboxJob.failed_at).where(OutboxJob.dedupe == name).with_for_update()
    ).one_or_none()
    if before is None:
        outbox.add(session, JOB, payload, dedupe=name)
    elif before.failed_at is None:
        raise Conflict("These shares are being handed back already.")
    else:
        session.execute(sa.update(OutboxJob).where(OutboxJob.dedupe == name).values(payload=payload))
        outbox.retry(session, name)
