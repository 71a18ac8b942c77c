"""The holdings as a table for a spreadsheet that runs nothing it should not."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from portal import tables
from portal.money import format_units
from portal.portfolio.book import Line

COLUMNS = ("Master", "Artist", "Currency", "Shares", "Paid for", "Last price", "Paid to you", "Claimed", "Ready")


def table(lines: Iterable[Line]) -> str:
    """CSV with a heading; amounts as plain decimals, an unknown one empty."""
    return tables.table(COLUMNS, map(_row, lines))


def _row(line: Line) -> list[object]:
    amounts = (line.paid, line.last, line.earned, line.claimed, line.ready)
    words = (line.held.title, line.held.artist_name, line.currency)
    return [*words, line.held.shares, *(_amount(amount, line.decimals) for amount in amounts)]


def _amount(minor: int | None, decimals: int) -> Decimal | None:
    return None if minor is None else Decimal(format_units(minor, decimals).replace(",", ""))
