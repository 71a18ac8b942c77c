"""What buying and handing back share: the master, a refusal, the steps of what is on its way, and what to sign."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.chain import wallets
from portal.config import Settings
from portal.db import db
from portal.errors import DomainError, NotFound
from portal.idempotency import Answer
from portal.marketplace import master_page
from portal.marketplace.wording import decimals
from portal.masters import acts
from portal.masters import queries as master_queries
from portal.masters.acts import Act
from portal.masters.intents import Unsigned
from portal.masters.models import Master
from portal.web.pages import answer

T = TypeVar("T")

SAFE = "Nothing was moved."

Line = tuple[str, int | None, str | None]
"""(label, amount in smallest units, text): one of the last two is told."""


def settings() -> Settings:
    """The portal's settings."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def found(master_id: uuid.UUID) -> Master:
    """The master, where everybody may see it. Raises NotFound."""
    master = master_queries.public(db.session(), master_id)
    if master is None:
        raise NotFound
    return master


def refused(master_id: uuid.UUID, refusal: DomainError, quantity: str = "") -> Response:
    """The master's page as it stands now, with the reason in the offer's box and the quantity that was typed."""
    errors = getattr(refusal, "errors", [])
    reason = errors[0].message if errors else refusal.detail
    viewer = master_page.Viewer(current_user.user_id, settings())
    asked = master_page.Asked(quantity=quantity, refusal=reason)
    values = master_page.page(db.session(), found(master_id), viewer, asked)
    return answer("marketplace/master.html", refusal.status, **values)


def kept(steps_of: Callable[[T], str]) -> Callable[[T], Answer]:
    """What a double click is answered: the same steps."""

    def render(asked: T) -> Answer:
        return 303, {"location": steps_of(asked)}

    return render


def follow(act: Act, title: str, href: str, last: str, failed: str, why: str | None) -> dict[str, Any]:
    """Values of `marketplace/_purchase.html`; `last` says what its end means, `failed` and `why` that it failed."""
    steps = acts.steps(act, last)
    if act.failure is not None:
        steps[-1] |= {"text": failed, "note": why}
    return {
        "title": title,
        "href": href,
        "steps": steps,
        "settled": act.settled,
        "failed": act.failure is not None,
        "wallet": act.payload["wallet"],
        "tx": act.tx_hash,
        "tx_href": act.tx_href,
    }


def sign(
    title: str,
    lede: str,
    back: tuple[str, str],
    heading: str,
    lines: list[Line],
    currency: str,
    transactions: list[tuple[str, Unsigned]],
    wallet: str,
    terms: str | None = None,
    again: tuple[str, dict[str, str]] | None = None,
    confirm: tuple[str, dict[str, str], str] | None = None,
    nav: str = "discover",
    again_href: str | None = None,
) -> Response:
    """The page with an act's price lines and what there is to sign, in the order in which it is signed.

    `terms` is where the terms stand that whoever signs accepts, `again` the (action, fields) of the form that prepares
    it anew, `again_href` the address that does, `confirm` the (action, fields, text) of the button where the portal
    signs for this wallet.
    """
    return answer(
        "marketplace/sign.html",
        title=title,
        lede=lede,
        back=back,
        heading=heading,
        lines=lines,
        decimals=decimals(currency),
        currency=currency,
        terms_href=terms,
        again=again,
        again_href=again_href,
        confirm=confirm,
        nav=nav,
        wallet=wallet,
        box=wallets.box(settings(), wallet, [(name, t.to, t.value, t.data) for name, t in transactions], back[1]),
    )
