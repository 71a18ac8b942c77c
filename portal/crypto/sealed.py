"""Encrypted columns: AES-256-GCM, bound to their place in the database, with the key's name beside the text.

The place (`table.column:row id`) is authenticated with the text, so a sealed value copied to another row or column
does not open. The column type takes sealed text only: a plaintext never reaches a statement, a log or the WAL.
"""

from __future__ import annotations

import base64
import os
import re
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from portal.crypto.keyring import KeyFault, Keyring

NONCE_BYTES = 12
_SEALED = re.compile(r"gcm1\.([a-z0-9-]{1,32})\.([A-Za-z0-9_=-]+)")


class Sealed(sa.types.TypeDecorator[str]):
    """A text column that holds what `seal` made and refuses anything else; with a length, a varchar."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, most: int = 0) -> None:
        super().__init__()
        self.most = most

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return sa.String(self.most) if self.most else sa.Text()

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is not None and not _SEALED.fullmatch(value):
            raise TypeError("this column takes sealed text only")
        return value


def seal(keys: Keyring, column: InstrumentedAttribute[Any], row_id: uuid.UUID, text: str) -> str:
    """`text` as it may be stored in `column` of the row `row_id`."""
    return seal_at(keys, _place(column.class_.__tablename__, column.key, row_id), text)


def unseal(keys: Keyring, column: InstrumentedAttribute[Any], row_id: uuid.UUID, stored: str) -> str:
    """The text behind a stored value. Raises KeyFault for a wrong key, a changed text or another row's value."""
    return unseal_at(keys, _place(column.class_.__tablename__, column.key, row_id), stored)


def reseal(keys: Keyring, column: sa.Column[Any], row_id: uuid.UUID, stored: str) -> str:
    """The same text under the key that writes now."""
    place = _place(column.table.name, column.name, row_id)
    return seal_at(keys, place, unseal_at(keys, place, stored))


def key_name(stored: str) -> str:
    """The name of the key a value was sealed with. Raises KeyFault when it is no sealed value."""
    return _parts(stored)[0]


def seal_at(keys: Keyring, place: bytes, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here: most processes never need it

    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(keys.get(keys.current)).encrypt(nonce, text.encode(), place)
    return f"gcm1.{keys.current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal_at(keys: Keyring, place: bytes, stored: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    name, body = _parts(stored)
    try:
        return AESGCM(keys.get(name)).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], place).decode()
    except (InvalidTag, ValueError):
        raise KeyFault(f"{place.decode()} does not open with the key {name!r}") from None


def _place(table: str, column: str, row_id: uuid.UUID) -> bytes:
    return f"{table}.{column}:{row_id}".encode()


def _parts(stored: str) -> tuple[str, bytes]:
    found = _SEALED.fullmatch(stored)
    if not found:
        raise KeyFault("this is no sealed text")
    return found[1], base64.urlsafe_b64decode(found[2])
