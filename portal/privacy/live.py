"""Room "job:<id>" on the live line: how far the copy of one's own data is."""

from __future__ import annotations

import uuid
from typing import Any

from flask_login import current_user

from portal.db import db
from portal.privacy import queries
from portal.privacy.exporting import news
from portal.web.access import signed_in
from portal.web.sockets import room


def may_join(export_id: uuid.UUID) -> bool:
    return queries.export(db.session(), current_user.user_id, export_id) is not None


def state(export_id: uuid.UUID) -> list[dict[str, Any]]:
    found = queries.export(db.session(), current_user.user_id, export_id)
    return [news(export_id, found.steps_done, finished=found.finished_at is not None)] if found else []


room("job", signed_in, may_join, state)
