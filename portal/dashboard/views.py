"""The artist's back office: becoming an artist, the studio's first page, a new master, one master."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.artists import forms as artist_forms
from portal.artists import queries as artist_queries
from portal.artists import service as artist_service
from portal.artists.models import Artist
from portal.config import Settings
from portal.covers import PALETTES
from portal.dashboard import studio
from portal.db import db
from portal.errors import FieldError, Invalid, NotFound
from portal.masters import forms, launch, queries, service
from portal.masters.models import Master
from portal.web.access import role, signed_in
from portal.web.bodies import form_body, keyed, parse
from portal.web.pages import Pages, answer, see

pages = Pages("dashboard", __name__)
ARTIST = role("artist")

DEFAULTS = {
    "masterType": "track",
    "totalSupply": "1000",
    "currency": "USDC",
    "holdersPercent": "50.00",
    "royaltyPercent": "10.00",
    "allowSecondaryResale": "on",
}
GENRES = ["Alternative soul", "Ambient", "Cumbia", "Dub", "Folktronica", "Highlife", "Hip-hop", "House", "Jazz", "Pop",
          "R&B", "Rock"]  # fmt: skip


@pages.get("/studio/become", access=signed_in)
def become() -> Response:
    if artist_queries.of_user(db.session(), current_user.user_id):
        return see("/studio")
    return _become_page({"palette": "brine"}, [])


@pages.post("/studio/become", access=signed_in)
def become_artist() -> Response:
    try:
        form = parse(artist_forms.NewArtist, form_body())
    except Invalid as error:
        return _become_page(request.form, error.errors, 422)
    artist_service.become_artist(
        current_user.user_id, form.artist_name, genre=form.genre, short_bio=form.short_bio, palette=form.palette
    )
    return see("/studio")


def _become_page(values: Mapping[str, Any], errors: list[FieldError], status: int = 200) -> Response:
    return answer("accounts/become_artist.html", status, values=values, errors=errors, palettes=PALETTES, genres=GENRES)


@pages.get("/studio", access=ARTIST)
def home() -> Response:
    return answer("dashboard/home.html", **studio.home(db.session(), _artist(), current_user.display_name))


@pages.get("/studio/masters", access=ARTIST)
def masters() -> Response:
    """The list is part of the studio's first page."""
    return see("/studio#masters")


@pages.get("/studio/revenue", access=ARTIST)
def revenue() -> Response:
    """Revenue is recorded master by master: choose one."""
    return see("/studio#masters")


@pages.get("/studio/masters/new", access=ARTIST)
def new_master() -> Response:
    return _form_page(DEFAULTS, [])


@pages.post("/studio/masters/new", access=ARTIST)
def create_master() -> Response:
    def then(master: Master) -> tuple[int, dict[str, Any]]:
        return 303, {"location": f"/studio/masters/{master.id}"}

    try:
        form = parse(forms.NewMaster, forms.typed_fields(form_body()))
        master = service.create_master_with_ipo(
            current_user.user_id, form.details(), form.terms(), _settings(), keyed(then)
        )
    except Invalid as error:
        return _form_page(request.form, [FieldError(_shown(e.field), e.message) for e in error.errors], 422)
    return see(f"/studio/masters/{master.id}")


def _shown(name: str) -> str:
    """The page's name of a field: its offer stands flat, percentages are typed as percentages."""
    flat = name.removeprefix("ipo.")
    return {"revenueShareNftHoldersBps": "holdersPercent", "secondaryRoyaltyBps": "royaltyPercent"}.get(flat, flat)


def _form_page(values: Mapping[str, Any], errors: list[FieldError], status: int = 200) -> Response:
    return answer(
        "dashboard/master_form.html",
        status,
        values=values,
        errors=errors,
        types=[("track", "Track"), ("album", "Album")],
        genres=GENRES,
        currencies=[{"code": "USDC", "decimals": 6}, {"code": "ETH", "decimals": 18}],
        fee_bps=_settings().primary_fee_bps,
        artist=studio.badge(_artist()),
    )


@pages.get("/studio/masters/<uuid:master_id>", access=ARTIST)
def master(master_id: uuid.UUID) -> Response:
    found = queries.owned(db.session(), master_id, current_user.user_id)
    if found is None:
        raise NotFound
    return answer("dashboard/master.html", **studio.master(db.session(), found))


@pages.post("/studio/masters/<uuid:master_id>/rights", access=ARTIST)
def confirm_rights(master_id: uuid.UUID) -> Response:
    service.confirm_rights(current_user.user_id, master_id)
    return see(f"/studio/masters/{master_id}")


@pages.get("/studio/masters/<uuid:master_id>/rights", access=ARTIST, endpoint="rights_back")
def rights_back(master_id: uuid.UUID) -> Response:
    return see(f"/studio/masters/{master_id}")


@pages.post("/studio/masters/<uuid:master_id>/launch", access=ARTIST)
def launch_master(master_id: uuid.UUID) -> Response:
    launch.launch_ipo(current_user.user_id, master_id)
    return see(f"/studio/masters/{master_id}")


@pages.post("/studio/masters/<uuid:master_id>/retry", access=ARTIST)
def retry_launch(master_id: uuid.UUID) -> Response:
    launch.retry_launch(current_user.user_id, master_id)
    return see(f"/studio/masters/{master_id}")


@pages.get("/studio/masters/<uuid:master_id>/<any(launch, retry):_act>", access=ARTIST, endpoint="launch_back")
def launch_back(master_id: uuid.UUID, _act: str) -> Response:
    return see(f"/studio/masters/{master_id}")


def _artist() -> Artist:
    artist = artist_queries.of_user(db.session(), current_user.user_id)
    if artist is None:
        raise NotFound
    return artist


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
