"""What pages say about each act on the market: before it is signed, and while it is on its way.

`{no}` is the share's number, `{price}` the amount with its currency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portal.marketplace import price_lines
from portal.marketplace.signing import Line as Told
from portal.nfts.prices import Line
from portal.nfts.wishes import Act


@dataclass(frozen=True)
class Said:
    """`place` is the form on the share's page where a refusal is told."""

    title: str
    lede: str
    heading: str
    button: str
    lines: Callable[[Sequence[Line]], list[Told]]
    place: str = "act"


SAID = {
    Act.LIST: Said(
        "Sell No. {no}",
        "The share stays in your wallet until somebody buys it; you can change the price or take it off at any time.",
        "When it is bought",
        "List No. {no} for {price}",
        price_lines.for_seller,
        "sell",
    ),
    Act.CANCEL_LISTING: Said(
        "Take No. {no} off the market",
        "Nobody can buy it any more; the share never left your wallet.",
        "What it costs",
        "Take No. {no} off the market",
        price_lines.only_fee,
    ),
    Act.BUY: Said(
        "Buy No. {no}",
        "You get the share and every payment it earns from now on. What it earned before stays with who earned it.",
        "What it costs",
        "Buy No. {no} for {price}",
        price_lines.for_buyer,
        "buy",
    ),
    Act.OFFER: Said(
        "Make an offer for No. {no}",
        "The money waits in the market. Whoever owns the share may accept; until then you can take it back.",
        "If it is accepted",
        "Offer {price} for No. {no}",
        price_lines.for_buyer,
        "bid",
    ),
    Act.CANCEL_OFFER: Said(
        "Take your offer back",
        "The money returns to the wallet that made the offer.",
        "What comes back",
        "Take back {price}",
        price_lines.for_receiver,
    ),
    Act.ACCEPT: Said(
        "Sell No. {no} to this offer",
        "The money lies ready in the market: it is paid as soon as you sign.",
        "What you receive",
        "Sell No. {no} for {price}",
        price_lines.for_seller,
    ),
    Act.WITHDRAW_CREDIT: Said(
        "Withdraw {price}",
        "The market could not deliver this to your wallet and kept it for you.",
        "What comes to you",
        "Withdraw {price}",
        price_lines.for_receiver,
    ),
    Act.WITHDRAW_ROYALTY: Said(
        "Withdraw {price}",
        "Your part of resales waits in the contract until you fetch it. There is no deadline.",
        "What comes to you",
        "Withdraw {price}",
        price_lines.for_receiver,
    ),
}

STEPS = {
    Act.LIST: ("You put No. {no} up for sale", "it is for sale"),
    Act.CANCEL_LISTING: ("You take No. {no} off the market", "nobody can buy it"),
    Act.BUY: ("Your purchase of No. {no}", "the share is in your wallet"),
    Act.OFFER: ("Your offer for No. {no}", "the owner can accept it"),
    Act.CANCEL_OFFER: ("You take your offer for No. {no} back", "the money is in your wallet"),
    Act.ACCEPT: ("You sell No. {no}", "the money is in your wallet"),
    Act.WITHDRAW_CREDIT: ("Your withdrawal", "the money is in your wallet"),
    Act.WITHDRAW_ROYALTY: ("Your withdrawal", "the money is in your wallet"),
}
"""(what is on its way, what its end means)"""
