"""The artist's coin in the studio: its name before it is made, and afterwards how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from flask import current_app, flash, request
from flask_login import current_user
from pydantic import Field
from werkzeug.wrappers import Response

from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.dashboard.studio import badge
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.tokens import queries, service, wording
from portal.tokens.models import CoinPlan
from portal.web.access import role
from portal.web.bodies import Body, Text, form_body, keyed, parse
from portal.web.pages import Pages, answer, see

coins = Pages("dashboard_coins", __name__)
ARTIST = role("artist")
HERE = "/studio/coin"


class CoinName(Body):
    name: Annotated[Text, Field(min_length=1, max_length=64)]
    symbol: Annotated[Text, Field(min_length=2, max_length=11)]


@coins.get(HERE, access=ARTIST)
def coin() -> Response:
    return _page(None, [])


@coins.post(HERE, access=ARTIST)
def name_coin() -> Response:
    try:
        form = parse(CoinName, form_body())
        settings, symbol = current_app.config["SETTINGS"], form.symbol.upper()
        service.name_coin(current_user.user_id, form.name, symbol, settings, keyed(_done))
    except Invalid as error:
        return _page(request.form, error.errors, 422)
    except Conflict as refusal:
        return _page(None, [FieldError("body", refusal.detail)], 409)
    flash("Saved.", "success")
    return see(HERE)


@coins.post(f"{HERE}/retry", access=ARTIST)
def retry() -> Response:
    try:
        service.retry_coin(current_user.user_id, keyed(lambda _none: (303, {"location": HERE})))
    except NotFound:
        return _page(None, [FieldError("body", "Nothing about the coin has failed.")], 409)
    return see(HERE)


@coins.get(f"{HERE}/retry", access=ARTIST, endpoint="coin_back")
def back() -> Response:
    return see(HERE)


def _done(_plan: CoinPlan) -> tuple[int, dict[str, Any]]:
    return 303, {"location": HERE}


def _page(typed: Mapping[str, Any] | None, errors: list[FieldError], status: int = 200) -> Response:
    session, artist = db.session(), _artist()
    found = wording.shown(session, artist.id, current_app.config["SETTINGS"], steps=True)
    artist = _artist()
    plan = queries.plan_of(session, artist.id)
    name, symbol = (plan.name, plan.symbol) if plan else service.suggested(session, artist)
    return answer(
        "dashboard/coin.html",
        status,
        artist=badge(artist),
        coin=found,
        may_name=plan is None or plan.ipo_id is None,
        values=typed if typed is not None else {"name": name, "symbol": symbol},
        errors=errors,
    )


def _artist() -> Artist:
    artist = artist_queries.of_user(db.session(), current_user.user_id)
    if artist is None:
        raise NotFound
    return artist
