"""People and decisions as staff see them."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.accounts.enums import AccountStatus
from portal.admin.queries import UserRow
from portal.masters.enums import MasterStatus
from portal.masters.models import Master
from portal.versions import stamp
from portal.web.schema import Id, Time, one_of


class Person(TypedDict):
    id: Id
    email: str
    displayName: str
    status: Annotated[str, one_of(AccountStatus)]
    roles: list[str]
    createdAt: Time
    lastLoginAt: Time | None


class Decided(TypedDict):
    id: Id
    status: Annotated[str, one_of(MasterStatus)]


def person(row: UserRow) -> Person:
    """One row of GET /admin/users, the same in both versions."""
    return {
        "id": str(row.id),
        "email": row.email,
        "displayName": row.display_name,
        "status": row.status,
        "roles": row.roles,
        "createdAt": stamp(row.created_at),
        "lastLoginAt": stamp(row.last_login_at),
    }


def decided(master: Master) -> Decided:
    return {"id": str(master.id), "status": master.status.value}
