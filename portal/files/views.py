"""/ipfs/<cid>: a file under the address of its content, which never means anything else."""

from __future__ import annotations

from flask import Response, request
from werkzeug.datastructures import ContentRange

from portal.db import db
from portal.errors import NotFound
from portal.files import queries
from portal.files.cids import SHAPE
from portal.files.places import MEDIA_TYPE, RECORDING_TYPE
from portal.files.queries import Kept
from portal.web.access import anyone
from portal.web.pages import YEAR, Pages

pages = Pages("files", __name__)
MOST_AT_ONCE = 1_048_576
ENDINGS = {MEDIA_TYPE: "webp", RECORDING_TYPE: "mp3"}


@pages.get("/ipfs/<cid>", access=anyone)
def file(cid: str) -> Response:
    """Public, because what it shows is; kept for ever by whoever got it; a picture or sound, nothing that could run.

    A file of a draft is public to who has its CID: nobody can guess one without having the file.
    """
    kept = queries.find(db.session(), cid) if SHAPE.fullmatch(cid) else None
    if kept is None:
        raise NotFound
    response = _whole(cid) if kept.recording_id is None else _heard(cid, kept)
    response.mimetype = kept.media_type
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response.headers["Content-Disposition"] = f'inline; filename="{cid}.{ENDINGS[kept.media_type]}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other marketplaces show what a token leads to
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _whole(cid: str) -> Response:
    response = Response(queries.content(db.session(), cid))
    response.set_etag(cid)
    response.make_conditional(request)
    return response


def _heard(cid: str, kept: Kept) -> Response:
    """A recording, or the part of it that a player asks for: at most `MOST_AT_ONCE`, it asks for the next by itself.

    416 for a part that lies behind its end.
    """
    asked, same = request.range, request.if_range.etag in (None, cid)
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not same:
        response = _whole(cid)
    elif (span := asked.range_for_length(kept.size)) is None:
        response = Response(status=416, headers={"Content-Range": f"bytes */{kept.size}"})
    else:
        start, stop = span[0], min(span[1], span[0] + MOST_AT_ONCE)
        assert kept.recording_id is not None
        response = Response(queries.part(db.session(), kept.recording_id, start, stop), 206)
        response.content_range = ContentRange("bytes", start, stop, kept.size)
        response.set_etag(cid)
    response.accept_ranges = "bytes"
    return response
