"""Where `tokenURI` and `contractURI` lead: public JSON, readable from any origin."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, current_app, jsonify, request

from portal.config import Settings
from portal.db import db
from portal.errors import NotFound
from portal.nfts import metadata, queries
from portal.web.access import anyone
from portal.web.pages import Pages

pages = Pages("nfts", __name__)
MINUTES = 5


@pages.get("/metadata/<uuid:master_id>/<int(max=1000000):number>", access=anyone)
def share(master_id: uuid.UUID, number: int) -> Response:
    """A share that was minted, also one that was handed back since."""
    found = queries.of_number(db.session(), master_id, number)
    if found is None:
        raise NotFound
    return _public(metadata.of_share(found, _origin()))


@pages.get("/metadata/<uuid:master_id>/contract", access=anyone)
def collection(master_id: uuid.UUID) -> Response:
    found = queries.launched(db.session(), master_id)
    if found is None:
        raise NotFound
    return _public(metadata.of_collection(found, _origin()))


def _public(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = f"public, max-age={60 * MINUTES}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.add_etag()
    response.make_conditional(request)
    return response


def _origin() -> str:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.public_url.rstrip("/")
