"""/ipfs/<cid>: a file under the address of its content, which never means anything else."""

from __future__ import annotations

from flask import Response, request

from portal.db import db
from portal.errors import NotFound
from portal.files import queries
from portal.files.cids import SHAPE
from portal.files.places import MEDIA_TYPE
from portal.web.access import anyone
from portal.web.pages import YEAR, Pages

pages = Pages("files", __name__)


@pages.get("/ipfs/<cid>", access=anyone)
def file(cid: str) -> Response:
    """Public, because what it shows is; kept for ever by whoever got it; a picture and nothing that could run.

    A picture of a draft is public to who has its CID: nobody can guess one without having the picture.
    """
    content = queries.content(db.session(), cid) if SHAPE.fullmatch(cid) else None
    if content is None:
        raise NotFound
    response = Response(content, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response.headers["Content-Disposition"] = f'inline; filename="{cid}.webp"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other marketplaces show the token's image
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.set_etag(cid)
    response.make_conditional(request)
    return response
