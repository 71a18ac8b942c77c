"""Who acts: set once a request or a job, read by every audit row and by the database's row security.

Each transaction starts by naming the person to PostgreSQL, nobody included, so that no pooled connection ever
remembers its last one. Core connections that skip the session see public rows only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.orm import Session

from portal.db import db
from portal.web import peer


@dataclass(frozen=True)
class Actor:
    """`kind` is user, system, webhook or admin; `identifier` an e-mail address or the system part's name."""

    kind: str = "system"
    user_id: uuid.UUID | None = None
    identifier: str = "portal"
    ip_address: str | None = None
    user_agent: str | None = None
    path: str | None = None
    method: str | None = None


PERSON = sa.text("SELECT set_config('app.user_id', :person, true)")

_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def actor() -> Actor:
    return _actor.get() or Actor()


def set_actor(value: Actor | None) -> None:
    _actor.set(value)


@sa.event.listens_for(db.session, "after_begin")
def _begun(_session: Session, _transaction: Any, connection: sa.Connection) -> None:
    name_person(connection)


def name_person(connection: sa.Connection) -> None:
    """Row security knows the person until this transaction ends (specification 4.4, `app.user_id`)."""
    connection.execute(PERSON, {"person": str(actor().user_id or "")})


@contextmanager
def acting_as(value: Actor) -> Iterator[None]:
    """For jobs, commands and tests: everything inside is done by `value`."""
    token = _actor.set(value)
    try:
        yield
    finally:
        _actor.reset(token)


def set_up(app: Flask) -> None:
    """Start each request as an unknown visitor; signing in fills in the person (`accounts.identity`)."""

    @app.before_request
    def start() -> None:
        set_actor(
            Actor(
                kind="user",
                identifier="visitor",
                ip_address=peer.address(),
                user_agent=request.user_agent.string[:500],
                path=request.path[:500],
                method=request.method[:10],
            )
        )

    @app.teardown_request
    def forget(_error: BaseException | None = None) -> None:
        set_actor(None)
