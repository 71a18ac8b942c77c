"""Changing the keys of the encrypted columns while the portal runs; each batch leaves its audit row."""

from __future__ import annotations

from collections import Counter

from portal import faults
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.crypto import keyring
from portal.crypto.keyring import KeyFault
from portal.crypto.rotation import Column, key_counts, reseal_batch, sealed_columns
from portal.db import transaction

BATCH = 100


def rotate(settings: Settings) -> int:
    """Bring every encrypted value under the key that writes; returns how many were behind.

    A run that was killed is taken up by the next one. Raises KeyFault when a value does not open: nothing of its
    batch is written.
    """
    total = 0
    for column in sealed_columns():
        while done := _batch(settings, column):
            total += done
            faults.point("keys.rotate.between")
    return total


def add_key(settings: Settings) -> str:
    """Put a new key in front of the key file; running processes write with it from their next value on."""
    path = keyring.data_keys_file(settings)
    if path is None:
        raise KeyFault("AUDIFI_DATA_KEYS holds the keys itself: put a new one in front there")
    name, key = keyring.new_key()
    _note("add_data_key", {"key": name})
    keyring.write(path, keyring.data_keys(settings).led_by(name, key))
    return name


def drop_key(settings: Settings, name: str) -> None:
    """Take an old key out of the key file. Raises KeyFault while a value still needs it."""
    path = keyring.data_keys_file(settings)
    rest = keyring.data_keys(settings).without(name)
    if path is None:
        raise KeyFault("AUDIFI_DATA_KEYS holds the keys itself: take the key out there")
    if used := counts()[name]:
        raise KeyFault(f"{used} values are still under {name}: run `flask keys rotate` first")
    _note("drop_data_key", {"key": name})
    keyring.write(path, rest)


def counts() -> Counter[str]:
    """{key name: values it has sealed}; a name that sealed nothing counts 0."""
    with transaction() as session:
        return key_counts(session)


def _batch(settings: Settings, column: Column) -> int:
    keys = keyring.data_keys(settings)
    with transaction() as session:
        done = reseal_batch(session, keys, column, BATCH)
        if done:
            after = {"column": str(column), "key": keys.current, "rows": done}
            record(session, "rotate_data_keys", AuditActionCategory.SYSTEM, after=after)
            faults.point("keys.rotate.within")
    return done


def _note(action: str, after: dict[str, str]) -> None:
    with transaction() as session:
        record(session, action, AuditActionCategory.SYSTEM, after=after)
