"""Rooms "vstudio:<id>" on the live line: anybody who may see a room may listen in it. Totals only."""

from __future__ import annotations

import uuid
from typing import Any

from flask_login import current_user

from portal.db import db
from portal.vstudio import queries
from portal.web.access import anyone
from portal.web.sockets import room


def may_join(room_id: uuid.UUID) -> bool:
    return queries.visible(db.session(), room_id, current_user.user_id) is not None


def state(room_id: uuid.UUID) -> list[dict[str, Any]]:
    """The last `vstudio.vote` and `vstudio.state`, as absolute values."""
    session = db.session()
    found = queries.visible(session, room_id, current_user.user_id)
    if found is None:
        return []
    at = queries.current(found, queries.clock(session))
    entity = {"sessionId": str(room_id)}
    return [
        {"type": "vstudio.vote", **entity, "totalVotes": found.total_votes, "seq": found.total_votes},
        {
            "type": "vstudio.state",
            **entity,
            "status": found.status.value,
            "decisionId": str(at[0].id) if at else None,
            "decisionState": at[1].value if at else None,
            "seq": found.version,
        },
    ]


room("vstudio", anyone, may_join, state)
