"""Opaque keyset cursors: the last row's sort values, signed so that nobody builds one by hand."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer

from portal.errors import BadRequest

DEFAULT_LIMIT = 20
MOST = 100
INCOMPLETE = "This page address is not complete; start from the first page."


def encode(values: list[Any]) -> str:
    """Sort values of the last row (text and numbers) -> cursor."""
    return str(_signer().dumps(values))


def after() -> list[Any] | None:
    """The values of `?after=`, or None on the first page. Raises BadRequest for a broken cursor."""
    text = request.args.get("after", "")
    if not text:
        return None
    try:
        values = _signer().loads(text)
    except BadData as error:
        raise BadRequest(INCOMPLETE) from error
    return list(values)


def place() -> tuple[dt.datetime, uuid.UUID] | None:
    """(time, id) of the last row before this part, for lists by time. Raises BadRequest for another list's cursor."""
    values = after()
    if values is None:
        return None
    try:
        made, row_id = values
        return dt.datetime.fromisoformat(made), uuid.UUID(row_id)
    except (TypeError, ValueError) as error:
        raise BadRequest(INCOMPLETE) from error


def after_numbers(count: int) -> tuple[int, ...] | None:
    """`after` where it is so many whole numbers. Raises BadRequest for a cursor of another list, too."""
    values = after()
    if values is None:
        return None
    if len(values) != count or any(type(value) is not int for value in values):
        raise BadRequest(INCOMPLETE)
    return tuple(values)


def limit() -> int:
    """`?limit=`, 20 unless told, at most 100. Raises BadRequest for anything else."""
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MOST and len(text) <= 3):
        raise BadRequest(f"limit is a number from 1 to {MOST}.")
    return int(text)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="cursor")
