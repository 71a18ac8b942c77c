"""Parts of long lists, newest first: where one begins, and the address of the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request

from portal.web import cursors

T = TypeVar("T")
ROWS = 50


def part(rows: Sequence[T], limit: int, time: str = "created_at") -> tuple[list[T], str | None]:
    """Of `limit` + 1 rows asked for: (those to show, the cursor of the next part)."""
    shown: list[Any] = list(rows[:limit])
    if len(rows) <= limit:
        return shown, None
    return shown, cursors.encode([getattr(shown[-1], time).isoformat(), str(shown[-1].id)])


def onward(cursor: str | None) -> str | None:
    """This page's address with the next part."""
    if cursor is None:
        return None
    args = {name: value for name, value in request.args.items() if name != "after"}
    return f"{request.path}?{urlencode(args | {'after': cursor})}"


def asked(name: str, *allowed: str) -> str:
    """A filter from the address: one of `allowed`, or ""."""
    value = request.args.get(name, "")
    return value if value in allowed else ""


def typed(name: str = "q") -> str:
    """What somebody typed into a search field."""
    return request.args.get(name, "").strip()[:255]


def on_day(name: str) -> dt.datetime | None:
    """The day of a date field, at its beginning in UTC; what is no date counts as not sent."""
    try:
        return dt.datetime.fromisoformat(request.args.get(name, "")[:10]).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
