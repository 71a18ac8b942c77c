"""/me/wallets."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import queries, service
from portal.accounts.door import settings
from portal.chain.signer import demo_signers
from portal.db import db
from portal.errors import Conflict
from portal.web.access import signed_in
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("accounts_wallets", __name__)


@pages.get("/me/wallets", access=signed_in)
def wallets() -> Response:
    linked = queries.wallets_of(db.session(), current_user.user_id)
    return answer(
        "accounts/wallets.html",
        wallets=[{"address": w.wallet_address, "label": w.label, "primary": w.is_primary} for w in linked],
        demo=_free_demo_wallets(),
        next=safe_next(request.args.get("next"), ""),
    )


@pages.post("/me/wallets", access=signed_in)
def link_demo_wallet() -> Response:
    """Demo wallets exist in the embedded default on loopback alone."""
    offered = {w["address"]: w["number"] for w in _free_demo_wallets()}
    address = request.form.get("address", "").lower()
    if address not in offered:
        raise Conflict("This demo wallet is taken. Choose another one.")
    chain_id = str(settings().chain_id)
    service.link_demo_wallet(current_user.user_id, address, chain_id, f"Demo wallet {offered[address]}")
    return see(safe_next(request.form.get("next"), "/me/wallets"))


def _free_demo_wallets() -> list[dict[str, Any]]:
    every = list(demo_signers(settings()))
    taken = queries.linked_among(db.session(), every, str(settings().chain_id))
    return [{"number": n, "address": a} for n, a in enumerate(every, 1) if a not in taken]
