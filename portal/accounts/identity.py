"""Flask-Login over sessions that live on the server: the cookie holds only a random token.

`current_user` is a `Person`: read once a request, in one query, never the ORM row.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import current_app
from flask import session as cookie
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, login_user, logout_user

from portal.accounts import queries, service
from portal.audit.context import Actor, actor, name_person, set_actor
from portal.config import Settings
from portal.db import db, utcnow

TOUCH_EVERY = dt.timedelta(minutes=1)

login_manager = LoginManager()
login_manager.session_protection = None  # the server-side session does this better


class Person(UserMixin):  # type: ignore[misc]
    """Whoever sent this request, with the roles and permissions they hold now.

    `recent`: proved who they are within the last minutes. `factor_due`: has no second factor where one is asked of
    staff and of whoever changes where money goes; a newcomer's own machine asks nobody, so that the demo's staff
    can be used at once.
    """

    def __init__(self, row: queries.SessionRow, token: str, settings: Settings) -> None:
        self.user_id: uuid.UUID = row.user_id
        self.session_id: uuid.UUID = row.session_id
        self.email, self.display_name, self.avatar_url = row.email, row.display_name, row.avatar_url
        self.roles, self.permissions = row.roles, row.permissions
        self.two_factor = row.two_factor
        self.factor_due = not row.two_factor and not settings.newcomer_tools
        oldest = utcnow() - dt.timedelta(seconds=settings.step_up_seconds)
        self.recent = row.step_up_at is not None and row.step_up_at > oldest
        self._token = token

    @property
    def token(self) -> str:
        """The session's token, for signing out; it is in no answer and no log."""
        return self._token

    def get_id(self) -> str:
        return self._token


class Visitor(AnonymousUserMixin):  # type: ignore[misc]
    """Somebody who is not signed in."""

    user_id = None
    display_name = ""
    avatar_url = None
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    two_factor = factor_due = recent = False


login_manager.anonymous_user = Visitor


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load(token: str) -> Person | None:
    """The person of this cookie's token, or None when the session is over."""
    settings: Settings = current_app.config["SETTINGS"]
    row = queries.live_session(db.session(), token, settings.session_idle_seconds, settings.privileged_idle_seconds)
    if row is None:
        return None
    if utcnow() - row.last_seen_at > TOUCH_EVERY:
        service.touch_session(row.session_id)
    _act_as(row)
    return Person(row, token, settings)


def _act_as(row: queries.SessionRow) -> None:
    """From here on, audit rows of this request name the person, and row security knows them."""
    who = actor()
    kind = "admin" if "admin" in row.roles else "user"
    set_actor(Actor(kind, row.user_id, row.email, who.ip_address, who.user_agent, who.path, who.method))
    name_person(db.session().connection())


def begin(token: str) -> None:
    """Put a fresh session's token into the cookie; what the visitor's cookie held before is dropped."""
    cookie.clear()
    cookie.permanent = True
    person: Any = load(token)
    login_user(person)


def end() -> None:
    """Forget the cookie; the session row is revoked by `service.sign_out`."""
    logout_user()
    cookie.clear()
