"""Tables for spreadsheets, which run nothing that they should not: a cell that would be read as a formula is text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(text: str) -> str:
    """Text that a spreadsheet would take for a formula, marked as text."""
    return f"'{text}" if text.lstrip(" ").startswith(_LIVE) else text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a heading; None is an empty cell, and a number stays a number, a negative one too."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(map(_cell, row))
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return safe(str(value))
