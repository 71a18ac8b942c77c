"""Handing back shares of a cancelled offer: the box's lines, the button, and its steps."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import current_app, request
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.chain.signer import demo_signers
from portal.config import Settings
from portal.db import db
from portal.errors import Conflict, NotFound
from portal.idempotency import Answer
from portal.marketplace import master_page
from portal.marketplace.signing import SAFE, follow, sign
from portal.marketplace.wording import decimals, master_href, short
from portal.masters import acts
from portal.masters import queries as master_queries
from portal.masters.models import Master
from portal.money import format_units
from portal.nfts import refunds
from portal.nfts.refunds import Handback
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.pages import Pages, answer, see

handing_back = Pages("handing_back", __name__)

NAMED = re.compile(r"(0x[0-9a-f]{40})-([0-9]{1,7})", re.ASCII)


def followed(session: Session, master: Master, user_id: uuid.UUID | None, wanted: str) -> dict[str, Any] | None:
    """The hand-back that the address names; only who asked for it sees it. It ends the open read transaction."""
    match = NAMED.fullmatch(wanted)
    act = acts.find(session, refunds.job_name(master.id, match[1], int(match[2]))) if match else None
    if act is None or act.payload.get("user_id") != str(user_id):
        return None
    count = len(act.payload["numbers"])
    title = f"You hand back {count} {'share' if count == 1 else 'shares'}"
    href = f"{master_href(master)}?refund={wanted}"
    return follow(act, title, href, "the money is in your wallet", f"It failed. {SAFE}", act.failure)


@handing_back.post("/masters/<uuid:master_id>/refund", access=signed_in)
def refund(master_id: uuid.UUID) -> Response:
    """From a demo wallet at once; any other wallet gets its transaction to sign."""
    master, settings = _found(master_id), _settings()
    wallet = request.form.get("wallet", "").lower()[:42]
    try:
        if wallet not in demo_signers(settings):
            return _to_sign(refunds.prepare(db.session(), current_user.user_id, master_id, wallet))
        asked = refunds.request(current_user.user_id, master_id, wallet, keyed(_kept(master_href(master))))
    except Conflict as refusal:
        viewer = master_page.Viewer(current_user.user_id, settings)
        told = master_page.Asked(refusal=refusal.detail)
        return answer("marketplace/master.html", 409, **master_page.page(db.session(), _found(master_id), viewer, told))
    return see(_steps_of(master_href(master), asked))


@handing_back.get("/masters/<uuid:master_id>/refund", access=anyone, endpoint="refund_page")
def refund_page(master_id: uuid.UUID) -> Response:
    return see(f"/masters/{master_id}")


def _steps_of(href: str, asked: Handback) -> str:
    return f"{href}?refund={asked.wallet}-{asked.numbers[0]}#purchase"


def _kept(href: str) -> Any:
    """A double click's answer: the same steps."""

    def render(asked: Handback) -> Answer:
        return 303, {"location": _steps_of(href, asked)}

    return render


def _to_sign(asked: Handback) -> Response:
    count, price = len(asked.numbers), format_units(asked.price, decimals(asked.currency))
    return sign(
        f"Hand back with the wallet {short(asked.wallet)}",
        "Your wallet signs; the contract takes the shares and pays their price to it. There is no deadline.",
        (asked.master.title, master_href(asked.master)),
        "What it pays",
        [
            (f"{count} {'share' if count == 1 else 'shares'} × {price}", asked.amount, None),
            ("Goes to", None, short(asked.wallet)),
            ("Network fee", None, "your wallet says"),
            ("You receive", asked.amount, None),
        ],
        asked.currency,
        [("Hand the shares back", asked.unsigned())],
    )


def _found(master_id: uuid.UUID) -> Master:
    found = master_queries.public(db.session(), master_id)
    if found is None:
        raise NotFound
    return found


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
