"""Ids of rows that mirror the chain: made from what they mirror, so that a rebuild gives the same rows.

A UUID of version 8 (RFC 9562) from the SHA-256 of the parts. The same id can be made in SQL, where whole blocks are
projected at once, and in Python; PostgreSQL itself has no SHA-1, which a version 5 would need.
"""

from __future__ import annotations

import hashlib
import uuid

ZERO = "0x" + "0" * 40
"""The owner before the mint and after a share is handed back."""


def id_sql(kind: str, *parts: str) -> str:
    """The SQL expression of `derived_id(kind, …)`; `parts` are SQL expressions of text or whole numbers."""
    digest = f"encode(sha256(convert_to(concat_ws('|', '{kind}', {', '.join(parts)}), 'UTF8')), 'hex')"
    return f"CAST(overlay(overlay(left({digest}, 32) PLACING '8' FROM 13) PLACING '8' FROM 17) AS uuid)"


def derived_id(kind: str, *parts: str | int) -> uuid.UUID:
    """The id of the row that mirrors `parts`: for a share ("nft", chain id, contract, token id)."""
    digest = hashlib.sha256("|".join([kind, *map(str, parts)]).encode()).hexdigest()
    return uuid.UUID(digest[:12] + "8" + digest[13:16] + "8" + digest[17:32])
