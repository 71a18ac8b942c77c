"""What a share's number means: its place in the mint, for display, and its minter's slot (rules.md)."""

from __future__ import annotations

SLOTS = 3
TIERS = ((10, "Pioneer"), (50, "Early"), (100, "Growing"))
LAST_TIER = "General"


def tier(number: int) -> str:
    """The badge of share `number`, counted from 1: it is worn by the share, whoever holds it."""
    return next((name for last, name in TIERS if number <= last), LAST_TIER)


def minter_slot(number: int) -> int | None:
    """1, 2 or 3 where the minter of this share has a part of every resale."""
    return number if number <= SLOTS else None
