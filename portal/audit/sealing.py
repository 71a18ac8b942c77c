"""Seal what is new in the audit log: batches under a Merkle root, each seal chained to the one before.

Rows are taken up to a moment after which nothing older can appear. A row gets its time when it is inserted, which
is after its transaction took its lock on the table; so the sealer reads the clock, looks who holds that lock, and
waits until those have ended. Nobody waits for the sealer, and a row that commits late is not lost: the moment waits
for it. After the commit the seal's head leaves the database, as a log line and as a line in the data folder.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import heads, leaves
from portal.audit.leaves import SealBody
from portal.audit.models import AuditSeal
from portal.config import Settings
from portal.crypto.keyring import KEY_BYTES, Keyring, seal_keys
from portal.db import UTC, transaction

log = logging.getLogger(__name__)

BATCH = 10_000
PATIENCE_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.02
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=UTC)

WRITERS = sa.text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'audit_logs'::regclass"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
)
NEW_ROWS = sa.text(
    f"SELECT a.id, a.created_at, {leaves.FIELDS} FROM audit_logs a"  # noqa: S608  (constants)
    " WHERE a.created_at >= :start AND a.created_at < :end ORDER BY a.created_at, a.id LIMIT :most"
)
ADD_LEAVES = sa.text(
    "INSERT INTO audit_leaves (audit_id, seal_number, position, leaf, actor_key, actor_commitment, subject_key,"
    " subject_commitment) SELECT id, :number, ordinality - 1, leaf, actor_key, actor, subject_key, subject"
    " FROM unnest(cast(:ids AS uuid[]), cast(:leaf AS bytea[]), cast(:actor_keys AS bytea[]),"
    " cast(:actor AS bytea[]), cast(:subject_keys AS bytea[]), cast(:subject AS bytea[]))"
    " WITH ORDINALITY AS l (id, leaf, actor_key, actor, subject_key, subject, ordinality)"
)


def seal(settings: Settings) -> int:
    """Seal every row whose turn has come; returns how many. 0 as well when a writer stays for too long: next time."""
    end = horizon()
    total = 0
    while end is not None and (done := _seal_batch(seal_keys(settings), end)):
        total += done
    with transaction() as session:
        heads.export(session, settings)
    return total


def horizon(patience: float = PATIENCE_SECONDS) -> dt.datetime | None:
    """A time before which no row can appear any more; None when a writer outlasts `patience` (seconds)."""
    with transaction() as session:
        moment: dt.datetime = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        waited_for = set(session.scalars(WRITERS))
    give_up = time.monotonic() + patience
    while waited_for:
        if time.monotonic() > give_up:
            log.warning("the audit log is sealed later: a transaction writes for long")
            return None
        time.sleep(LOOK_EVERY_SECONDS)
        with transaction() as session:
            waited_for &= set(session.scalars(WRITERS))
    return moment


def _seal_batch(keys: Keyring, horizon: dt.datetime) -> int:
    """One seal over the oldest unsealed rows before `horizon`; returns its row count."""
    with transaction() as session:
        session.execute(sa.text(leaves.LOCK))
        last = session.scalars(sa.select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).one_or_none()
        start = last.range_end if last else BEGINNING
        rows, end = _rows(session, start, horizon)
        if rows:
            number = last.number + 1 if last else 1
            root = _add_leaves(session, keys, number, rows)
            previous = last.seal_hash if last else None
            _add_seal(session, keys, SealBody(number, start, end, len(rows), root, previous, keys.current))
    return len(rows)


def _rows(session: Session, start: dt.datetime, end: dt.datetime) -> tuple[list[Any], dt.datetime]:
    """Up to BATCH rows from `start` on, and where they end: rows of one microsecond stay together."""
    rows = session.execute(NEW_ROWS, {"start": start, "end": end, "most": BATCH + 1}).all()
    if len(rows) > BATCH:
        end = rows[BATCH - 1].created_at + dt.timedelta(microseconds=1)
        rows = session.execute(NEW_ROWS, {"start": start, "end": end, "most": None}).all()
    return list(rows), end


def _add_leaves(session: Session, keys: Keyring, number: int, rows: list[Any]) -> str:
    """Write the leaves of a seal in one statement; returns their root."""
    key = keys.get(keys.current)
    actor_keys, subject_keys = ([os.urandom(KEY_BYTES) for _ in rows] for _ in range(2))
    actors = [leaves.commitment(k, row.actor) for k, row in zip(actor_keys, rows, strict=True)]
    subjects = [leaves.commitment(k, row.subject) for k, row in zip(subject_keys, rows, strict=True)]
    made = [
        leaves.leaf(key, number, position, row.plain, actors[position], subjects[position])
        for position, row in enumerate(rows)
    ]
    values = {"ids": [row.id for row in rows], "leaf": made, "actor_keys": actor_keys, "actor": actors}
    session.execute(ADD_LEAVES, {"number": number, **values, "subject_keys": subject_keys, "subject": subjects})
    return leaves.root(made)


def _add_seal(session: Session, keys: Keyring, body: SealBody) -> None:
    digest = body.hash()
    session.execute(
        sa.insert(AuditSeal).values(
            number=body.number,
            range_start=body.start,
            range_end=body.end,
            row_count=body.rows,
            merkle_root=body.root,
            previous_hash=body.previous,
            seal_hash=digest,
            key_id=body.key_id,
            signature=leaves.signature(keys.get(body.key_id), digest),
        )
    )
