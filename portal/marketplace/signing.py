"""What buying and handing back share: the steps of something on its way, and transactions for a wallet to sign."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from portal.marketplace.wording import decimals
from portal.masters import acts
from portal.masters.acts import Act
from portal.masters.intents import Unsigned
from portal.web.pages import answer

SAFE = "Nothing was moved."

Line = tuple[str, int | None, str | None]
"""(label, amount in smallest units, text): one of the last two is told."""


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
        "tx_href": f"/transactions/{act.tx_hash}" if act.tx_hash else None,
    }


def sign(
    title: str,
    lede: str,
    back: tuple[str, str],
    heading: str,
    lines: list[Line],
    currency: str,
    transactions: list[tuple[str, Unsigned]],
    terms: str | None = None,
) -> Response:
    """The page with transactions for a wallet that signs elsewhere, in the order in which they are signed.

    `terms` is where the terms stand that whoever signs accepts.
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
        transactions=[_shown(name, one) for name, one in transactions],
    )


def _shown(title: str, one: Unsigned) -> dict[str, Any]:
    """`link` opens it in a wallet on this device (EIP-681)."""
    return {
        "title": title,
        "to": one.to,
        "value": one.value,
        "data": one.data,
        "chain_id": one.chain_id,
        "link": f"ethereum:{one.to}@{one.chain_id}?value={one.value}&data={one.data}",
    }
