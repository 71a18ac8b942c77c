"""GET /me/portfolio, one's own wallets only."""

from __future__ import annotations

from flask_login import current_user

from portal.db import db
from portal.portfolio import queries, shapes
from portal.versions import Api
from portal.web.access import signed_in

api = Api("portfolio_api", __name__)


@api.get("/me/portfolio", versions=(1, 2), access=signed_in, answers=shapes.ANSWERS)
def get_portfolio(version: int) -> shapes.PortfolioV1 | shapes.PortfolioV2:
    session, user_id = db.session(), current_user.user_id
    wallets, nfts = queries.wallets(session, user_id), queries.nfts(session, user_id)
    shaped = shapes.portfolio_v1 if version == 1 else shapes.portfolio_v2
    return shaped(wallets, nfts, queries.balances(session, user_id))
