"""The pictures of a form: each file field is named as its place; a box `no_<place>` takes the picture away."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from flask import current_app, request
from werkzeug.datastructures import FileStorage

from portal.config import Settings
from portal.errors import FieldError, Invalid, TooLarge
from portal.files.places import SHAPES, Picture, Place, Unusable
from portal.files.store import UNCHANGED, Change, Sent
from portal.web.bodies import form_body
from portal.web.uploads import IMAGE_BYTES

log = logging.getLogger(__name__)
T = TypeVar("T")
LOST = "Choose this picture once more: a browser does not keep it."


def received(read: Callable[[dict[str, Any]], T], *places: Place) -> tuple[T, dict[Place, Change]]:
    """What `read` makes of the form's fields, and what becomes of each place.

    Raises Invalid with what is wrong about both, or TooLarge.
    """
    fields = form_body()
    changes, refused = _pictures(fields, places)
    try:
        form = read(fields)
    except Invalid as error:
        raise Invalid([*error.errors, *(refused.errors if refused else [])]) from error
    if refused:
        raise refused
    return form, changes


def with_lost(error: Invalid) -> list[FieldError]:
    """The errors of a form that is shown again, and a word at each picture that was fine and must be chosen anew."""
    named = {wrong.field for wrong in error.errors}
    sent = [name for name, file in request.files.items() if file.filename and name not in named]
    return [*error.errors, *(FieldError(name, LOST) for name in sent)]


def _pictures(fields: dict[str, Any], places: tuple[Place, ...]) -> tuple[dict[Place, Change], Invalid | None]:
    changes: dict[Place, Change] = dict.fromkeys(places, UNCHANGED)
    errors, kind = [], Invalid
    for name in set(request.files) - {place.value for place in places}:
        errors.append(FieldError(name, "This is not a field of this form."))
    for place in places:
        taken_away = fields.pop(f"no_{place}", None) is not None
        try:
            picture = _picture(request.files.get(place.value), place)
        except Invalid as error:
            errors += error.errors
            kind = type(error)
        else:
            if picture or taken_away:
                changes[place] = Sent(picture, _quota())
    return changes, kind(errors) if errors else None


def _picture(sent: FileStorage | None, place: Place) -> Picture | None:
    """None where no file was chosen. Raises Invalid or TooLarge."""
    if sent is None or not sent.filename:
        return None
    from portal.files.pictures import prepared

    raw = sent.stream.read(IMAGE_BYTES + 1)
    if len(raw) > IMAGE_BYTES:
        raise TooLarge(FieldError(place.value, f"A picture has at most {IMAGE_BYTES // 1_000_000} MB."))
    try:
        return apart(lambda: prepared(raw, SHAPES[place]))
    except Unusable as error:
        if error.__cause__ is not None:
            log.info("a picture was refused: %s", type(error.__cause__).__name__)
        raise Invalid(FieldError(place.value, str(error))) from error


def _quota() -> int:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.picture_bytes_per_person


def apart(work: Callable[[], T]) -> T:
    """Under gevent in a thread of its own, so that everybody else is served meanwhile; two pictures at a time."""
    if "gevent.monkey" not in sys.modules:
        return work()
    done, error = _desk().apply(_tried, (work,))
    if error is not None:
        raise error
    return done  # type: ignore[no-any-return]


def _tried(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """What came of it: gevent prints what a thread raises, as if nobody had waited for it."""
    try:
        return work(), None
    except Exception as error:
        return None, error


@cache
def _desk() -> Any:
    from gevent.threadpool import ThreadPool

    return ThreadPool(2)
