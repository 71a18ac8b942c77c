"""Buying by plain POST, for demo wallets: the job pays and mints, the page shows the steps."""

from __future__ import annotations

import uuid

from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import queries as account_queries
from portal.db import db
from portal.errors import FieldError, Invalid
from portal.masters import minting
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.pages import Pages, see

pages = Pages("masters", __name__)


@pages.post("/masters/<uuid:master_id>/mint", access=signed_in)
def mint(master_id: uuid.UUID) -> Response:
    """Quantity and wallet (the primary one unless told); a double click buys once."""
    wallets = account_queries.wallets_of(db.session(), current_user.user_id)
    wallet = request.form.get("wallet") or (wallets[0].wallet_address if wallets else "")
    text = request.form.get("quantity", "")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Invalid(FieldError("quantity", "Enter how many shares, from 1 to 10."))
    here = f"/masters/{master_id}"
    minting.request_mint(
        current_user.user_id, master_id, wallet, int(text), keyed(lambda name: (303, {"location": here}))
    )
    return see(here)


@pages.get("/masters/<uuid:master_id>/mint", access=anyone)
def mint_page(master_id: uuid.UUID) -> Response:
    return see(f"/masters/{master_id}")
