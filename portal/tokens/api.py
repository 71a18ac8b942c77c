"""Artist coins for API clients: an artist's coin, and who holds it."""

from __future__ import annotations

import uuid

from flask import current_app

from portal.artists import queries as artists
from portal.db import db
from portal.errors import BadRequest, NotFound
from portal.tokens import queries, shapes
from portal.versions import Api
from portal.web import cursors
from portal.web.access import anyone
from portal.web.schema import Page, Paging

api = Api("tokens_api", __name__)


@api.get("/artists/<slug>/coin", versions=(2,), access=anyone)
def get_coin(slug: str, version: int) -> shapes.Coin:
    """404 until the coin stands on the chain."""
    session = db.session()
    artist = artists.by_slug(session, slug)
    found = queries.coin_of(session, artist.id, str(current_app.config["SETTINGS"].chain_id)) if artist else None
    if found is None:
        raise NotFound
    return shapes.coin(found, queries.plan_of(session, found.artist_id))


@api.get("/coins/<uuid:coin_id>/holders", versions=(2,), access=anyone, query=Paging)
def get_holders(coin_id: uuid.UUID, version: int) -> Page[shapes.Holder]:
    """The largest first. The cursor is the last balance and wallet."""
    session, limit, after = db.session(), cursors.limit(), _place()
    found = queries.coin(session, coin_id)
    if found is None:
        raise NotFound
    rows = queries.holders(session, coin_id, limit + 1, after)
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "data": shapes.holders(found, rows[:limit]),
        "page": {"next": cursors.encode([str(last.balance), last.wallet_address]) if last else None},
    }


def _place() -> queries.Place | None:
    values = cursors.after()
    if values is None:
        return None
    match values:
        case [str() as balance, str() as wallet] if balance.isascii() and balance.isdigit() and len(balance) < 79:
            return int(balance), wallet
    raise BadRequest(cursors.INCOMPLETE)
