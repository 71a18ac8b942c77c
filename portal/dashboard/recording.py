"""The recording of a master in its owner's hands: hear it, send it, take it away."""

from __future__ import annotations

import uuid

from flask import current_app, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.dashboard import master_page
from portal.dashboard.master_acts import own
from portal.dashboard.studio import badge
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid
from portal.files import queries as files
from portal.files.recordings import FIELD, Sent
from portal.masters import recordings
from portal.web.access import role
from portal.web.bodies import keyed
from portal.web.pages import Pages, answer, see
from portal.web.uploads import RECORDING_BYTES, takes_a_recording

recording = Pages("dashboard_recording", __name__)
ARTIST = role("artist")


@recording.get("/studio/masters/<uuid:master_id>/recording", access=ARTIST, endpoint="page")
def page(master_id: uuid.UUID) -> Response:
    return _page(master_id)


@recording.post("/studio/masters/<uuid:master_id>/recording", access=ARTIST, endpoint="send")
@takes_a_recording
def send(master_id: uuid.UUID) -> Response:
    """A file, or the wish to take away what is there."""
    here = f"/studio/masters/{master_id}/recording"
    again = keyed(lambda _done: (303, {"location": here}))
    try:
        if request.form.get("remove"):
            recordings.take_away(current_user.user_id, master_id, again)
            flash("The recording is taken away.", "success")
        else:
            recordings.send(current_user.user_id, master_id, _sent(), current_app.config["SETTINGS"], again)
    except Invalid as error:
        return _page(master_id, error.errors, error.status)
    except Conflict as refusal:
        return _page(master_id, [FieldError(FIELD, refusal.detail)], refusal.status)
    return see(here)


def _sent() -> Sent:
    """Raises Invalid where no file, an empty or too big a one was sent."""
    file = request.files.get(FIELD)
    if file is None or not file.filename:
        raise Invalid(FieldError(FIELD, "Choose the file of the recording."))
    size = file.stream.seek(0, 2)
    if size == 0:
        raise Invalid(FieldError(FIELD, "This file is empty."))
    if size > RECORDING_BYTES:
        raise Invalid(FieldError(FIELD, f"A recording has at most {RECORDING_BYTES // 1_000_000} MB."))
    return Sent(file.filename.replace("\0", ""), file.stream, size)


def _page(master_id: uuid.UUID, errors: list[FieldError] | None = None, status: int = 200) -> Response:
    found = own(master_id)
    kept = files.recording(db.session(), master_id)
    return answer(
        "dashboard/recording.html",
        status,
        artist=badge(found.artist),
        title=found.title,
        **master_page.recording(db.session(), found) | {"href": f"/studio/masters/{master_id}"},
        peaks=[height / 100 for height in kept.peaks] if kept else [],
        file_name=found.audio_file_name,
        stays=not recordings.may_change(found),
        most_mb=RECORDING_BYTES // 1_000_000,
        errors=errors or [],
    )
