"""The terms of an offer, word for word, as a page and as the text whose hash stands on the chain."""

from __future__ import annotations

import uuid

from flask import Response, make_response
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal.db import db
from portal.errors import NotFound
from portal.marketplace.wording import master_href
from portal.masters import policies, queries
from portal.masters.models import Master, PolicyVersion
from portal.web.access import anyone
from portal.web.pages import Pages, answer, see

terms = Pages("terms", __name__)


@terms.get("/masters/<uuid:master_id>/terms", access=anyone)
def latest(master_id: uuid.UUID) -> BaseResponse:
    master = _master(master_id)
    if master.ipo is None or master.ipo.terms_version is None:
        raise NotFound
    return see(f"/masters/{master_id}/terms/{master.ipo.terms_version}")


@terms.get("/masters/<uuid:master_id>/terms/<int(max=9999):version>", access=anyone)
def page(master_id: uuid.UUID, version: int) -> BaseResponse:
    master, found = _found(master_id, version)
    return answer(
        "marketplace/terms.html",
        master={"title": master.title, "href": master_href(master)},
        version=found.version,
        since=found.created_at,
        text=found.content,
        hash=found.content_hash,
        text_href=f"/masters/{master_id}/terms/{version}.txt",
    )


@terms.get("/masters/<uuid:master_id>/terms/<int(max=9999):version>.txt", access=anyone, endpoint="plain")
def plain(master_id: uuid.UUID, version: int) -> Response:
    """The very bytes that the hash is made of."""
    response = make_response(_found(master_id, version)[1].content.encode())
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response


def _found(master_id: uuid.UUID, version: int) -> tuple[Master, PolicyVersion]:
    master = _master(master_id)
    found = policies.of_version(db.session(), master.ipo.id, str(version)) if master.ipo else None
    if found is None:
        raise NotFound
    return master, found


def _master(master_id: uuid.UUID) -> Master:
    found = queries.visible(db.session(), master_id, current_user.user_id)
    if found is None:
        raise NotFound
    return found
