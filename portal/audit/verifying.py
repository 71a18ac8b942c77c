"""Hold the audit log against its seals: what was edited, deleted, inserted, moved or cut off is named.

Somebody with every right in the database can change rows, leaves and seals, but has no key: each leaf, each seal and
each exported head is an HMAC. A row that was emptied counts as whole only when an `anonymise_user` row tells of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import heads, leaves
from portal.audit.models import AuditLog, AuditSeal
from portal.config import Settings
from portal.crypto import same
from portal.crypto.keyring import Keyring, seal_keys
from portal.db import transaction

SEALED_ROWS = sa.text(
    f"SELECT l.*, a.id AS row_id, a.user_id, a.target_id, {leaves.FIELDS} FROM audit_leaves l"  # noqa: S608
    " LEFT JOIN audit_logs a ON a.id = l.audit_id WHERE l.seal_number = :number ORDER BY l.position"
)
OUT_OF_PLACE = sa.text(
    "SELECT a.id, (SELECT min(number) FROM audit_seals WHERE range_end > a.created_at) FROM audit_logs a"
    " WHERE created_at < (SELECT max(range_end) FROM audit_seals)"
    " AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.audit_id = a.id) ORDER BY a.created_at"
)
WAITING = sa.text(
    "SELECT count(*) FROM audit_logs WHERE created_at >="
    " coalesce((SELECT max(range_end) FROM audit_seals), '-infinity')"
)
STRAY_LEAVES = sa.text(
    "SELECT audit_id, seal_number FROM audit_leaves l"
    " WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.number = l.seal_number) ORDER BY seal_number, position"
)


@dataclass
class Report:
    """`findings` are sentences, each naming a row or a seal; none means that everything is as it was sealed."""

    findings: list[str] = field(default_factory=list)
    seals: int = 0
    rows: int = 0
    waiting: int = 0


def verify(settings: Settings) -> Report:
    """Check every seal and every sealed row; sealing and anonymising wait meanwhile.

    Raises KeyFault when a seal's key is not among the keys.
    """
    keys = seal_keys(settings)
    report = Report()
    with transaction() as session:
        session.execute(sa.text(leaves.LOCK))
        seals = list(session.scalars(sa.select(AuditSeal).order_by(AuditSeal.number)))
        forgotten = _forgotten(session)
        for before, seal in zip([None, *seals], seals, strict=False):
            report.findings += _chain(keys, before, seal)
            report.findings += _rows(session, keys, seal, forgotten)
            report.rows += seal.row_count
        report.findings += _loose(session)
        report.findings += _heads(keys, settings, {seal.number: seal for seal in seals})
        report.waiting = session.execute(WAITING).scalar_one()
    report.seals = len(seals)
    return report


def _chain(keys: Keyring, before: AuditSeal | None, seal: AuditSeal) -> Iterator[str]:
    """Whether a seal is whole and hangs on the one before it."""
    number = before.number + 1 if before else 1
    if seal.number > number:
        yield f"seal {number} is missing: the next one that is there is seal {seal.number}"
        return
    body = leaves.body_of(seal)
    signed = leaves.signature(keys.get(seal.key_id), body.hash())
    if not same(body.hash(), seal.seal_hash) or not same(signed, seal.signature):
        yield f"seal {seal.number} was changed"
    if before and (not same(seal.previous_hash or "", before.seal_hash) or seal.range_start != before.range_end):
        yield f"seal {seal.number} does not follow seal {before.number}"


def _rows(session: Session, keys: Keyring, seal: AuditSeal, forgotten: set[uuid.UUID]) -> Iterator[str]:
    key, made, whole = keys.get(seal.key_id), [], True
    expected = iter(range(seal.row_count))
    for row in session.execute(SEALED_ROWS, {"number": seal.number}):
        for position in expected:
            if position == row.position:
                break
            whole = False
            yield f"the row at place {position} of seal {seal.number} was deleted together with its leaf"
        made.append(row.leaf)
        if wrong := _wrong(row, key, forgotten):
            whole = False
            yield f"row {row.audit_id} (place {row.position} of seal {seal.number}) {wrong}"
    for position in expected:
        whole = False
        yield f"the row at place {position} of seal {seal.number} was deleted together with its leaf"
    if whole and leaves.root(made) != seal.merkle_root:
        yield f"the rows of seal {seal.number} do not make its root"


def _wrong(row: Any, key: bytes, forgotten: set[uuid.UUID]) -> str:
    """What is wrong with a sealed row, or ""."""
    if row.row_id is None:
        return "was deleted"
    args = row.seal_number, row.position, row.plain, row.actor_commitment, row.subject_commitment
    if not _equal(leaves.leaf(key, *args), row.leaf):
        return "was changed"
    halves = (
        (row.actor_key, row.actor_commitment, row.actor, leaves.EMPTY_ACTOR, row.user_id),
        (row.subject_key, row.subject_commitment, row.subject, leaves.EMPTY_SUBJECT, row.target_id),
    )
    return next((wrong for half in halves if (wrong := _half(*half, forgotten))), "")


def _half(
    key: bytes | None, sealed: bytes, text: str, empty: str, whose: uuid.UUID | None, forgotten: set[uuid.UUID]
) -> str:
    """The personal fields of who acted, or of what it was about: as committed, or forgotten as recorded."""
    if key is not None:
        return "" if _equal(leaves.commitment(key, text), sealed) else "was changed"
    if text != empty:
        return "was changed after it had been emptied"
    return "" if whose in forgotten else "was emptied, and no record tells of anonymising"


def _forgotten(session: Session) -> set[uuid.UUID]:
    """People and things whose fields were emptied, by the records of it."""
    rows = session.execute(
        sa.select(AuditLog.target_id, AuditLog.new_state).where(AuditLog.action == "anonymise_user")
    ).all()
    people = {target for target, _ in rows if target is not None}
    return people.union(*(leaves.targets_of(state) for _, state in rows))


def _loose(session: Session) -> Iterator[str]:
    """Rows in a sealed time that no seal knows, and leaves whose seal is gone."""
    for row_id, number in session.execute(OUT_OF_PLACE):
        yield f"row {row_id} was inserted into the time of seal {number} after it had been sealed"
    for row_id, number in session.execute(STRAY_LEAVES):
        yield f"row {row_id} belongs to seal {number}, which is gone"


def _heads(keys: Keyring, settings: Settings, seals: dict[int, AuditSeal]) -> Iterator[str]:
    """Whether every seal that left the database is still in it."""
    for head in heads.exported(settings):
        number, seal = head["number"], seals.get(head["number"])
        if not same(leaves.signature(keys.get(head["key"]), head["hash"]), head["signature"]):
            yield f"the exported head of seal {number} was changed in {heads.file(settings)}"
        elif seal is None:
            yield f"seal {number} was cut off with its {head['rows']} rows, the last of them row {head['lastRow']}"
        elif not same(head["hash"], seal.seal_hash):
            yield f"seal {number} is not the one that was exported, whose last row was {head['lastRow']}"


def _equal(left: bytes, right: bytes) -> bool:
    return same(left.hex(), right.hex())
