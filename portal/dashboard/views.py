"""The artist's back office: becoming an artist, the studio's first page, a new master, a draft changed."""

from __future__ import annotations

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
from portal.dashboard import studio
from portal.dashboard.coin_views import coins
from portal.dashboard.master_acts import acts
from portal.dashboard.recording import recording
from portal.dashboard.wizard_page import GENRES
from portal.dashboard.wizard_views import steps
from portal.db import db
from portal.errors import FieldError, Invalid, NotFound
from portal.files.places import Place
from portal.files.receiving import received, with_lost
from portal.web.access import role, signed_in
from portal.web.bodies import Body, form_body, parse
from portal.web.pages import Pages, answer, see
from portal.web.uploads import takes_pictures

pages = Pages("dashboard", __name__)
more_pages = (acts, steps, coins, recording)
ARTIST = role("artist")


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
