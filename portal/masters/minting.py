"""Buying shares: who may, how many, and what it costs, to the smallest unit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts import queries as account_queries
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain.models import ChainTransaction
from portal.db import transaction, utcnow
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters import policies, queries
from portal.masters.enums import IpoStatus
from portal.masters.models import MasterContract, MasterIpo

MOST_AT_ONCE = 10
GAS_OF_A_MINT = 190_000
"""With a permit, leave to take the coins, and a wallet that is new to the contract (chain.md)."""


@dataclass(frozen=True)
class Purchase:
    """What is bought: amounts in smallest units of `currency`; `cap` is the most that one person may buy.

    The terms are those in force, None for an offer that was launched without.
    """

    master_id: uuid.UUID
    ipo_id: uuid.UUID
    shares_address: str
    chain_id: str
    wallet: str
    quantity: int
    price: int
    currency: str
    supply: int
    cap: int | None
    terms_version: str | None
    terms_hash: str | None

    @property
    def total(self) -> int:
        return self.price * self.quantity


def job_name(purchase_id: uuid.UUID) -> str:
    """The name of a purchase: outbox name and purpose of its transaction."""
    return f"mint:{purchase_id}"


def network_fee(session: Session, gas: int = GAS_OF_A_MINT) -> int | None:
    """About what so much gas costs a wallet in wei, a purchase unless told, by the fees of the last transaction sent
    from here; None before the first one."""
    latest = sa.select(ChainTransaction.max_fee_per_gas).order_by(ChainTransaction.created_at.desc()).limit(1)
    offered = session.scalar(latest)
    return None if offered is None else gas * offered // 2


def purchase(session: Session, user_id: uuid.UUID, master_id: uuid.UUID, wallet: str, quantity: int) -> Purchase:
    """Check an intended mint and price it. Raises NotFound, Conflict with the reason, or Invalid for a field.

    The chain has the last word on supply and cap; this one is there to say so in time and in words.
    """
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise Invalid(FieldError("quantity", f"From 1 to {MOST_AT_ONCE} shares at a time."))
    ipo, contract = _open_offer(session, master_id)
    left = ipo.total_supply - ipo.minted_supply
    if quantity > left:
        raise Conflict("All shares are sold." if left == 0 else f"Only {left} share(s) are left.")
    linked = [w.wallet_address for w in account_queries.wallets_of(session, user_id) if w.verified]
    if wallet.lower() not in linked:
        raise Invalid(FieldError("wallet", "This wallet is not linked to you."))
    _within_cap(session, ipo, linked, quantity)
    terms = policies.in_force(session, ipo)
    return Purchase(
        master_id,
        ipo.id,
        contract.contract_address,
        contract.chain_id,
        wallet.lower(),
        quantity,
        ipo.mint_price_wei or 0,
        ipo.mint_price_currency or "",
        ipo.total_supply,
        ipo.person_cap,
        terms.version if terms else None,
        terms.content_hash if terms else None,
    )


def request_mint(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    wallet: str,
    quantity: int,
    keyed: KeyedRequest | None = None,
    terms_seen: str | None = None,
) -> str:
    """Ask the job to mint with a demo wallet; returns the purchase's name, for following it.

    Asking accepts the offer's terms, which is kept. Raises Conflict where others than those in force were seen.
    """
    with transaction() as session:
        claim(session, keyed)
        wanted = purchase(session, user_id, master_id, wallet, quantity)
        name = job_name(uuid.uuid4())
        accept_terms(session, user_id, wanted, name, terms_seen)
        payload = {"name": name, "user_id": str(user_id), "master_id": str(master_id),
                   "wallet": wanted.wallet, "quantity": quantity, "terms_version": wanted.terms_version}  # fmt: skip
        outbox.add(session, "mint_shares", payload, dedupe=name)
        record(
            session,
            "request_mint",
            AuditActionCategory.IPO,
            target=("master", master_id, wanted.shares_address),
            after={
                "quantity": quantity,
                "wallet": wanted.wallet,
                "total": str(wanted.total),
                "terms": wanted.terms_hash,
            },
        )
        keep(session, name)
        return name


def accept_terms(session: Session, user_id: uuid.UUID, wanted: Purchase, place: str, seen: str | None) -> None:
    """Keep that the buyer accepted the terms of what is wanted, inside the caller's transaction."""
    policies.accept(session, user_id, session.get_one(MasterIpo, wanted.ipo_id), wanted.wallet, place, seen)


def _open_offer(session: Session, master_id: uuid.UUID) -> tuple[MasterIpo, MasterContract]:
    master = queries.public(session, master_id)
    if master is None or master.ipo is None:
        raise NotFound
    ipo = master.ipo
    over = ipo.scheduled_end_at is not None and ipo.scheduled_end_at <= utcnow()
    if ipo.status is not IpoStatus.LIVE or over or not master.contracts:
        raise Conflict("This offer is not open.")
    return ipo, master.contracts[0]


def _within_cap(session: Session, ipo: MasterIpo, linked: list[str], quantity: int) -> None:
    """The cap counts all wallets of the person; here by what is indexed, in the permit by what the chain says."""
    if ipo.person_cap is None:
        return
    minted = sum(queries.minted_by(session, ipo.master_id, linked).values())
    if minted + quantity > ipo.person_cap:
        left = max(0, ipo.person_cap - minted)
        raise Conflict(f"One person may buy {ipo.person_cap} shares of this; you may buy {left} more.")
