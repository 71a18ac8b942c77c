"""The holdings as a table for a spreadsheet that runs nothing it should not."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from portal.money import format_units
from portal.portfolio.book import Line

COLUMNS = ("Master", "Artist", "Currency", "Shares", "Paid for", "Last price", "Paid to you", "Claimed", "Ready")
LIVE = ("=", "+", "-", "@", "\t", "\r")


def table(lines: Iterable[Line]) -> str:
    """CSV with a heading; amounts as plain decimals, an unknown one empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in lines:
        amounts = (line.paid, line.last, line.earned, line.claimed, line.ready)
        words = (safe(line.held.title), safe(line.held.artist_name), safe(line.currency))
        writer.writerow([*words, line.held.shares, *(_amount(a, line.decimals) for a in amounts)])
    return out.getvalue()


def safe(text: str) -> str:
    """Text that a spreadsheet would take for a formula is marked as text; numbers do not come this way."""
    return f"'{text}" if text.startswith(LIVE) else text


def _amount(minor: int | None, decimals: int) -> str:
    return "" if minor is None else format_units(minor, decimals).replace(",", "")
