"""GET /admin/users."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import Field

from portal.admin import paging, queries, shapes
from portal.db import db
from portal.masters import launch
from portal.masters.models import Master
from portal.masters.shapes import MasterV2, master_v2
from portal.versions import Api
from portal.web import cursors
from portal.web.access import permission
from portal.web.bodies import Body, Text, keyed
from portal.web.schema import Page, Paging

api = Api("admin_api", __name__)


class SendBack(Body):
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


@api.get("/admin/users", versions=(1, 2), access=permission("admin:users"), query=Paging)
def get_users(version: int) -> Page[shapes.Person]:
    """People with e-mail, roles and status, newest first; the same in both versions."""
    limit = cursors.limit()
    page, cursor = paging.part(queries.users(db.session(), limit + 1, paging.after()), limit)
    return {"data": [shapes.person(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/masters", versions=(2,), access=permission("admin:masters"))
def get_waiting(version: int) -> Page[MasterV2]:
    """Masters of unverified artists that wait for staff, the oldest first."""
    rows = queries.waiting_masters(db.session())
    return {"data": [master_v2(m, m.ipo) for m in rows], "page": {"next": None}}


@api.post("/admin/masters/<uuid:master_id>/approve", versions=(2,), access=permission("admin:masters"))
def post_approve(master_id: uuid.UUID, version: int) -> shapes.Decided:
    return shapes.decided(launch.approve_master(master_id, keyed(_decided)))


@api.post("/admin/masters/<uuid:master_id>/send-back", versions=(2,), access=permission("admin:masters"))
def post_send_back(master_id: uuid.UUID, version: int, body: SendBack) -> shapes.Decided:
    return shapes.decided(launch.send_back(master_id, body.reason, keyed(_decided)))


def _decided(master: Master) -> tuple[int, shapes.Decided]:
    return 200, shapes.decided(master)
