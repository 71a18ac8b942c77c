"""A master that can be paid, and the words for its books."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.masters.enums import DividendDistributionModel
from portal.masters.models import DividendContract, Master
from portal.revenue import ledger
from portal.revenue.enums import RevenueSourceType
from portal.revenue.rules import RevenueData
from tests import factories

CHAIN = "31337"
ADDRESS = "0x" + "d1" * 20


def payable_master(session: Session, **changes: Any) -> Master:
    """A master with an IPO and a dividend contract that exists in the database only."""
    master = factories.master(session, **changes)
    session.add(
        DividendContract(
            master_id=master.id,
            distribution_model=DividendDistributionModel.PER_MASTER,
            chain_id=CHAIN,
            contract_address="0x" + uuid.uuid4().hex + "00000000",
        )
    )
    session.commit()
    return master


def finance(session: Session) -> User:
    return factories.person(session, roles=[UserRole.ADMIN])


def report(amount: str = "1000", currency: str = "USD", **changes: Any) -> RevenueData:
    return RevenueData(RevenueSourceType.DISTRIBUTOR, Decimal(amount), currency, **changes)


def book(session: Session, master: Master, currency: str = "USDC") -> dict[str, int]:
    """The balances of a master's accounts and of its artist and the platform."""
    session.commit()
    accounts = {
        kind: ledger.of_master(kind, master.id, currency)
        for kind in ("cash", "transit", "revenue", "forward", "holders", "parts", "carry")
    }
    accounts |= {
        "artist": ledger.of_party(f"artist:{master.artist_id}", master.id, currency),
        "platform": ledger.of_party("platform", master.id, currency),
    }
    found = {name: ledger.balance(session, account) for name, account in accounts.items()}
    return {name: amount for name, amount in found.items() if amount}
