"""Copies of data, and what the clock does about those who asked to be deleted."""

from __future__ import annotations

import uuid

from portal.privacy import deleting, exporting
from portal.queue import job


@job("export_data")
def export_data(export_id: str) -> None:
    exporting.gather(uuid.UUID(export_id))


@job("keep_deletion_promises")
def keep_deletion_promises() -> None:
    """Every hour: copies that ran out go, and whoever asked to be deleted a month ago."""
    exporting.forget_expired()
    deleting.keep_promises()
