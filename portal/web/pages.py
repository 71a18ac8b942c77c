"""HTML pages: blueprints whose routes declare their access, hashed static URLs, safe redirects, partials."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.wrappers import Response as BaseResponse

from portal.config import ROOT
from portal.web.access import Access, anyone

STATIC = ROOT / "static"
YEAR = 31_536_000
V = TypeVar("V", bound=Callable[..., Any])


class Pages(Blueprint):
    """A blueprint for pages: `@pages.get("/path", access=anyone)`. There is no route without an access."""

    def get(self, rule: str, *, access: Access, **options: Any) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "GET", access, options)

    def post(self, rule: str, *, access: Access, **options: Any) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "POST", access, options)

    def _declare(self, rule: str, method: str, access: Access, options: dict[str, Any]) -> Callable[[V], V]:
        def decorate(view: V) -> V:
            endpoint = options.pop("endpoint", None) or f"{view.__name__}_{method.lower()}"
            self.add_url_rule(rule, endpoint, guarded(view, access), methods=[method], **options)
            return view

        return decorate


def guarded(view: Callable[..., Any], access: Access) -> Callable[..., Any]:
    """The view behind its access check; `.access` tells the tests what was declared."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        access.check()
        return view(*args, **kwargs)

    checked.access = access  # type: ignore[attr-defined]
    return checked


def is_partial() -> bool:
    """htmx asks for a part of the page (`HX-Request-Type` decides; a boosted visit wants the whole page)."""
    return request.headers.get("HX-Request-Type") == "partial"


def see(path: str) -> BaseResponse:
    """After a POST: go and look there (303)."""
    return redirect(path, code=303)


def safe_next(target: str | None, default: str = "/") -> str:
    """A path on this host, or `default`: nothing that a browser could read as another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if any(ord(c) < 33 or c == "\\" for c in target):
        return default
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and len(target) <= 2000 else default


def form_key() -> str:
    """A fresh idempotency key for a form's hidden field: a double click acts once."""
    return uuid.uuid4().hex


def answer(template: str, status: int = 200, **values: Any) -> Response:
    """Render a page or partial with a status."""
    return make_response(render_template(template, **values), status)


# --- static files -----------------------------------------------------------------------------------------

static_files = Blueprint("static_files", __name__)


@cache
def _digest(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def static_url(path: str) -> str:
    """'css/app.css' -> '/static/<digest>/css/app.css': a name that changes with the content, kept for a year."""
    return f"/static/{_digest(path)}/{path}"


def _static(digest: str, path: str) -> Response:
    full = STATIC / path
    if not Path(full).is_file() or _digest(path) != digest:
        abort(404)
    response = send_from_directory(STATIC, path)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


static_files.add_url_rule("/static/<digest>/<path:path>", "file", guarded(_static, anyone))
