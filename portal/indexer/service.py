"""What others call: follow the chain, catch up once, read a range again, prove or repair the projections."""

from __future__ import annotations

from portal.db import transaction
from portal.indexer import rebuild as rebuilding
from portal.indexer.follow import Platform
from portal.indexer.loop import backfill, catch_up, run
from portal.indexer.recovery import look, resume

__all__ = ["backfill", "catch_up", "differences", "look", "rebuild", "resume", "run"]


def rebuild(chain_id: int) -> dict[str, int]:
    """Make every projection what the logs say; returns table -> rows corrected. Needs the worker's rights."""
    platform = Platform.known()
    with transaction() as session:
        return rebuilding.rebuild(session, str(chain_id), platform)


def differences(chain_id: int) -> dict[str, int]:
    """Table -> rows that are not what the logs say; empty when all is true. Needs the worker's rights."""
    platform = Platform.known()
    with transaction() as session:
        return rebuilding.differences(session, str(chain_id), platform)
