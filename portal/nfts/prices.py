"""What a resale costs and whom it pays, to the smallest unit: the lines of every act, on pages and in the API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.masters.models import MasterContract, MasterIpo
from portal.money import bps_of

NATIVE_COIN = "ETH"


class Label(StrEnum):
    """What a line tells; `networkFee` is an estimate in ETH, all other lines are exact."""

    PRICE = "price"
    ARTIST = "artist"
    FIRST = "firstMinter"
    SECOND = "secondMinter"
    THIRD = "thirdMinter"
    FEE = "fee"
    SELLER_RECEIVES = "sellerReceives"
    BUYER_PAYS = "buyerPays"
    PAID_OUT = "paidOut"
    NETWORK_FEE = "networkFee"


INCLUDED = (Label.ARTIST, Label.FIRST, Label.SECOND, Label.THIRD, Label.FEE)
"""They are parts of the price: the seller bears them."""


@dataclass(frozen=True)
class Line:
    """`amount` in smallest units of `currency`."""

    label: Label
    amount: int
    currency: str

    @property
    def included(self) -> bool:
        return self.label in INCLUDED


@dataclass(frozen=True)
class Split:
    """Who gets what of a price, in smallest units; `parts` of artist, first, second and third minter.

    A part is None where nobody fills the slot: it is not charged and stays with the seller.
    """

    price: int
    parts: tuple[int, int | None, int | None, int | None]
    fee: int

    @property
    def royalty(self) -> int:
        return sum(part or 0 for part in self.parts)

    @property
    def seller_gets(self) -> int:
        return self.price - self.royalty - self.fee

    def lines(self, currency: str) -> list[Line]:
        """Price, its parts, what the seller receives and what the buyer pays."""
        told = [(Label.PRICE, self.price), *zip(INCLUDED, (*self.parts, self.fee), strict=True)]
        told += [(Label.SELLER_RECEIVES, self.seller_gets), (Label.BUYER_PAYS, self.price)]
        return [Line(label, amount, currency) for label, amount in told if amount is not None]


def split(price: int, ipo: MasterIpo, contract: MasterContract, fee_bps: int) -> Split:
    """As `MasterShares.resaleParts` and `Market` reckon: each part and the fee floored, the rest is the seller's."""
    slots = (
        (ipo.first_minter_bonus_bps, contract.first_minter_wallet),
        (ipo.second_minter_bonus_bps, contract.second_minter_wallet),
        (ipo.third_minter_bonus_bps, contract.third_minter_wallet),
    )
    first, second, third = (bps_of(price, rate or 0) if wallet else None for rate, wallet in slots)
    return Split(price, (bps_of(price, ipo.secondary_royalty_bps), first, second, third), bps_of(price, fee_bps))


def with_network_fee(lines: list[Line], fee: int | None) -> list[Line]:
    """The lines and, where it can be told, about what the network takes of the wallet (wei)."""
    return lines if fee is None else [*lines, Line(Label.NETWORK_FEE, fee, NATIVE_COIN)]
