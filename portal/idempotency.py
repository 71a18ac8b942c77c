"""The same command sent twice acts once: the key is the first row of the command's own transaction.

`claim(session, request)` inserts it; whoever comes second waits at most two seconds for the first to finish and
then gets the first answer (`Replayed`), a Conflict while it still runs, or a refusal when the body differs.
`keep(session, result)` stores the answer before the commit, so that the key and the effect live or die together.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db import Created, Identified, Model
from portal.errors import Conflict, FieldError, Invalid, Replayed

WAIT_MILLISECONDS = 2000
Answer = tuple[int, Mapping[str, Any]]


class IdempotencyKey(Identified, Created, Model):
    """One client's key, the hash of what it asked, and the answer it got; kept for 24 hours."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (sa.UniqueConstraint("actor", "key"),)

    actor: Mapped[str] = mapped_column(sa.String(100))
    key: Mapped[str] = mapped_column(sa.String(255))
    request_hash: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]


@dataclass(frozen=True)
class KeyedRequest:
    """A request that carries a key. `render` turns the command's result into (status, JSON body)."""

    actor: str
    key: str
    request_hash: str
    render: Callable[[Any], Answer]


def claim(session: Session, request: KeyedRequest | None) -> None:
    """Insert the key before anything else; None (no key was sent) does nothing.

    Raises Replayed with the kept answer, Conflict while the first request still runs, Invalid for another body.
    """
    if request is None:
        return
    session.execute(sa.text(f"SET LOCAL lock_timeout = {WAIT_MILLISECONDS}"))
    statement = insert(IdempotencyKey).values(
        id=uuid.uuid4(), actor=request.actor, key=request.key, request_hash=request.request_hash
    )
    try:
        inserted = session.execute(statement.on_conflict_do_nothing().returning(IdempotencyKey.id)).scalar()
    except OperationalError as error:
        raise Conflict("The first request with this key is still running.") from error
    session.execute(sa.text("SET LOCAL lock_timeout = 0"))
    if inserted is None:
        _answer_again(session, request)
    session.info["idempotency"] = (inserted, request)


def keep(session: Session, result: Any) -> None:
    """Store the answer of this command beside its effects; does nothing without a key."""
    held = session.info.get("idempotency")
    if held is None:
        return
    row_id, request = held
    session.flush()
    status, body = request.render(result)
    session.execute(sa.update(IdempotencyKey).where(IdempotencyKey.id == row_id).values(status=status, body=body))


def forget_old(session: Session, before: dt.datetime) -> int:
    """Delete keys created before the given time (24 hours ago); returns how many."""
    result = session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < before))
    return int(getattr(result, "rowcount", 0))


def _answer_again(session: Session, request: KeyedRequest) -> None:
    row = session.scalars(
        sa.select(IdempotencyKey).where(IdempotencyKey.actor == request.actor, IdempotencyKey.key == request.key)
    ).one()
    if row.request_hash != request.request_hash:
        raise Invalid(FieldError("Idempotency-Key", "This key was used before with another request."))
    if row.status is None or row.body is None:
        raise Conflict("This request was carried out before; its answer was not kept.")
    raise Replayed(row.status, row.body)
