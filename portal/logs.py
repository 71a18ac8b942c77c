"""Structured logs: one JSON object a line, with the request's id from the page through the job to the chain.

The JSON encoder escapes line breaks and everything beyond ASCII, so nothing a person typed can forge a line. What
names a secret is masked, and what looks like one is cut out wherever it stands: tokens, links to sign in,
credentials in addresses, e-mail addresses.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_SECRET = re.compile(
    r"token|secret|password|passphrase|cookie|authorization|signature|private|mnemonic|raw|e-?mail", re.IGNORECASE
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,100}")
_CUT = (
    (re.compile(r"://[^/\s:@'\"]*:[^/\s@'\"]*@"), "://(hidden)@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 (hidden)"),
    (re.compile(r"(?i)([?&;](?:\w*token|code|state|key|secret|sig|signature|password)=)[^&\s'\"]+"), r"\1(hidden)"),
    (re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "(e-mail)"),
    (re.compile(r"(?<![\w:])[0-9a-f]{64}(?!\w)"), "(token)"),
    (re.compile(r"(?<![\w:.-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[A-Za-z0-9_-]{43}(?![\w-])"), "(token)"),
    (re.compile(r"gcm1\.[a-z0-9-]+\.[\w=-]+"), "(sealed)"),
)
"""A hash on the chain begins with 0x and one that may be shown with `sha256:`; a bare one is a token's."""

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


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


class JsonLines(logging.Formatter):
    """time, level, logger, process, request_id, event, and whatever the caller gave as `extra`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self.process,
            "request_id": request_id(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _USUAL}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(clean(line), default=lambda value: cut(str(value)))


def set_up(level: str, process: str) -> None:
    """Send every log line of this process to stderr as JSON, the libraries' lines too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("gunicorn.error", "gunicorn.access"):
        library = logging.getLogger(name)
        library.handlers[:], library.propagate = [], True


def clean(value: Any) -> Any:
    """The same value without secrets, however deep."""
    if isinstance(value, dict):
        return {
            cut(str(name)): "(hidden)" if _SECRET.search(str(name)) and inner is not None else clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(inner) for inner in value]
    return cut(value) if isinstance(value, str) else value


def cut(text: str) -> str:
    """The text without what looks like a secret or an e-mail address."""
    for pattern, instead in _CUT:
        text = pattern.sub(instead, text)
    return text
