"""A copy of a person's data: asked for, gathered by a job part by part, kept for a week, deleted."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
import zipfile
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db as database
from portal import live, outbox, tables
from portal.accounts import notices
from portal.audit.enums import AuditActionCategory, SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event, log_system_event, record
from portal.db import db, transaction, utcnow
from portal.errors import Conflict
from portal.files import queries as file_queries
from portal.privacy.models import DataExport
from portal.privacy.parts import PARTS

KEPT = dt.timedelta(days=7)
Part = tuple[list[str], list[list[Any]]]

database.explain("uq_data_exports_unfinished", lambda: Conflict("A copy is being made already."))

ABOUT = """A copy of what AudiFi holds about you.

data.json has everything, pictures/ and recordings/ what you uploaded; each .csv holds one part of it for a
spreadsheet. Times are UTC, amounts on the chain in the smallest unit of their currency. Sealed and hashed secrets
(your second factor, session tokens) are not in it: they open your account and say nothing about you.
"""


def ask(user_id: uuid.UUID, name: str) -> uuid.UUID:
    """Ask for a copy; whoever takes data out is noted. Raises Conflict while one is being made."""
    export_id = uuid.uuid4()
    with transaction() as session:
        session.add(DataExport(id=export_id, user_id=user_id))
        session.flush()
        outbox.add(session, "export_data", {"export_id": str(export_id)}, dedupe=f"export:{export_id}")
        record(session, "ask_export", AuditActionCategory.AUTHENTICATION, target=("user", user_id, name))
    log_security_event(SecurityEventType.DATA_EXPORT, SecuritySeverity.INFO, "A copy of all data was asked for")
    return export_id


def gather(export_id: uuid.UUID) -> None:
    """Make the copy. Running again makes it again, unless it is finished."""
    export = db.session().get(DataExport, export_id)
    db.session.rollback()
    if export is None or export.finished_at is not None:
        return
    found: dict[str, Part] = {}
    for done, (name, statement) in enumerate(PARTS.items(), 1):
        with transaction() as session:
            found[name] = _part(session, statement, export.user_id)
            _progress(session, export_id, done)
    files = _files(db.session(), export.user_id)
    db.session.rollback()
    packed = packed_zip(found, files)
    with transaction() as session:
        values = {"finished_at": utcnow(), "expires_at": utcnow() + KEPT, "content": packed}
        session.execute(sa.update(DataExport).where(DataExport.id == export_id).values(values))
        live.publish(session, f"job:{export_id}", str(export_id), news(export_id, len(PARTS), finished=True))
        notices.tell(session, export.user_id, "export_ready", days=str(KEPT.days))
        outbox.finish(session)


def forget_expired() -> int:
    """Delete copies whose time is over; returns how many."""
    with transaction() as session:
        over = sa.delete(DataExport).where(DataExport.expires_at <= sa.func.now())
        gone = int(getattr(session.execute(over), "rowcount", 0))
        if gone:
            log_system_event(session, "forget_exports", "privacy", "Copies of data were deleted.", records=gone)
    return gone


def news(export_id: uuid.UUID, done: int, *, finished: bool) -> dict[str, Any]:
    """The `job.progress` event of an export."""
    state = "done" if finished else "running"
    said = {"jobId": str(export_id), "done": done, "total": len(PARTS), "state": state}
    return {"type": "job.progress", **said, "seq": done + int(finished)}


def packed_zip(found: dict[str, Part], files: list[tuple[str, bytes]]) -> bytes:
    """A zip of data.json, one CSV a part that has rows, uploaded files (path, content), and what is what."""
    out = io.BytesIO()
    whole = {name: [dict(zip(columns, row, strict=True)) for row in rows] for name, (columns, rows) in found.items()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", ABOUT)
        archive.writestr("data.json", json.dumps(whole, indent=1, ensure_ascii=False, default=_plain))
        for name, (columns, rows) in found.items():
            if rows:
                archive.writestr(f"{name}.csv", tables.table(columns, ([_cell(v) for v in row] for row in rows)))
        for path, content in files:
            archive.writestr(path, content, zipfile.ZIP_STORED)
    return out.getvalue()


def _files(session: Session, user_id: uuid.UUID) -> list[tuple[str, bytes]]:
    """(path in the archive, content) of every picture and every recording."""
    pictures = file_queries.of_person(session, user_id)
    recordings = file_queries.recordings_of(session, user_id)
    return [(f"pictures/{place}-{cid}.webp", content) for place, cid, content in pictures] + [
        (f"recordings/{cid}.mp3", file_queries.part(session, recording)) for cid, recording in recordings
    ]


def _part(session: Session, statement: str, user_id: uuid.UUID) -> Part:
    result = session.execute(sa.text(statement), {"user": user_id})
    return list(result.keys()), [list(row) for row in result]


def _progress(session: Session, export_id: uuid.UUID, done: int) -> None:
    session.execute(sa.update(DataExport).where(DataExport.id == export_id).values(steps_done=done))
    live.publish(session, f"job:{export_id}", str(export_id), news(export_id, done, finished=False))


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _plain(value: object) -> str:
    """What JSON has no word for."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
