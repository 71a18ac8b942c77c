"""The JSON API: one view, one service, a shape a version.

`@api.get("/masters/<uuid:master_id>", versions=(1, 2), access=anyone)` registers `/api/v1/…` and `/api/v2/…` on
one view, which gets `version` and answers `SHAPES[version](…)`. Versions are ints: 10 is newer than 2. The
specification's bare paths are the pages; asked by name for JSON they answer the v2 body (`answer_json_by_name`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, Response, current_app, g, jsonify, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.wrappers import Response as BaseResponse

from portal.config import Settings
from portal.web.access import Access, anyone

CURRENT = 2
V = TypeVar("V", bound=Callable[..., Any])


class Api(Blueprint):
    """A blueprint whose routes exist once a version and declare their access."""

    def get(self, rule: str, *, versions: tuple[int, ...], access: Access) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "GET", versions, access)

    def post(self, rule: str, *, versions: tuple[int, ...], access: Access) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "POST", versions, access)

    def put(self, rule: str, *, versions: tuple[int, ...], access: Access) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "PUT", versions, access)

    def delete(self, rule: str, *, versions: tuple[int, ...], access: Access) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "DELETE", versions, access)

    def _declare(self, rule: str, method: str, versions: tuple[int, ...], access: Access) -> Callable[[V], V]:
        def decorate(view: V) -> V:
            for version in versions:
                self.add_url_rule(
                    f"/api/v{version}{rule}",
                    f"{view.__name__}_v{version}",
                    _versioned(view, version, access),
                    methods=[method],
                )
            return view

        return decorate


def _versioned(view: Callable[..., Any], version: int, access: Access) -> Callable[..., BaseResponse]:
    @wraps(view)
    def answer(**kwargs: Any) -> BaseResponse:
        g.api_version = version
        access.check()
        response = _response(view(version=version, **kwargs))
        if version < CURRENT:
            _mark_as_legacy(response)
        if access is anyone and request.method == "GET" and response.status_code == 200:
            response.add_etag()
            response.headers.setdefault("Cache-Control", "public, no-cache")
            return response.make_conditional(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    answer.access = access  # type: ignore[attr-defined]
    return answer


def _response(result: Any) -> Response:
    """A view answers a body, (body, status), or a finished response."""
    if isinstance(result, Response):
        return result
    body, status = result if isinstance(result, tuple) else (result, 200)
    return make_response(jsonify(body), status)


def _mark_as_legacy(response: Response) -> None:
    """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the way to the successor."""
    settings: Settings = current_app.config["SETTINGS"]
    since, until = (dt.datetime.fromisoformat(t) for t in (settings.v1_deprecated, settings.v1_sunset))
    response.headers["Deprecation"] = f"@{int(since.timestamp())}"
    response.headers["Sunset"] = http_date(until)
    successor = request.path.replace("/api/v1/", f"/api/v{CURRENT}/", 1)
    response.headers["Link"] = f'<{successor}>; rel="successor-version"'


def wants_json() -> bool:
    """The client names application/json (a bare `*/*` is a browser or curl and gets the page)."""
    accepted = request.accept_mimetypes
    named = {value for value, _quality in accepted}
    return "application/json" in named and accepted.best_match(["text/html", "application/json"]) == "application/json"


def answer_json_by_name(app: Flask) -> None:
    """On a page's path, `Accept: application/json` gets the current API body of the same path."""

    @app.before_request
    def dispatch() -> BaseResponse | None:
        if request.method not in {"GET", "HEAD"} or request.path.startswith("/api/") or not wants_json():
            return None
        adapter = app.create_url_adapter(request)
        try:
            endpoint, arguments = adapter.match(f"/api/v{CURRENT}{request.path}", method="GET")  # type: ignore[union-attr]
        except HTTPException:
            return None
        response = cast(BaseResponse, app.view_functions[endpoint](**arguments))
        response.vary.update(["Accept", "Cookie"])
        return response


def stamp(moment: dt.datetime | None) -> str | None:
    """A time in the API: ISO 8601, UTC, with Z."""
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
