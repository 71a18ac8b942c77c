"""Buying in an offer: the box's wallets and price lines, the button, and the steps of a purchase.

A demo wallet's purchase is sent from here by a job and followed in steps; any other wallet gets its transactions to
sign.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.accounts import queries as account_queries
from portal.chain.reasons import helpful
from portal.chain.signer import demo_signers
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid
from portal.marketplace.signing import Line, follow, found, kept, refused, settings, sign
from portal.marketplace.wording import decimals, master_href, shares, short, terms_href
from portal.masters import acts, intents, minting
from portal.masters.acts import Act
from portal.masters.intents import MintIntent, Unsigned
from portal.masters.models import Master
from portal.money import format_units
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.pages import Pages, see

buying = Pages("buying", __name__)

# --- the steps --------------------------------------------------------------------------------------------


def followed(session: Session, master: Master, user_id: uuid.UUID | None, wanted: str) -> dict[str, Any] | None:
    """The purchase that the address names, for `marketplace/_purchase.html`; only its buyer sees it.

    It ends the read transaction that is open.
    """
    act = _act(session, master.id, user_id, wanted)
    if act is None:
        return None
    quantity = int(act.payload["quantity"])
    title = f"Your purchase of {shares(quantity)}"
    href, why = f"{master_href(master)}?purchase={wanted}", helpful(act.failure or "")
    return follow(act, title, href, "the shares are in your wallet", "It failed. Nothing was paid.", why)


def _act(session: Session, master_id: uuid.UUID, user_id: uuid.UUID | None, wanted: str) -> Act | None:
    try:
        act = acts.find(session, minting.job_name(uuid.UUID(wanted)))
    except ValueError:
        return None
    mine = act is not None and act.payload.get("user_id") == str(user_id)
    return act if mine and act is not None and act.payload.get("master_id") == str(master_id) else None


# --- the button -------------------------------------------------------------------------------------------


@buying.post("/masters/<uuid:master_id>/mint", access=signed_in)
def mint(master_id: uuid.UUID) -> Response:
    """Quantity and wallet (the first that can be signed for unless told); a double click buys once."""
    master = found(master_id)
    href, text = master_href(master), request.form.get("quantity", "")
    try:
        if not (text.isascii() and text.isdigit() and len(text) < 4):
            raise Invalid(FieldError("quantity", "Enter how many shares, from 1 to 10."))
        wallet = (request.form.get("other") or request.form.get("wallet") or _usual_wallet()).lower()
        if wallet and wallet not in demo_signers(settings()):
            return _to_sign(master, wallet, int(text))
        who, seen = current_user.user_id, request.form.get("termsVersion")
        name = minting.request_mint(who, master_id, wallet, int(text), keyed(kept(partial(_steps_of, href))), seen)
    except (Invalid, Conflict) as refusal:
        return refused(master_id, refusal, text)
    return see(_steps_of(href, name))


@buying.get("/masters/<uuid:master_id>/mint", access=anyone, endpoint="mint_page")
def mint_page(master_id: uuid.UUID) -> Response:
    return see(f"/masters/{master_id}")


def _steps_of(href: str, name: str) -> str:
    return f"{href}?purchase={name.removeprefix('mint:')}#purchase"


def _usual_wallet() -> str:
    """The first wallet that can be signed for, else the first one."""
    linked = [w.wallet_address for w in account_queries.wallets_of(db.session(), current_user.user_id)]
    able = [address for address in linked if address in demo_signers(settings())]
    return (able or linked or [""])[0]


# --- wallets that sign for themselves ---------------------------------------------------------------------


def _to_sign(master: Master, wallet: str, quantity: int) -> Response:
    """What the wallet has to sign, in this order, and what it costs."""
    seen = request.form.get("termsVersion")
    intent = intents.mint_intent(current_user.user_id, master.id, wallet, quantity, settings(), seen)
    terms = terms_href(master.id, intent.purchase.terms_version)
    return sign(
        f"Buy with the wallet {short(wallet)}",
        "Your wallet signs and pays; the shares arrive in it. Nothing is reserved until then.",
        (master.title, master_href(master)),
        "What it costs",
        _lines(intent),
        intent.purchase.currency,
        _transactions(intent),
        wallet,
        terms,
        (f"/masters/{master.id}/mint", _again(intent)),
    )


def _again(intent: MintIntent) -> dict[str, str]:
    """The fields that ask for the same with a fresh leave to buy."""
    bought = intent.purchase
    fields = {"quantity": str(bought.quantity), "other": bought.wallet}
    return fields | ({"termsVersion": bought.terms_version} if bought.terms_version else {})


def _lines(intent: MintIntent) -> list[Line]:
    bought = intent.purchase
    price = format_units(bought.price, decimals(bought.currency))
    return [
        (f"{shares(bought.quantity)} × {price}", bought.total, None),
        ("Sale fee, in the price", intent.fee, None),
        ("Network fee", None, "your wallet says"),
        ("To pay", bought.total, None),
    ]


def _transactions(intent: MintIntent) -> list[tuple[str, Unsigned]]:
    first = [("Let the contract take the coins", intent.approval)] if intent.approval else []
    return [*first, ("Buy the shares", intent.mint)]
