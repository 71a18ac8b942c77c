"""What somebody wants of the market, before anything is checked: as a page, the API or a job's payload says it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Act(StrEnum):
    LIST = "list"
    CANCEL_LISTING = "cancel_listing"
    BUY = "buy"
    OFFER = "offer"
    CANCEL_OFFER = "cancel_offer"
    ACCEPT = "accept"
    WITHDRAW_CREDIT = "withdraw_credit"
    WITHDRAW_ROYALTY = "withdraw_royalty"


@dataclass(frozen=True)
class Wish:
    """One act on the market.

    `subject`: the share (list, cancel_listing, buy, offer), the offer (cancel_offer, accept), the master
    (withdraw_royalty), or None (withdraw_credit). `wallet` "" lets the portal choose one of the person's. `price` in
    smallest units of `currency` (a code): what is asked or bid, and of a purchase what the buyer saw.
    """

    act: Act
    subject: uuid.UUID | None
    wallet: str = ""
    price: int = 0
    currency: str = ""
    deadline: dt.datetime | None = None

    def as_payload(self) -> dict[str, Any]:
        """As an outbox row keeps it."""
        return {
            "act": self.act.value,
            "subject": str(self.subject) if self.subject else None,
            "wallet": self.wallet,
            "price": str(self.price),
            "currency": self.currency,
            "deadline": self.deadline.isoformat() if self.deadline else None,
        }

    @classmethod
    def of_payload(cls, kept: dict[str, Any]) -> Wish:
        return cls(
            Act(kept["act"]),
            uuid.UUID(kept["subject"]) if kept["subject"] else None,
            kept["wallet"],
            int(kept["price"]),
            kept["currency"],
            dt.datetime.fromisoformat(kept["deadline"]) if kept["deadline"] else None,
        )


def list_share(
    nft_id: uuid.UUID, price: int, currency: str, deadline: dt.datetime | None = None, wallet: str = ""
) -> Wish:
    """Offer one's own share at a price, or change what one asks for it."""
    return Wish(Act.LIST, nft_id, wallet.lower(), price, currency, deadline)


def cancel_listing(nft_id: uuid.UUID, wallet: str = "") -> Wish:
    return Wish(Act.CANCEL_LISTING, nft_id, wallet.lower())


def buy(nft_id: uuid.UUID, price: int, currency: str, wallet: str = "") -> Wish:
    """Buy a listed share for the price that was seen."""
    return Wish(Act.BUY, nft_id, wallet.lower(), price, currency)


def make_offer(
    nft_id: uuid.UUID, price: int, currency: str, deadline: dt.datetime | None = None, wallet: str = ""
) -> Wish:
    """Leave money with the market for a share; whoever owns it may accept until the deadline."""
    return Wish(Act.OFFER, nft_id, wallet.lower(), price, currency, deadline)


def cancel_offer(order_id: uuid.UUID) -> Wish:
    """Take one's own offer back; its money returns to the wallet that made it."""
    return Wish(Act.CANCEL_OFFER, order_id)


def accept_offer(order_id: uuid.UUID) -> Wish:
    """Sell one's own share to whoever made this offer."""
    return Wish(Act.ACCEPT, order_id)


def withdraw_credit(wallet: str, currency: str) -> Wish:
    """Fetch what the market could not deliver to a wallet."""
    return Wish(Act.WITHDRAW_CREDIT, None, wallet.lower(), 0, currency)


def withdraw_royalty(master_id: uuid.UUID, currency: str, wallet: str = "") -> Wish:
    """Fetch what resales of a master left for the roles that a wallet holds."""
    return Wish(Act.WITHDRAW_ROYALTY, master_id, wallet.lower(), 0, currency)
