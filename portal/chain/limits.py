"""What the sender refuses or puts off: calls dearer than their purpose needs, and more than a day may cost.

A role's spending of the last 24 hours is counted from its signed transactions before the next one is signed, under
the account's lock: `gas × maxFeePerGas + value` of each, the most that it can cost. Of several versions of one nonce
only the last counts; a failed one moved no value, but its gas counts. Stablecoins that the treasury deposits are not
counted: verified receipts bound them, native revenue that it deposits is value and counts. Near the limit and at it
the security team hears, once a day and limit; the work waits, and goes on by itself.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.chain.enums import ChainTransactionStatus as Status
from portal.chain.models import ChainTransaction
from portal.chain.signer import Role
from portal.config import Settings
from portal.db import transaction, utcnow
from portal.errors import Conflict, Waiting

DAY = dt.timedelta(hours=24)
NEAR_PERCENT = 80
GAS = {
    "bootstrap": 8_000_000,
    "deploy": 1_200_000,
    "coin": 800_000,
    "deposit": 2_000_000,
    "claim": 4_000_000,
    "refund": 4_000_000,
}
"""The most gas of a purpose, by its first word: the contracts' figures with room for longer words and more people."""
GAS_ELSE = 600_000


class TooMuchGas(Conflict):
    """Such a call never needs that much: something about it is wrong."""


class SpendingLimit(Waiting):
    """The role has spent what a day allows; it goes on when the day has passed or the limit is raised."""

    retry_after = 300


def gas_limit(purpose: str) -> int:
    """The most gas that a transaction of this purpose may ask for."""
    kind = purpose.partition(":")[0]
    return GAS.get(kind, GAS_ELSE)


def must_fit(purpose: str, gas: int) -> None:
    """Raises TooMuchGas."""
    most = gas_limit(purpose)
    if gas > most:
        raise TooMuchGas(f"This would take {gas:,} gas; such a transaction may take {most:,} at most.")


def allowed(settings: Settings, role: Role) -> int:
    """Wei that a role may spend in 24 hours."""
    return settings.treasury_cap_per_day if role is Role.TREASURY else settings.spend_cap_per_day


def spent(session: Session, chain_id: str, sender: str) -> int:
    """Wei that this account's transactions of the last 24 hours can cost at most.

    Nonces rise with time, so the index on them leads to those of the day alone.
    """
    t = ChainTransaction
    mine = t.chain_id == chain_id, t.sender == sender, t.status != Status.REPLACED
    before = sa.select(t.nonce).where(*mine, t.created_at <= sa.func.now() - DAY).order_by(t.nonce.desc()).limit(1)
    moved = sa.case((t.status == Status.FAILED, 0), else_=t.value)
    cost = sa.cast(sa.func.coalesce(sa.func.sum(t.gas * t.max_fee_per_gas + moved), 0), sa.Numeric)
    total = session.scalar(sa.select(cost).where(*mine, t.nonce > sa.func.coalesce(before.scalar_subquery(), -1)))
    return int(total or 0)


def hold(session: Session, settings: Settings, role: Role | None, chain_id: str, sender: str, cost: int) -> None:
    """Before `cost` wei more are signed for; the caller holds the account's lock. Nobody's role has no limit.

    Raises SpendingLimit where they do not fit into the day any more.
    """
    if role is None:
        return
    most, total = allowed(settings, role), spent(session, chain_id, sender) + cost
    if total > most:
        raise SpendingLimit(
            "The portal has spent what it may on the chain in a day. This goes on by itself within a day, or when the"
            " limit is raised."
        )
    if total * 100 >= most * NEAR_PERCENT:
        _tell(session, role, "near", total, most)


def tell_reached(settings: Settings, role: Role | None) -> None:
    """The refused transaction's own is rolled back: this is told in another."""
    if role is not None:
        with transaction() as session:
            _tell(session, role, "reached", None, allowed(settings, role))


def _tell(session: Session, role: Role, level: str, total: int | None, most: int) -> None:
    """The records lie above the chain: they hear by a job's name, once a day, level and limit."""
    payload = {"role": role.value, "level": level, "spent": None if total is None else str(total), "limit": str(most)}
    name = f"spending:{role.value}:{level}:{most}:{utcnow().date()}"
    outbox.add(session, "note_spending", payload, dedupe=name)
