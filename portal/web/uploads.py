"""Requests that bring files: how big they may be, and where they are held meanwhile.

A body is 1 MB at most, except on the few addresses that take pictures or a recording, and there only from somebody who
is signed in. What is uploaded is held in memory until it is in the database: there is no file of it on a disk that
could be full, and none to clean up after a death.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any, NamedTuple, TypeVar

import flask
from flask import Flask, current_app, request
from flask_login import current_user

from portal.errors import TooLarge

IMAGE_BYTES = 10_000_000
"""The most that one picture may have (design of the API: limits of uploads)."""
BODY_BYTES = 2 * IMAGE_BYTES + 1_000_000
"""Two pictures at most in one form, and its other fields."""
RECORDING_BYTES = 60_000_000
"""The most that a recording may have as it is sent: six minutes of 16-bit stereo."""
DRAINED_BYTES = 200_000_000
V = TypeVar("V", bound=Callable[..., Any])


class Load(NamedTuple):
    """The most that a form may bring, in bytes with all its fields, and how that is said."""

    size: int
    said: str


class Request(flask.Request):
    def _get_file_stream(self, *_args: Any, **_more: Any) -> IO[bytes]:
        return io.BytesIO()


def takes_pictures(view: V) -> V:
    """Marks a view whose form has fields for pictures."""
    view.takes = Load(BODY_BYTES, f"A picture has at most {IMAGE_BYTES // 1_000_000} MB.")  # type: ignore[attr-defined]
    return view


def takes_a_recording(view: V) -> V:
    """Marks a view whose form has a field for a sound file."""
    most = f"A recording has at most {RECORDING_BYTES // 1_000_000} MB."
    view.takes = Load(RECORDING_BYTES + 1_000_000, most)  # type: ignore[attr-defined]
    return view


def load() -> Load | None:
    """What this form may bring, sent to an address that takes files; None for any other request."""
    view = current_app.view_functions.get(request.endpoint or "")
    sent = request.method == "POST" and request.mimetype == "multipart/form-data"
    return getattr(view, "takes", None) if sent else None


def set_up(app: Flask) -> None:
    """Before whatever reads the body first (the CSRF check does)."""
    app.request_class = Request

    @app.before_request
    def make_room() -> None:
        most = load()
        if most is None or not current_user.is_authenticated:
            return
        if (request.content_length or 0) > most.size:
            _drain()
            raise TooLarge(f"{most.said} Go back and choose a smaller one.")
        request.max_content_length = most.size


def _drain() -> None:
    """Read what is still coming: a browser that is cut off while it sends shows its own error, not our answer."""
    request.max_content_length = DRAINED_BYTES
    if (request.content_length or 0) <= DRAINED_BYTES:
        while request.stream.read(65_536):
            pass
