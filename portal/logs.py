"""Structured logs: one JSON object a line, with the request's id from the page through the job to the chain.

Line breaks are escaped by the JSON encoder, so nothing a person typed can forge a line; keys that name secrets
are masked.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import structlog

_SECRET = re.compile(r"token|secret|password|cookie|authorization|signature|private|raw|email", re.IGNORECASE)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,100}")


class _RequestId:
    """The id that ties a request, its jobs and its transactions together."""

    def __init__(self) -> None:
        self._value: ContextVar[str | None] = ContextVar("request id", default=None)

    def __call__(self) -> str | None:
        return self._value.get()

    def start(self, offered: str | None) -> str:
        """Take the caller's id when it is a plain one, else make one."""
        value = offered if offered and _PLAIN_ID.fullmatch(offered) else uuid.uuid4().hex
        self._value.set(value)
        return value

    @contextmanager
    def bound(self, value: str | None) -> Iterator[None]:
        token = self._value.set(value)
        try:
            yield
        finally:
            self._value.reset(token)


request_id = _RequestId()


def set_up(level: str, process: str) -> None:
    """Send every log line of this process to stderr as JSON."""
    import structlog  # here: with its colours for terminals it takes a tenth of a second to read

    def add_ids(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        if request_id():
            event.setdefault("request_id", request_id())
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_ids,
        _mask,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _dumps(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _mask(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if _SECRET.search(key):
            event[key] = "(hidden)"
    return event
