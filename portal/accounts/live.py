"""Room "user:<id>" on the live line: a person's own news. Sockets end with the session that opened them."""

from __future__ import annotations

import uuid

from flask import current_app
from flask_login import current_user

from portal.accounts import queries
from portal.config import Settings
from portal.db import db
from portal.web.access import signed_in
from portal.web.sockets import room, sessions_checked_by


def may_join(user_id: uuid.UUID) -> bool:
    return bool(user_id == current_user.user_id)


def alive(session_ids: set[uuid.UUID]) -> dict[uuid.UUID, frozenset[str]]:
    settings: Settings = current_app.config["SETTINGS"]
    return queries.sessions_in_force(
        db.session(), session_ids, settings.session_idle_seconds, settings.privileged_idle_seconds
    )


room("user", signed_in, may_join)
sessions_checked_by(alive)
