"""GET /admin/users."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from portal.admin import queries
from portal.db import db
from portal.errors import BadRequest
from portal.versions import Api, stamp
from portal.web import cursors
from portal.web.access import permission

api = Api("admin_api", __name__)


@api.get("/admin/users", versions=(1, 2), access=permission("admin:users"))
def get_users(version: int) -> dict[str, Any]:
    """People with e-mail, roles and status, newest first; the same in both versions."""
    limit = cursors.limit()
    rows = queries.users(db.session(), limit + 1, _after())
    page, more = rows[:limit], len(rows) > limit
    cursor = cursors.encode([page[-1].created_at.isoformat(), str(page[-1].id)]) if more else None
    return {"data": [_shape(row) for row in page], "page": {"next": cursor}}


def _after() -> tuple[dt.datetime, uuid.UUID] | None:
    values = cursors.after()
    if values is None:
        return None
    try:
        made, row_id = values
        return dt.datetime.fromisoformat(made), uuid.UUID(row_id)
    except (TypeError, ValueError) as error:
        raise BadRequest("This page address is not complete; start from the first page.") from error


def _shape(row: queries.UserRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "displayName": row.display_name,
        "status": row.status,
        "roles": row.roles,
        "createdAt": stamp(row.created_at),
        "lastLoginAt": stamp(row.last_login_at),
    }
