"""Lists for staff, and their decisions about masters."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import Field

from portal.admin import paging, queries, records, shapes, work
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
    page, cursor = paging.part(queries.users(db.session(), limit + 1, cursors.place()), limit)
    return {"data": [shapes.person(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/audit-logs", versions=(2,), access=permission("audit:read"), query=Paging)
def get_audit_logs(version: int) -> Page[shapes.AuditRecord]:
    """The audit log, newest first, each row with the number of its seal."""
    limit = cursors.limit()
    rows = records.audit_rows(db.session(), limit + 1, cursors.place(), records.Asked())
    page, cursor = paging.part(rows, limit)
    return {"data": [shapes.audit_record(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/security-events", versions=(2,), access=permission("security:read"), query=Paging)
def get_security_events(version: int) -> Page[shapes.Alert]:
    """Security events, newest first."""
    limit = cursors.limit()
    rows = records.security_events(db.session(), limit + 1, cursors.place(), records.Suspect())
    page, cursor = paging.part(rows, limit)
    return {"data": [shapes.alert(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/webhooks", versions=(2,), access=permission("webhooks:read"), query=Paging)
def get_webhooks(version: int) -> Page[shapes.Hook]:
    """Incoming webhooks without their payloads, newest first."""
    limit = cursors.limit()
    page, cursor = paging.part(records.webhooks(db.session(), limit + 1, cursors.place(), "", ""), limit)
    return {"data": [shapes.hook(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/jobs", versions=(2,), access=permission("jobs:read"), query=Paging)
def get_jobs(version: int) -> Page[shapes.Job]:
    """Work that waits, failed or is done, without what it was asked with; newest first."""
    limit = cursors.limit()
    page, cursor = paging.part(work.jobs(db.session(), limit + 1, cursors.place(), "", ""), limit)
    return {"data": [shapes.job(row) for row in page], "page": {"next": cursor}}


@api.get("/admin/masters", versions=(2,), access=permission("admin:masters"), query=Paging)
def get_waiting(version: int) -> Page[MasterV2]:
    """Masters of unverified artists that wait for staff, the oldest first."""
    limit = cursors.limit()
    page, cursor = paging.part(queries.waiting_masters(db.session(), limit + 1, cursors.place()), limit, "updated_at")
    return {"data": [master_v2(m, m.ipo) for m in page], "page": {"next": cursor}}


@api.post("/admin/masters/<uuid:master_id>/approve", versions=(2,), access=permission("admin:masters"))
def post_approve(master_id: uuid.UUID, version: int) -> shapes.Decided:
    return shapes.decided(launch.approve_master(master_id, keyed(_decided)))


@api.post("/admin/masters/<uuid:master_id>/send-back", versions=(2,), access=permission("admin:masters"))
def post_send_back(master_id: uuid.UUID, version: int, body: SendBack) -> shapes.Decided:
    return shapes.decided(launch.send_back(master_id, body.reason, keyed(_decided)))


def _decided(master: Master) -> tuple[int, shapes.Decided]:
    return 200, shapes.decided(master)
