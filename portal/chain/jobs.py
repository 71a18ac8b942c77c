"""The clock's work on our transactions."""

from __future__ import annotations

from portal.chain import following
from portal.queue import job


@job("follow_transactions")
def follow_transactions() -> None:
    """Bring every unfinished transaction up to date."""
    following.follow()
