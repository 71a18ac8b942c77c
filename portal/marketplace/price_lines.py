"""The lines of a resale in words: what is paid, who gets which part, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

from portal.marketplace.signing import Line as Told
from portal.money import format_units
from portal.nfts.prices import Label, Line

WORDS = {
    Label.PRICE: "Price",
    Label.ARTIST: "To the artist",
    Label.FEE: "Trading fee",
    Label.SELLER_RECEIVES: "Seller receives",
}
MINTERS = (Label.FIRST, Label.SECOND, Label.THIRD)
GWEI = 10**9


def for_seller(lines: Sequence[Line]) -> list[Told]:
    """The price, what is taken from it, and what the seller receives."""
    return [*_parts(lines), _network(lines), ("You receive", _of(lines, Label.SELLER_RECEIVES), None)]


def for_buyer(lines: Sequence[Line]) -> list[Told]:
    """Where the price goes, and what is paid."""
    goes = (WORDS[Label.SELLER_RECEIVES], _of(lines, Label.SELLER_RECEIVES), None)
    return [goes, *_parts(lines)[1:], _network(lines), ("To pay", _of(lines, Label.BUYER_PAYS), None)]


def for_receiver(lines: Sequence[Line]) -> list[Told]:
    return [_network(lines), ("You receive", _of(lines, Label.PAID_OUT), None)]


def only_fee(lines: Sequence[Line]) -> list[Told]:
    return [_network(lines)]


def _parts(lines: Sequence[Line]) -> list[Told]:
    told: list[Told] = [(WORDS[label], _of(lines, label), None) for label in (Label.PRICE, Label.ARTIST)]
    minters = [line.amount for line in lines if line.label in MINTERS]
    if minters:
        told.append(("To the first three buyers" if len(minters) > 1 else "To its first buyer", sum(minters), None))
    return [*told, (WORDS[Label.FEE], _of(lines, Label.FEE), None)]


def _of(lines: Sequence[Line], label: Label) -> int | None:
    return next((line.amount for line in lines if line.label is label), None)


def _network(lines: Sequence[Line]) -> Told:
    fee = _of(lines, Label.NETWORK_FEE)
    return "Network fee", None, "your wallet says" if fee is None else about(fee)


def about(fee: int) -> str:
    """A network fee in wei, as far as it can be told beforehand."""
    return f"about {format_units(fee - fee % (1000 * GWEI), 18)} ETH"
