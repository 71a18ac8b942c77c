"""Leave to mint: it binds the terms that the buyer accepted and, where an offer has a cap per person, its wallets.

The allowance in a permit is cumulative, so a permit may be used or copied any number of times. What a wallet may
still do counts as done: the sum over the person's wallets of max(minted, allowance of a permit that has not lapsed)
never passes the cap. Minted is what the chain says, read before the lock is taken; a permit that had lapsed by then
can add nothing to it any more. Which wallets belong together is never written on chain.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call, mint_permit
from portal.chain.client import current
from portal.chain.signer import Role
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict
from portal.masters.minting import Purchase
from portal.masters.models import MintPermit

PERMIT_SECONDS = 15 * 60
NO_TERMS = "0x" + "00" * 32

SKEW_SECONDS = 60
"""A permit counts this much longer than it holds: blocks may bear a time a little behind the node's."""


@dataclass(frozen=True)
class Standing:
    """What the chain said: its time (seconds) and how many each wallet has minted in all."""

    at: int
    minted: dict[str, int]


def mint_data(user_id: uuid.UUID, wanted: Purchase) -> str:
    """0x calldata of the mint, with a fresh permit where the offer has terms or a cap. Raises Conflict above it."""
    if wanted.cap is None and wanted.terms_hash is None:
        return encode_call("MasterShares", "mint", (wanted.quantity,))
    settings: Settings = current_app.config["SETTINGS"]
    terms = wanted.terms_hash or NO_TERMS
    allowance, deadline = issue(user_id, wanted)
    typed = mint_permit(wanted.shares_address, int(wanted.chain_id), wanted.wallet, allowance, terms, deadline)
    signature = signers.of_role(settings, Role.PERMIT).sign_typed_data(typed)
    arguments = (wanted.quantity, allowance, terms, deadline, signature)
    return encode_call("MasterShares", "mintWithPermit", arguments)


def issue(user_id: uuid.UUID, wanted: Purchase) -> tuple[int, int]:
    """(allowance, deadline) of a permit that is written down. Raises Conflict where the cap leaves no room."""
    if wanted.cap is None:
        return _unlimited(user_id, wanted)
    standing = _ask(wanted, _wallets(db.session(), user_id, wanted))
    with transaction() as session:
        _lock(session, user_id, wanted.ipo_id)
        if not _wallets(session, user_id, wanted) <= set(standing.minted):
            raise Conflict("Your wallets have changed just now. Please try again.")
        used = _used(session, user_id, wanted, standing)
        own = used.pop(wanted.wallet, 0)
        allowance = max(own, standing.minted[wanted.wallet] + wanted.quantity)
        _within_cap(wanted, standing, sum(used.values()), allowance)
        deadline = standing.at + PERMIT_SECONDS
        _write(session, user_id, wanted, allowance, deadline)
        return allowance, deadline


def _unlimited(user_id: uuid.UUID, wanted: Purchase) -> tuple[int, int]:
    """Without a cap the supply is the limit, and the contract keeps that itself."""
    deadline = current().clock() + PERMIT_SECONDS
    with transaction() as session:
        _write(session, user_id, wanted, wanted.supply, deadline)
    return wanted.supply, deadline


def _ask(wanted: Purchase, wallets: set[str]) -> Standing:
    """The time first: what is minted afterwards can only be more."""
    client = current()
    at = client.clock()
    minted: dict[str, int] = {}
    for wallet in sorted(wallets):
        answer = client.call(wanted.shares_address, encode_call("MasterShares", "mintedBy", (wallet,)))
        minted[wallet] = decode_result("MasterShares", "mintedBy", answer)[0]
    return Standing(at, minted)


def _wallets(session: Session, user_id: uuid.UUID, wanted: Purchase) -> set[str]:
    """The person's wallets: linked now, or linked when they got a permit."""
    linked = {w.wallet_address for w in account_queries.wallets_of(session, user_id) if w.verified}
    return linked | {row.wallet for row in _permits(session, user_id, wanted)} | {wanted.wallet}


def _permits(session: Session, user_id: uuid.UUID, wanted: Purchase) -> list[MintPermit]:
    return list(
        session.scalars(sa.select(MintPermit).where(MintPermit.ipo_id == wanted.ipo_id, MintPermit.user_id == user_id))
    )


def _used(session: Session, user_id: uuid.UUID, wanted: Purchase, standing: Standing) -> dict[str, int]:
    """Wallet -> the more of what it minted and what a permit that still holds lets it mint."""
    used = dict(standing.minted)
    for permit in _permits(session, user_id, wanted):
        if permit.deadline.timestamp() + SKEW_SECONDS >= standing.at:
            used[permit.wallet] = max(used[permit.wallet], permit.allowance)
    return used


def _within_cap(wanted: Purchase, standing: Standing, others: int, allowance: int) -> None:
    cap = wanted.cap or 0
    if others + allowance <= cap:
        return
    left = max(0, cap - sum(standing.minted.values()))
    waiting = (
        " A purchase that you began may still be under way; leave it 15 minutes." if left >= wanted.quantity else ""
    )
    raise Conflict(f"One person may buy {cap} shares of this; you may buy {left} more.{waiting}")


def _lock(session: Session, user_id: uuid.UUID, ipo_id: uuid.UUID) -> None:
    """One permit at a time for a person in an offer, also before the first row; other buyers do not wait."""
    key = sa.func.hashtextextended(f"permit:{ipo_id}:{user_id}", 0)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _write(session: Session, user_id: uuid.UUID, wanted: Purchase, allowance: int, deadline: int) -> None:
    until = dt.datetime.fromtimestamp(deadline, dt.UTC)
    row = session.scalars(
        sa.select(MintPermit).where(MintPermit.ipo_id == wanted.ipo_id, MintPermit.wallet == wanted.wallet)
    ).one_or_none()
    if row is not None and row.user_id != user_id and wanted.cap is not None:
        raise Conflict("This wallet has bought in this offer for another account already.")
    values = {"user_id": user_id, "allowance": allowance, "deadline": until,
              "policy_version": wanted.terms_version, "terms_hash": wanted.terms_hash}  # fmt: skip
    session.execute(
        insert(MintPermit)
        .values(id=uuid.uuid4(), ipo_id=wanted.ipo_id, wallet=wanted.wallet, **values)
        .on_conflict_do_update(index_elements=["ipo_id", "wallet"], set_=values)
    )
