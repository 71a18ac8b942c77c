"""What closing, cancelling and withdrawing would do, in words and figures, before the button that does it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.dashboard.master_page import CANCEL_WORDS, here, lines
from portal.dashboard.studio import badge, currency_of
from portal.errors import Conflict, NotFound
from portal.masters import ending, onchain
from portal.masters.ending import CancelEffect
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.money import format_units

NOT_UNDONE = "This cannot be undone."


def page(session: Session, found: Master, act: str) -> dict[str, Any]:
    """Values of `dashboard/confirm.html` for close, cancel or withdraw.

    Raises NotFound without an offer, Conflict with the reason where it is not possible now, Unavailable while the
    chain is silent and its figures are needed.
    """
    ipo = found.ipo
    if ipo is None:
        raise NotFound
    told = {"close": _close, "cancel": _cancel, "withdraw": _withdraw}[act](session, found, ipo)
    decimals, code = currency_of(ipo)
    return {
        "artist": badge(found.artist),
        "master": {"title": found.title, "href": here(found)},
        "action": f"{here(found)}/{act}",
        "version": ipo.version,
        "decimals": decimals,
        "currency": code,
        "lines": [],
        "to": None,
        "danger": act == "cancel",
        **told,
    }


def _close(session: Session, found: Master, ipo: MasterIpo) -> dict[str, Any]:
    if ipo.status is not IpoStatus.LIVE:
        raise Conflict("Only an open offer can be closed.")
    sold, unsold = ipo.minted_supply, ipo.total_supply - ipo.minted_supply
    money = f"The {_money(ipo, sold)} that they cost waits in the contract until you withdraw it."
    return {
        "title": f"Close the offer of {found.title}?",
        "points": [
            "No further share can be bought, from the moment the chain has it.",
            f"{sold:,} of {ipo.total_supply:,} shares are sold. "
            + (money if sold else "There is nothing to withdraw, then."),
            f"The {unsold:,} unsold shares stay with you: what they earn is credited to you.",
            "Holders keep their shares and may sell them from then on." if ipo.allow_secondary_resale
            else "Holders keep their shares.",
            NOT_UNDONE,
        ],
        "button": "Close the offer",
    }


def _cancel(session: Session, found: Master, ipo: MasterIpo) -> dict[str, Any]:
    effect = ending.cancel_effect(session, ipo)
    if effect is None:
        raise Conflict("This offer is over: it cannot be cancelled any more.")
    points = {
        CancelEffect.SHELVED: ["Nothing of it is on the chain.", "It can become a draft again at any time."],
        CancelEffect.TAKEN_BACK: ["Nothing of it is on the chain yet: the launch is stopped.",
                                  "The offer is a draft again; you may change and launch it anew."],
        CancelEffect.REFUNDED: _refunds(ipo),
    }  # fmt: skip
    return {
        "title": f"{CANCEL_WORDS[effect]}: {found.title}?",
        "points": points[effect],
        "button": CANCEL_WORDS[effect],
        "danger": effect is CancelEffect.REFUNDED,
    }


def _refunds(ipo: MasterIpo) -> list[str]:
    sold = ipo.minted_supply
    handed = (
        f"Holders of the {sold:,} sold shares hand them back for {_money(ipo, 1)} each, {_money(ipo, sold)} in all."
        if sold
        else "No share is sold, so nobody has to be paid back."
    )
    return [
        "The sale stops as soon as the chain has it.",
        handed,
        "There is no deadline: the money stays in the contract until they do. You receive nothing of it.",
        "Dividends that were paid already stay claimable; no further income is shared out.",
        NOT_UNDONE,
    ]


def _withdraw(session: Session, found: Master, ipo: MasterIpo) -> dict[str, Any]:
    if ipo.status is not IpoStatus.CLOSED or not found.contracts:
        raise Conflict("The money can be withdrawn once the offer is closed.")
    money = onchain.proceeds(found.contracts[0].contract_address)
    if money.waiting == 0:
        raise Conflict("It was paid out already." if money.paid else "No share was sold: there is nothing to withdraw.")
    decimals, code = currency_of(ipo)
    return {
        "title": f"Withdraw the proceeds of {found.title}",
        "points": ["The contract pays your wallet and the portal's fee in one transaction.",
                   "The portal sends it and pays the network's fee."],
        "lines": lines(money),
        "to": money.artist,
        "button": f"Withdraw {format_units(money.net, decimals)} {code}",
    }  # fmt: skip


def _money(ipo: MasterIpo, shares: int) -> str:
    decimals, code = currency_of(ipo)
    return f"{format_units((ipo.mint_price_wei or 0) * shares, decimals)} {code}"
