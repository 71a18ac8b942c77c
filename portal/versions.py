"""The JSON API: one view, one service, a shape a version.

`@api.get("/masters/<uuid:master_id>", versions=(1, 2), access=anyone)` registers `/api/v1/…` and `/api/v2/…` on
one view, which gets `version` and answers `SHAPES[version](…)`. Versions are ints: 10 is newer than 2. The
specification's bare paths are the pages; asked by name for JSON they answer the v2 body.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, Required, TypedDict, TypeVar, Unpack, cast, get_args, get_origin, get_type_hints, overload

from flask import Blueprint, Flask, Response, current_app, g, jsonify, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.wrappers import Response as BaseResponse

from portal.config import Settings
from portal.web.access import Access, anyone
from portal.web.bodies import Body, json_body, parse

CURRENT = 2
V = TypeVar("V", bound=Callable[..., Any])


class Declaration(TypedDict, total=False):
    """What `@api.get(…)` and its siblings take besides the rule."""

    versions: Required[tuple[int, ...]]
    access: Required[Access]
    answers: dict[int, Any]
    takes: Any
    query: Any
    status: int | tuple[int, ...]


@dataclass(frozen=True)
class Declared:
    """What a route says about itself, by version: the body it takes, its query, its answer and statuses."""

    access: Access
    view: Callable[..., Any]
    version: int
    answer: Any
    statuses: tuple[int, ...]
    body: type[Body] | None
    body_optional: bool
    query: Any


class Api(Blueprint):
    """A blueprint whose routes exist once a version and declare their access.

    The rest of the declaration is the view's own signature: its return type is the answer (with `answers` where it
    differs by version), and a parameter `body` is the request's body, parsed before the view is called (`body: X |
    None = None` where it may be left out). `takes` names the body where it differs by version, or where the view
    has to decide something before reading it. `query` is a TypedDict of the query's names.
    """

    def get(self, rule: str, **declared: Unpack[Declaration]) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "GET", declared)

    def post(self, rule: str, **declared: Unpack[Declaration]) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "POST", declared)

    def put(self, rule: str, **declared: Unpack[Declaration]) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "PUT", declared)

    def patch(self, rule: str, **declared: Unpack[Declaration]) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "PATCH", declared)

    def delete(self, rule: str, **declared: Unpack[Declaration]) -> Callable[[V], V]:  # type: ignore[override]
        return self._declare(rule, "DELETE", declared)

    def _declare(self, rule: str, method: str, given: Declaration) -> Callable[[V], V]:
        def decorate(view: V) -> V:
            for version in given["versions"]:
                self.add_url_rule(
                    f"/api/v{version}{rule}",
                    f"{view.__name__}_v{version}",
                    _versioned(_declared(view, version, given)),
                    methods=[method],
                )
            return view

        return decorate


def _declared(view: Callable[..., Any], version: int, given: Declaration) -> Declared:
    hints = get_type_hints(view, include_extras=True)
    answer = hints["return"]
    if get_origin(answer) is tuple:
        answer = get_args(answer)[0]
    takes = given.get("takes", hints.get("body"))
    body = takes[version] if isinstance(takes, dict) else takes
    optional = type(None) in get_args(body)
    statuses = given.get("status", 200)
    return Declared(
        access=given["access"],
        view=view,
        version=version,
        answer=given["answers"][version] if "answers" in given else answer,
        statuses=statuses if isinstance(statuses, tuple) else (statuses,),
        body=get_args(body)[0] if optional else body,
        body_optional=optional,
        query=given.get("query"),
    )


def _versioned(route: Declared) -> Callable[..., BaseResponse]:
    parsed = route.body if "body" in signature(route.view).parameters else None

    @wraps(route.view)
    def answer(**kwargs: Any) -> BaseResponse:
        g.api_version = route.version
        route.access.check()
        if parsed and not (route.body_optional and not request.get_data(cache=True)):
            kwargs["body"] = parse(parsed, json_body())
        response = _response(route.view(version=route.version, **kwargs))
        if route.access is anyone and request.method == "GET" and response.status_code == 200:
            response.add_etag()
            response.headers.setdefault("Cache-Control", "public, no-cache")
            return response.make_conditional(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    answer.access, answer.declared = route.access, route  # type: ignore[attr-defined]
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


def set_up(app: Flask) -> None:
    """Mark what is legacy, refusals too; and on a page's path give JSON to those who ask for it by name."""

    @app.after_request
    def mark(response: Response) -> Response:
        if g.get("api_version", CURRENT) < CURRENT:
            _mark_as_legacy(response)
        return response

    @app.before_request
    def answer_json_by_name() -> BaseResponse | None:
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


@overload
def stamp(moment: dt.datetime) -> str: ...
@overload
def stamp(moment: None) -> None: ...
@overload
def stamp(moment: dt.datetime | None) -> str | None: ...
def stamp(moment: dt.datetime | None) -> str | None:
    """A time in the API: ISO 8601, UTC, with Z."""
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
