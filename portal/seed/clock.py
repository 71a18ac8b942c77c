"""The development chain's clock: it begins in the past and is walked to now, never further and never back."""

from __future__ import annotations

import time

from portal.chain.client import Refused, current

DAY = 86_400
FINAL_AFTER = 4
"""Blocks that make what was sent before them final on the development chain."""


def reach(seconds_ago: float) -> None:
    """Put the chain's clock forward to that time before now. A clock that is past it stays, as does another chain's."""
    ahead = int(time.time() - seconds_ago) - current().clock()
    if ahead > 0 and _behind() >= ahead:
        current().request("evm_increaseTime", [ahead])


def catch_up() -> None:
    """Let the chain's clock be the machine's from now on."""
    if (seconds := _behind()) > 0:
        current().request("evm_increaseTime", [seconds])
        current().request("evm_mine")


def settle() -> None:
    """Make what was sent final at once, where the chain can be told to."""
    try:
        current().request("evm_mine", [{"blocks": FINAL_AFTER}])
    except Refused:
        return


def _behind() -> int:
    """By how many seconds the chain's clock was put back; 0 on a chain whose clock cannot be moved."""
    try:
        return -int(current().request("evm_increaseTime", [0]))
    except (Refused, TypeError, ValueError):
        return 0
