"""GET /me/portfolio, one's own wallets only."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from portal.db import db
from portal.portfolio import queries, shapes
from portal.versions import Api
from portal.web.access import signed_in

api = Api("portfolio_api", __name__)


@api.get("/me/portfolio", versions=(1, 2), access=signed_in)
def get_portfolio(version: int) -> dict[str, Any]:
    session, user_id = db.session(), current_user.user_id
    return shapes.portfolio(
        queries.wallets(session, user_id),
        queries.nfts(session, user_id),
        queries.balances(session, user_id),
        version,
    )
