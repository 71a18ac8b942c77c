"""Trading shares: the transactions that a wallet signs, or the job that signs with a demo wallet.

`wishes` has a constructor for each act. `prepare` checks against the database and then against the chain; what it
returns may be signed now. `request` asks for the job. What becomes of it is read by its name (`acts.find`); whose a
share is and what it is listed for, the tables say once the indexer has seen it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts import queries as account_queries
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain.signer import demo_signers
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters import minting
from portal.masters import queries as masters
from portal.nfts import plans, venue
from portal.nfts.plans import Changed, Plan
from portal.nfts.prices import Line, with_network_fee
from portal.nfts.venue import Step, Venue
from portal.nfts.wishes import Act, Wish
from portal.outbox import OutboxJob

__all__ = ["Changed", "Intent", "job_name", "prepare", "request"]

JOB = "trade"
GAS = {
    Act.LIST: 150_000,
    Act.CANCEL_LISTING: 40_000,
    Act.BUY: 220_000,
    Act.OFFER: 200_000,
    Act.CANCEL_OFFER: 60_000,
    Act.ACCEPT: 210_000,
    Act.WITHDRAW_CREDIT: 60_000,
    Act.WITHDRAW_ROYALTY: 110_000,
}
"""About what an act needs, leave that comes first included (chain.md)."""


@dataclass(frozen=True)
class Intent:
    """What to sign, in this order, and what it costs.

    `transactions` are (name, transaction): `approveShare` and `approveCoins` where they have to come first, then the
    act itself under its own name. `wish.wallet` is who signs.
    """

    wish: Wish
    lines: list[Line]
    transactions: list[Step]
    master_id: uuid.UUID | None
    title: str
    nft_id: uuid.UUID | None
    number: int | None


def prepare(user_id: uuid.UUID, wish: Wish, settings: Settings, keyed: KeyedRequest | None = None) -> Intent:
    """Check a wish by database and chain, at the newest block, and say what to sign. Nothing is asked of anybody.

    Raises NotFound, Invalid for a field, Changed where the share is not for sale as it was seen, Conflict with the
    reason (too little money: how much of what is missing), and Unavailable while the chain is silent.
    """
    place = venue.asked(settings)
    settled = _with_wallet(user_id, wish, settings)
    with transaction() as session:
        plan = plans.plan(session, user_id, settled, place)
        fee = minting.network_fee(session, GAS[wish.act])
    before = venue.approvals(place, plan.needs)
    venue.must_afford(place, plan.needs, fee)
    venue.must_succeed(plan.call, plan.needs.wallet, before)
    lines = with_network_fee(plan.lines, fee)
    steps = [*before, (plan.wish.act.value, plan.call)]
    made = Intent(plan.wish, lines, steps, plan.master_id, plan.title, plan.nft_id, plan.number)
    if keyed is not None:
        with transaction() as session:
            claim(session, keyed)
            keep(session, made)
    return made


def preview(user_id: uuid.UUID, wish: Wish, settings: Settings) -> Intent:
    """As `prepare`, by the database, with nothing to sign: enough for a demo wallet, whose job sends what has to come
    first and gets the play money that is missing. The market is asked only what it takes of a new order.
    """
    settled = _with_wallet(user_id, wish, settings)
    told = _preview(user_id, settled, venue.known(settings))
    return _preview(user_id, settled, venue.asked(settings)) if wish.act in (Act.LIST, Act.OFFER) else told


def _preview(user_id: uuid.UUID, wish: Wish, place: Venue) -> Intent:
    with transaction() as session:
        plan = plans.plan(session, user_id, wish, place)
        lines = with_network_fee(plan.lines, minting.network_fee(session, GAS[wish.act]))
    return Intent(plan.wish, lines, [], plan.master_id, plan.title, plan.nft_id, plan.number)


def request(user_id: uuid.UUID, wish: Wish, keyed: KeyedRequest | None = None) -> str:
    """Ask for the job that signs with a demo wallet; returns its name, for following it.

    Raises what `prepare` raises by the database, and Conflict where the same is on its way.
    """
    settings: Settings = current_app.config["SETTINGS"]
    place = venue.known(settings)
    settled = _with_wallet(user_id, wish, settings)
    with transaction() as session:
        claim(session, keyed)
        plan = plans.plan(session, user_id, settled, place)
        if plan.wish.wallet not in demo_signers(settings):
            raise Conflict("This wallet signs for itself.")
        name = job_name(uuid.uuid4())
        payload = {"name": name, "user_id": str(user_id), **_told(plan)}
        _must_be_free(session, payload)
        outbox.add(session, JOB, payload, dedupe=name)
        _record(session, plan)
        keep(session, name)
        return name


def job_name(trade_id: uuid.UUID) -> str:
    """Outbox name and purpose of the transaction."""
    return f"trade:{trade_id}"


def _told(plan: Plan) -> dict[str, Any]:
    """The job's payload: the wish, and what pages say about it while it is followed."""
    about = {"nft_id": plan.nft_id, "master_id": plan.master_id, "number": plan.number, "title": plan.title}
    return {"wish": plan.wish.as_payload(), "act": plan.wish.act.value, "wallet": plan.wish.wallet} | {
        name: str(value) if isinstance(value, uuid.UUID) else value for name, value in about.items()
    }


def _must_be_free(session: Session, payload: dict[str, Any]) -> None:
    """The same act on the same thing with the same wallet waits until the first is over."""
    j, wish = OutboxJob, payload["wish"]
    same = [j.payload["wish"][name].astext == wish[name] for name in ("act", "wallet", "subject") if wish[name]]
    undone = sa.select(j.id).where(j.job == JOB, j.done_at.is_(None), j.failed_at.is_(None), *same)
    if session.scalar(undone.limit(1)) is not None:
        raise Conflict("This is on its way already.")


def _record(session: Session, plan: Plan) -> None:
    wish, amounts = plan.wish, {"price": str(plan.wish.price), "currency": plan.wish.currency}
    told = {"wallet": wish.wallet, "share": plan.number} | (amounts if wish.price else {})
    target = ("master", plan.master_id, plan.title) if plan.master_id else None
    record(session, f"request_{wish.act.value}", AuditActionCategory.MASTER, target=target, after=told)


def _with_wallet(user_id: uuid.UUID, wish: Wish, settings: Settings) -> Wish:
    """Where no wallet is named: of a royalty the one whose role it is, else a demo wallet before others."""
    if wish.wallet or wish.act not in (Act.BUY, Act.OFFER, Act.WITHDRAW_ROYALTY):
        return wish
    session = db.session()
    mine = [w.wallet_address for w in account_queries.wallets_of(session, user_id) if w.verified]
    if wish.act is Act.WITHDRAW_ROYALTY:
        contract = masters.contract_of(session, wish.subject, str(settings.chain_id)) if wish.subject else None
        shares = contract.contract_address if contract else ""
        session.rollback()
        held = [wallet for wallet in venue.roles(shares) if wallet in mine] if shares else []
        return replace(wish, wallet=held[0] if held else "")
    return replace(wish, wallet=next((w for w in mine if w in demo_signers(settings)), ""))
