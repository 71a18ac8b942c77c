"""Ids of rows that mirror the chain: made from what they mirror, so that a rebuild gives the same rows.

A UUID of version 8 (RFC 9562) from the SHA-256 of the parts. The same id can be made in SQL, where whole blocks are
projected at once, and in Python; PostgreSQL itself has no SHA-1, which a version 5 would need.
"""

from __future__ import annotations

import hashlib
import uuid

ZERO = "0x" + "0" * 40
"""The owner before the mint and after a share is handed back."""


VERSION_AND_VARIANT = {52: 0, 53: 0, 54: 0, 55: 1, 68: 0, 69: 0, 70: 0, 71: 1}
"""What RFC 9562 fixes of the 128 bits: 8 in both places, the lowest bit of a byte first, as PostgreSQL counts them."""


def id_sql(kind: str, *parts: str) -> str:
    """The SQL expression of `derived_id(kind, …)`; `parts` are SQL expressions of text or whole numbers."""
    digest = f"substr(sha256(convert_to(concat_ws('|', '{kind}', {', '.join(parts)}), 'UTF8')), 1, 16)"
    for bit, value in VERSION_AND_VARIANT.items():
        digest = f"set_bit({digest}, {bit}, {value})"
    return f"CAST(encode({digest}, 'hex') AS uuid)"


def derived_id(kind: str, *parts: str | int) -> uuid.UUID:
    """The id of the row that mirrors `parts`: for a share ("nft", chain id, contract, token id)."""
    digest = hashlib.sha256("|".join([kind, *map(str, parts)]).encode()).hexdigest()
    return uuid.UUID(digest[:12] + "8" + digest[13:16] + "8" + digest[17:32])
