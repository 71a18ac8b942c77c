"""The heads of the seals outside of the database: whoever cuts off its tail cannot cut these.

Each seal becomes a line of `audit/heads.jsonl` in the data folder, and a log line. Keep copies elsewhere: a log
collector has them already.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.config import Settings

log = logging.getLogger(__name__)

AFTER = sa.text(
    "SELECT number, row_count, seal_hash, key_id, signature, range_end,"
    " (SELECT audit_id FROM audit_leaves WHERE seal_number = number ORDER BY position DESC LIMIT 1) AS last_row"
    " FROM audit_seals WHERE number > :number ORDER BY number"
)


def file(settings: Settings) -> Path:
    return settings.data_dir / "audit" / "heads.jsonl"


def exported(settings: Settings) -> list[dict[str, Any]]:
    """[{number, rows, lastRow, hash, key, signature, until}, ...] in the order of export."""
    path = file(settings)
    return _heads(path.read_text()) if path.is_file() else []


def export(session: Session, settings: Settings) -> None:
    """Write down every seal that this data folder does not know yet; after a crash the next run catches up."""
    path = file(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        text = lines.read()
        known = max((head["number"] for head in _heads(text)), default=0)
        new = [_head(seal) for seal in session.execute(AFTER, {"number": known})]
        torn = "\n" if text and not text.endswith("\n") else ""
        lines.write(torn + "".join(json.dumps(head) + "\n" for head in new))
        lines.flush()
        os.fsync(lines.fileno())
    for head in new:
        log.info("audit log sealed", extra={"head": head})


def _heads(text: str) -> list[dict[str, Any]]:
    """The heads in the file's text; a line that a power cut tore is left out: its seal is exported again."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def _head(seal: Any) -> dict[str, Any]:
    return {
        "number": seal.number,
        "rows": seal.row_count,
        "lastRow": str(seal.last_row),
        "hash": seal.seal_hash,
        "key": seal.key_id,
        "signature": seal.signature,
        "until": seal.range_end.isoformat(),
    }
