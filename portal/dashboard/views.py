"""The artist's back office: becoming an artist, the studio's first page, a new master, a draft changed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.artists import forms as artist_forms
from portal.artists import queries as artist_queries
from portal.artists import service as artist_service
from portal.artists.models import Artist
from portal.config import Settings
from portal.covers import PALETTES
from portal.dashboard import master_form, master_page, studio
from portal.dashboard.coin_views import coins
from portal.dashboard.master_acts import acts, own
from portal.dashboard.recording import recording
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.files.places import Place
from portal.files.receiving import received, with_lost
from portal.masters import forms, service
from portal.masters.models import Master
from portal.masters.shapes import cover_url
from portal.web.access import role, signed_in
from portal.web.bodies import Body, form_body, keyed, parse
from portal.web.pages import Pages, answer, see
from portal.web.uploads import takes_pictures

pages = Pages("dashboard", __name__)
more_pages = (acts, coins, recording)
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
    months = request.args.get("months", "")
    return answer("dashboard/home.html", **studio.home(db.session(), _artist(), current_user.display_name, months))


@pages.get("/studio/masters", access=ARTIST)
def masters() -> Response:
    return answer("dashboard/masters.html", **studio.listed(db.session(), _artist()), at="masters", to="")


@pages.get("/studio/revenue", access=ARTIST)
def revenue() -> Response:
    """Revenue is recorded master by master: choose one."""
    return answer("dashboard/masters.html", **studio.listed(db.session(), _artist()), at="revenue", to="/revenue")


@pages.get("/studio/masters/new", access=ARTIST)
def new_master() -> Response:
    return _form_page(DEFAULTS, [])


@pages.post("/studio/masters/new", access=ARTIST)
@takes_pictures
def create_master() -> Response:
    def then(master: Master) -> tuple[int, dict[str, Any]]:
        return 303, {"location": f"/studio/masters/{master.id}"}

    try:
        form, sent = received(lambda fields: parse(forms.NewMaster, forms.typed_fields(fields)), Place.COVER)
        master = service.create_master_with_ipo(
            current_user.user_id, form.details(), form.terms(), _settings(), keyed(then), sent[Place.COVER]
        )
    except Invalid as error:
        return _form_page(request.form, _worded(error), error.status)
    return see(f"/studio/masters/{master.id}")


def _worded(error: Invalid) -> list[FieldError]:
    return [FieldError(_shown(wrong.field), wrong.message) for wrong in with_lost(error)]


def _shown(name: str) -> str:
    """The page's name of a field: its offer stands flat, percentages are typed as percentages."""
    flat = name.removeprefix("ipo.")
    return {"revenueShareNftHoldersBps": "holdersPercent", "secondaryRoyaltyBps": "royaltyPercent"}.get(flat, flat)


def _form_page(
    values: Mapping[str, Any], errors: list[FieldError], status: int = 200, editing: dict[str, Any] | None = None
) -> Response:
    return answer(
        "dashboard/master_form.html",
        status,
        values=values,
        errors=errors,
        editing=editing,
        types=[("track", "Track"), ("album", "Album")],
        genres=GENRES,
        currencies=[{"code": "USDC", "decimals": 6}, {"code": "ETH", "decimals": 18}],
        fee_bps=_settings().primary_fee_bps,
        artist=studio.badge(_artist()),
    )


@pages.get("/studio/masters/<uuid:master_id>/edit", access=ARTIST)
def edit_master(master_id: uuid.UUID) -> Response:
    found = own(master_id)
    if not master_page.may_edit(found):
        return see(f"/studio/masters/{master_id}")
    return _edit_page(found, master_form.typed(found), [])


@pages.post("/studio/masters/<uuid:master_id>/edit", access=ARTIST)
@takes_pictures
def save_master(master_id: uuid.UUID) -> Response:
    """A draft that somebody else changed meanwhile is shown as it stands now (409)."""
    here = f"/studio/masters/{master_id}"
    try:
        form, sent = received(
            lambda fields: parse(forms.NewMaster, forms.typed_fields(_without(fields, "edition"))), Place.COVER
        )
        service.edit_draft(
            current_user.user_id, master_id, form.details(), form.terms(), _settings(),
            keyed(lambda _master: (303, {"location": here})), request.form.get("edition"), sent[Place.COVER],
        )  # fmt: skip
    except Invalid as error:
        return _edit_page(own(master_id), request.form, _worded(error), error.status)
    except Conflict as changed:
        found = own(master_id)
        return _edit_page(found, master_form.typed(found), [FieldError("body", changed.detail)], 409)
    flash("Saved.", "success")
    return see(here)


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _edit_page(
    found: Master, values: Mapping[str, Any], errors: list[FieldError], status: int = 200
) -> Response:
    about = {
        "href": f"/studio/masters/{found.id}",
        "title": found.title,
        "edition": service.edition(found),
        "cover_url": cover_url(found),
        "own_cover": found.cover_image_url is not None,
    }
    return _form_page(values, errors, status, editing=about)


@pages.get("/studio/pictures", access=ARTIST)
def pictures() -> Response:
    return _pictures_page([])


@pages.post("/studio/pictures", access=ARTIST)
@takes_pictures
def save_pictures() -> Response:
    """Portrait and banner of the artist's own page."""
    try:
        _nothing, sent = received(lambda fields: parse(Body, fields), Place.PORTRAIT, Place.BANNER)
        artist_service.set_pictures(current_user.user_id, sent[Place.PORTRAIT], sent[Place.BANNER])
    except Invalid as error:
        return _pictures_page(with_lost(error), error.status)
    flash("Saved.", "success")
    return see("/studio/pictures")


def _pictures_page(errors: list[FieldError], status: int = 200) -> Response:
    artist = _artist()
    return answer(
        "dashboard/pictures.html",
        status,
        artist=studio.badge(artist),
        href=f"/artists/{artist.slug}",
        portrait=artist.profile_image_url,
        banner=artist.banner_image_url,
        errors=errors,
    )


def _artist() -> Artist:
    artist = artist_queries.of_user(db.session(), current_user.user_id)
    if artist is None:
        raise NotFound
    return artist


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
