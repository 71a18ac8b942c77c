"""Double entry in smallest units: what we have (cash, in transit, carried on chain) against what we owe.

A positive amount is something we have, a negative one something we owe; the entries of a posting sum to zero, so
the whole ledger does. Entries are append-only: a mistake is posted back, never changed. Cash and transit belong to
one master each, so that one recording's money never pays another's holders.

recorded and verified   cash +u                            revenue -u
correction verified     revenue +u                         cash -u, then forward +u, revenue -u
shared out              revenue +u                         forward -used, holders -h, platform -p, and for the others
  with a wallet         what was credited before           parts -(theirs + that)
  without one                                              artist -a, producer -b, collaborator -c
sent to the chain       transit +t                         cash -t
deposit final           holders +(h-d), carry +d, parts    transit -t     (d: change of the contract's carry)
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import Units
from portal.errors import Conflict
from portal.revenue.models import LedgerAccount, LedgerEntry


@dataclass(frozen=True)
class Account:
    """An account by its name; it comes into being with its first entry."""

    kind: str
    currency: str
    owner_type: str | None = None
    owner_id: uuid.UUID | None = None
    master_id: uuid.UUID | None = None

    @property
    def key(self) -> str:
        """'carry:<master>:USDC', 'artist:<artist>:<master>:USDC', 'platform:<master>:USDC'."""
        parts = (self.kind, self.owner_id, self.master_id, self.currency)
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True)
class Line:
    account: Account
    amount: int


def of_master(kind: str, master_id: uuid.UUID, currency: str) -> Account:
    """`kind`: cash, transit, revenue, forward, holders, parts or carry."""
    return Account(kind, currency, "master", master_id)


def of_party(party: str, master_id: uuid.UUID, currency: str) -> Account:
    """'artist:<id>', 'producer:<id>', 'collaborator:<id>' or 'platform': what one master owes it and has not sent."""
    kind, _, owner = party.partition(":")
    if not owner:
        return Account(kind, currency, master_id=master_id)
    return Account(kind, currency, kind, uuid.UUID(owner), master_id)


def post(session: Session, lines: Iterable[Line], *, revenue_event_id: uuid.UUID | None = None) -> uuid.UUID:
    """Write one posting and return its id; lines of 0 are left out.

    Raises ValueError when a currency's lines do not sum to zero.
    """
    kept = [line for line in lines if line.amount]
    sums: dict[str, int] = defaultdict(int)
    for line in kept:
        sums[line.account.currency] += line.amount
    if any(sums.values()):
        raise ValueError(f"a posting must sum to zero, not {dict(sums)}")
    posting = uuid.uuid4()
    ids = _ids(session, [line.account for line in kept])
    rows = [_row(posting, ids, line, revenue_event_id) for line in kept]
    if rows:
        session.execute(sa.insert(LedgerEntry), rows)
    return posting


def reverse(session: Session, posting: uuid.UUID) -> None:
    """Post the same amounts back: what was planned did not happen."""
    entries = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.posting_id == posting)).all()
    undo = uuid.uuid4()
    rows = [
        {
            "posting_id": undo,
            "account_id": entry.account_id,
            "amount": -entry.amount,
            "currency": entry.currency,
            "revenue_event_id": entry.revenue_event_id,
        }
        for entry in entries
    ]
    if rows:
        session.execute(sa.insert(LedgerEntry), rows)


def balance(session: Session, account: Account) -> int:
    """The sum of an account's entries, in smallest units; 0 for an account without entries."""
    total = sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0)
    found = session.scalar(sa.select(sa.cast(total, Units())).join(LedgerAccount).where(_named(account)))
    return int(found or 0)


def hold(session: Session, account: Account) -> int:
    """Lock an account until the command ends and return its balance: what is decided on it stays true."""
    _ids(session, [account])
    session.execute(sa.select(LedgerAccount.id).where(_named(account)).with_for_update())
    return balance(session, account)


def send(session: Session, master_id: uuid.UUID, currency: str, amount: int) -> Sequence[Line]:
    """The lines that move `amount` from cash into transit. Raises Conflict for more than the cash that is booked."""
    cash = of_master("cash", master_id, currency)
    if amount > hold(session, cash):
        raise Conflict("A deposit cannot exceed the cash that was booked for this master.")
    return Line(of_master("transit", master_id, currency), amount), Line(cash, -amount)


def _named(account: Account) -> sa.ColumnElement[bool]:
    return LedgerAccount.key == account.key


def _ids(session: Session, accounts: Sequence[Account]) -> dict[str, uuid.UUID]:
    """Account key -> id, making the accounts that are missing (in one order, so that two commands cannot block)."""
    wanted = {account.key: account for account in accounts}
    if wanted:
        values = [
            {
                "id": uuid.uuid4(),
                "key": key,
                "kind": account.kind,
                "owner_type": account.owner_type,
                "owner_id": account.owner_id,
                "currency": account.currency,
            }
            for key, account in sorted(wanted.items())
        ]
        session.execute(insert(LedgerAccount).values(values).on_conflict_do_nothing(index_elements=["key"]))
    rows = session.execute(sa.select(LedgerAccount.key, LedgerAccount.id).where(LedgerAccount.key.in_(wanted)))
    return {row.key: row.id for row in rows}


def _row(
    posting: uuid.UUID, ids: dict[str, uuid.UUID], line: Line, revenue_event_id: uuid.UUID | None
) -> dict[str, object]:
    return {
        "posting_id": posting,
        "account_id": ids[line.account.key],
        "amount": line.amount,
        "currency": line.account.currency,
        "revenue_event_id": revenue_event_id,
    }
