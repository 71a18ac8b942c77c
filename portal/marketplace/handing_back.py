"""Handing back shares of a cancelled offer: the box's lines, the button, and its steps."""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.chain.reasons import helpful
from portal.chain.signer import demo_signers
from portal.db import db
from portal.errors import Conflict
from portal.marketplace.signing import SAFE, follow, found, kept, refused, settings, sign
from portal.marketplace.wording import decimals, master_href, shares, short
from portal.masters import acts
from portal.masters.models import Master
from portal.money import format_units
from portal.nfts import refunds
from portal.nfts.refunds import Handback
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.pages import Pages, see

handing_back = Pages("handing_back", __name__)

NAMED = re.compile(r"(0x[0-9a-f]{40})-([0-9]{1,7})", re.ASCII)


def followed(session: Session, master: Master, user_id: uuid.UUID | None, wanted: str) -> dict[str, Any] | None:
    """The hand-back that the address names; only who asked for it sees it. It ends the open read transaction."""
    match = NAMED.fullmatch(wanted)
    act = acts.find(session, refunds.job_name(master.id, match[1], int(match[2]))) if match else None
    if act is None or act.payload.get("user_id") != str(user_id):
        return None
    title = f"You hand back {shares(len(act.payload['numbers']))}"
    href = f"{master_href(master)}?refund={wanted}"
    return follow(act, title, href, "the money is in your wallet", f"It failed. {SAFE}", helpful(act.failure or ""))


@handing_back.post("/masters/<uuid:master_id>/refund", access=signed_in)
def refund(master_id: uuid.UUID) -> Response:
    """From a demo wallet at once; any other wallet gets its transaction to sign."""
    href = master_href(found(master_id))
    wallet = request.form.get("wallet", "").lower()[:42]
    try:
        if wallet not in demo_signers(settings()):
            return _to_sign(refunds.prepare(db.session(), current_user.user_id, master_id, wallet))
        asked = refunds.request(current_user.user_id, master_id, wallet, keyed(kept(partial(_steps_of, href))))
    except Conflict as refusal:
        return refused(master_id, refusal)
    return see(_steps_of(href, asked))


@handing_back.get("/masters/<uuid:master_id>/refund", access=anyone, endpoint="refund_page")
def refund_page(master_id: uuid.UUID) -> Response:
    return see(f"/masters/{master_id}")


def _steps_of(href: str, asked: Handback) -> str:
    return f"{href}?refund={asked.wallet}-{asked.numbers[0]}#purchase"


def _to_sign(asked: Handback) -> Response:
    price = format_units(asked.price, decimals(asked.currency))
    return sign(
        f"Hand back with the wallet {short(asked.wallet)}",
        "Your wallet signs; the contract takes the shares and pays their price to it. There is no deadline.",
        (asked.master.title, master_href(asked.master)),
        "What it pays",
        [
            (f"{shares(len(asked.numbers))} × {price}", asked.amount, None),
            ("Goes to", None, short(asked.wallet)),
            ("Network fee", None, "your wallet says"),
            ("You receive", asked.amount, None),
        ],
        asked.currency,
        [("Hand the shares back", asked.unsigned())],
        asked.wallet,
    )
