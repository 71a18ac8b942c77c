"""/admin/users: find people, suspend and reactivate them, give and take roles and permissions."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import standing
from portal.accounts.enums import AccountStatus, Permission, UserRole
from portal.admin import forms, paging, queries
from portal.admin.said import said
from portal.db import db
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.web import cursors
from portal.web.access import confirmed, permission
from portal.web.bodies import form_body, parse
from portal.web.pages import Pages, answer, see

pages = Pages("admin_people", __name__)
READ = permission("admin:users")
ACT = confirmed(READ)
GIVEN = [role for role in UserRole if role is not UserRole.VIEWER]


@pages.get("/admin/users", access=READ)
def users() -> Response:
    wanted = queries.Wanted(
        paging.typed(), paging.asked("status", *AccountStatus), paging.asked("role", *UserRole)
    )
    rows = queries.users(db.session(), paging.ROWS + 1, cursors.place(), wanted)
    shown, cursor = paging.part(rows, paging.ROWS)
    return answer(
        "admin/users.html",
        rows=shown,
        next_href=paging.onward(cursor),
        values={"q": wanted.text, "status": wanted.status, "role": wanted.role},
        statuses=list(AccountStatus),
        roles=list(UserRole),
    )


@pages.get("/admin/users/<uuid:user_id>", access=READ)
def user(user_id: uuid.UUID) -> Response:
    return _person(user_id)


def _person(user_id: uuid.UUID, errors: list[FieldError] | None = None, status: int = 200) -> Response:
    found = queries.someone(db.session(), user_id)
    if found is None:
        raise NotFound
    return answer(
        "admin/user.html",
        status,
        person=found,
        values=request.form if errors else {},
        errors=errors or [],
        own=user_id == current_user.user_id,
        roles=[(role.value, role.value.title()) for role in GIVEN],
        permissions=[(p.value, p.value) for p in Permission if p.value in current_user.permissions],
    )


@pages.post("/admin/users/<uuid:user_id>/<any(suspend, reactivate):act>", access=ACT)
def change_standing(user_id: uuid.UUID, act: str) -> Any:
    command = {"suspend": standing.suspend, "reactivate": standing.reactivate}[act]

    def do() -> str:
        command(current_user.user_id, user_id, parse(forms.Reason, form_body()).reason)
        return {
            "suspend": "Suspended. Every session of this person has ended.",
            "reactivate": "Reactivated.",
        }[act]

    return _done(user_id, do)


@pages.post("/admin/users/<uuid:user_id>/roles", access=ACT)
def give_role(user_id: uuid.UUID) -> Any:
    def do() -> str:
        form = parse(forms.GivenRole, form_body())
        standing.give_role(current_user.user_id, user_id, form.role, form.until)
        return f"{form.role.value.title()} given."

    return _done(user_id, do)


@pages.post("/admin/users/<uuid:user_id>/permissions", access=ACT)
def give_permission(user_id: uuid.UUID) -> Any:
    def do() -> str:
        form = parse(forms.GivenPermission, form_body())
        standing.give_permission(current_user.user_id, user_id, form.permission, form.until)
        return f"{form.permission.value} given."

    return _done(user_id, do)


@pages.post("/admin/users/<uuid:user_id>/roles/<name>/revoke", access=ACT)
def take_role(user_id: uuid.UUID, name: str) -> Any:
    if name not in set(UserRole):
        raise NotFound
    role = UserRole(name)

    def do() -> str:
        standing.take_role(current_user.user_id, user_id, role)
        return f"{role.value.title()} taken back. It ended with this moment."

    return _done(user_id, do)


@pages.post("/admin/users/<uuid:user_id>/permissions/<name>/revoke", access=ACT)
def take_permission(user_id: uuid.UUID, name: str) -> Any:
    if name not in set(Permission):
        raise NotFound

    def do() -> str:
        standing.take_permission(current_user.user_id, user_id, Permission(name))
        return f"{name} taken back. It ended with this moment."

    return _done(user_id, do)


@pages.get("/admin/users/<uuid:user_id>/<any(suspend, reactivate, roles, permissions):act>", access=READ)
def back(user_id: uuid.UUID, act: str) -> Any:
    """A reload after an act is no dead end."""
    return see(f"/admin/users/{user_id}")


def _done(user_id: uuid.UUID, act: Any) -> Any:
    """Do it and say so; what was wrong is said on the same page."""
    try:
        done = act()
    except Invalid as error:
        return _person(user_id, error.errors, 422)
    except Conflict as error:
        return _person(user_id, [FieldError("body", error.detail)], 409)
    said(done)
    return see(f"/admin/users/{user_id}")
