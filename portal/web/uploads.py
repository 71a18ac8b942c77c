"""Requests that bring pictures: how big they may be, and where they are held meanwhile.

A body is 1 MB at most, except on the few addresses that take pictures, and there only from somebody who is signed in.
What is uploaded is held in memory until it has become a picture of ours: there is no file of it on a disk that could
be full, and none to clean up after a death.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any, TypeVar

import flask
from flask import Flask, current_app, request
from flask_login import current_user

from portal.errors import TooLarge

IMAGE_BYTES = 10_000_000
"""The most that one picture may have (design of the API: limits of uploads)."""
BODY_BYTES = 2 * IMAGE_BYTES + 1_000_000
"""Two pictures at most in one form, and its other fields."""
DRAINED_BYTES = 100_000_000
V = TypeVar("V", bound=Callable[..., Any])


class Request(flask.Request):
    def _get_file_stream(self, *_args: Any, **_more: Any) -> IO[bytes]:
        return io.BytesIO()


def takes_pictures(view: V) -> V:
    """Marks a view whose form has a file field."""
    view.takes_pictures = True  # type: ignore[attr-defined]
    return view


def brings_pictures() -> bool:
    """Whether this is a form with files, sent to an address that takes pictures."""
    view = current_app.view_functions.get(request.endpoint or "")
    sent = request.method == "POST" and request.mimetype == "multipart/form-data"
    return sent and bool(getattr(view, "takes_pictures", False))


def set_up(app: Flask) -> None:
    """Before whatever reads the body first (the CSRF check does)."""
    app.request_class = Request

    @app.before_request
    def make_room() -> None:
        if not brings_pictures() or not current_user.is_authenticated:
            return
        if (request.content_length or 0) > BODY_BYTES:
            _drain()
            raise TooLarge(f"A picture has at most {IMAGE_BYTES // 1_000_000} MB. Go back and choose a smaller one.")
        request.max_content_length = BODY_BYTES


def _drain() -> None:
    """Read what is still coming: a browser that is cut off while it sends shows its own error, not our answer."""
    request.max_content_length = DRAINED_BYTES
    if (request.content_length or 0) <= DRAINED_BYTES:
        while request.stream.read(65_536):
            pass
