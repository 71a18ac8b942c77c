"""GET /admin/users."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from pydantic import Field

from portal.admin import queries
from portal.db import db
from portal.errors import BadRequest
from portal.masters import launch
from portal.masters.models import Master
from portal.masters.shapes import shape_response
from portal.versions import Api, stamp
from portal.web import cursors
from portal.web.access import permission
from portal.web.bodies import Body, Text, json_body, parse

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


@api.get("/admin/masters", versions=(2,), access=permission("admin:users"))
def get_waiting(version: int) -> dict[str, Any]:
    """Masters of unverified artists that wait for staff, the oldest first."""
    rows = queries.waiting_masters(db.session())
    return {"data": [shape_response(m, m.ipo, version) for m in rows], "page": {"next": None}}


@api.post("/admin/masters/<uuid:master_id>/approve", versions=(2,), access=permission("admin:users"))
def post_approve(master_id: uuid.UUID, version: int) -> dict[str, Any]:
    return _decided(launch.approve_master(master_id))


@api.post("/admin/masters/<uuid:master_id>/send-back", versions=(2,), access=permission("admin:users"))
def post_send_back(master_id: uuid.UUID, version: int) -> dict[str, Any]:
    form = parse(Reason, json_body())
    return _decided(launch.send_back(master_id, form.reason))


class Reason(Body):
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


def _decided(master: Master) -> dict[str, Any]:
    return {"id": str(master.id), "status": master.status.value}
