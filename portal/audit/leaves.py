"""How rows of the audit log become leaves, and leaves a root: the arithmetic that sealing and verifying share.

A leaf is HMAC-SHA256 over the row's place in its seal, its plain fields, and two commitments: HMACs of the personal
fields under random keys of this row. PostgreSQL writes the fields out (`jsonb_build_array(…)::text`), so a value is
hashed as it is stored and not as some library reads it. Root: a binary Merkle tree as in RFC 6962, section 2.1.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PLAIN = (
    "jsonb_build_array(a.id, extract(epoch FROM a.created_at), a.user_id, a.actor_type, a.action_category, a.action,"
    " a.target_type, a.target_id, a.changed_fields, a.request_id, a.success)::text"
)
ACTOR = "jsonb_build_array(a.actor_identifier, a.ip_address, a.user_agent)::text"
SUBJECT = (
    "jsonb_build_array(a.target_identifier, a.description, a.previous_state, a.new_state, a.error_message,"
    " a.metadata)::text"
)
FIELDS = f"{PLAIN} AS plain, {ACTOR} AS actor, {SUBJECT} AS subject"
EMPTY_ACTOR = "[null, null, null]"
EMPTY_SUBJECT = "[null, null, null, null, null, null]"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('audit_seals', 0))"


@dataclass(frozen=True)
class SealBody:
    """What a seal says: `number` from 1, times of the rows [start, end), their count, root and last row."""

    number: int
    start: dt.datetime
    end: dt.datetime
    rows: int
    root: str
    previous: str | None
    key_id: str

    def hash(self) -> str:
        """SHA-256 in hex: the next seal's `previous`."""
        times = [round(time.timestamp() * 1_000_000) for time in (self.start, self.end)]
        body = [self.number, *times, self.rows, self.root, self.previous, self.key_id]
        return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def commitment(key: bytes, text: str) -> bytes:
    return _mac(key, b"commitment", text.encode())


def leaf(key: bytes, number: int, position: int, plain: str, actor: bytes, subject: bytes) -> bytes:
    place = f"{number}/{position}".encode()
    return _mac(key, b"leaf", place, hashlib.sha256(plain.encode()).digest(), actor, subject)


def signature(key: bytes, seal_hash: str) -> str:
    return _mac(key, b"seal", seal_hash.encode()).hex()


def root(leaves: Sequence[bytes]) -> str:
    """Merkle root in hex; leaves and nodes are told apart by their first byte, an odd one moves up as it is."""
    level = [hashlib.sha256(b"\0" + one).digest() for one in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return level[0].hex() if level else hashlib.sha256(b"").hexdigest()


def body_of(seal: Any) -> SealBody:
    """The body of a stored seal (an AuditSeal or a row with its columns)."""
    return SealBody(
        seal.number,
        seal.range_start,
        seal.range_end,
        seal.row_count,
        seal.merkle_root,
        seal.previous_hash,
        seal.key_id,
    )


def targets_of(new_state: Any) -> set[uuid.UUID]:
    """Whose or what rows an `anonymise_user` row emptied, besides the person's own."""
    listed = new_state.get("targets") if isinstance(new_state, dict) else None
    return {uuid.UUID(one) for one in listed or []}


def _mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC over the parts, each behind its length, so that no two lists of parts read the same."""
    body = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, body, "sha256")
