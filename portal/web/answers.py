"""How a refusal reaches people and programs: problem+json (v2), the legacy error (v1), a page, or a partial.

No answer shows a stack, SQL or a version; each carries the request id, which the log has too.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, cast

from flask import Flask, Response, current_app, g, jsonify, make_response, redirect, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from portal import errors
from portal.db import db
from portal.errors import DomainError
from portal.logs import request_id
from portal.web.pages import is_partial

log = logging.getLogger(__name__)

WORDS = {
    400: ("bad_request", "This request could not be read"),
    403: ("forbidden", "This is not yours to do"),
    404: ("not_found", "There is nothing here"),
    405: ("method_not_allowed", "This address does not take that kind of request"),
    410: ("gone", "This is no longer here"),
    413: ("too_large", "That is more than this address takes"),
    415: ("unsupported_type", "This address does not read that kind of content"),
    429: ("too_many", "Too many tries; please wait a little"),
    500: ("internal", "Something went wrong on our side"),
    503: ("unavailable", "A part of the portal does not answer right now"),
}


def set_up(app: Flask) -> None:
    app.register_error_handler(DomainError, refuse)
    app.register_error_handler(errors.Replayed, replay)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StaleDataError, lambda _error: refuse(errors.Conflict()))
    app.register_error_handler(OperationalError, database_away)
    app.register_error_handler(InterfaceError, database_away)
    app.register_error_handler(Exception, unexpected)


def api_version() -> int | None:
    """1 or 2 when an API client asks, None when a browser does."""
    version: int | None = g.get("api_version")
    if version is None and request.path.startswith("/api/"):
        version = 1 if request.path.startswith("/api/v1/") else 2
    return version


def refuse(error: DomainError) -> BaseResponse:
    if error.status == 401 and api_version() is None:
        return _to_sign_in()
    fields = [{"field": e.field, "message": e.message} for e in getattr(error, "errors", [])]
    response = _worded(error.status, error.code, error.title, error.detail, fields)
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def replay(error: errors.Replayed) -> BaseResponse:
    """The kept answer of the same request: JSON for programs, the same redirect for a form."""
    location = error.body.get("location")
    if api_version() is None and isinstance(location, str):
        return redirect(location, code=303)
    return make_response(jsonify(error.body), error.status)


def http_error(error: HTTPException) -> BaseResponse:
    if error.response is not None:
        return cast(BaseResponse, error.response)
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()
    code, title = WORDS.get(status, ("error", error.name))
    response = _worded(status, code, title, _detail(error, title), [])
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def unexpected(error: Exception) -> BaseResponse:
    """A statement that failed leaves its transaction unusable; the page of the error still asks who looks at it."""
    log.exception("unexpected error")
    with suppress(SQLAlchemyError):
        db.session.rollback()
    return _worded(500, *WORDS[500], "Nothing was changed. Tell us the number below if it happens again.", [])


def database_away(error: Exception) -> BaseResponse:
    log.error("the database does not answer: %s", type(error).__name__)
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
    return _worded(503, *WORDS[503], "Nothing was changed. Please try again in a moment.", [])


def _detail(error: HTTPException, title: str) -> str:
    """Flask-WTF words its CSRF refusals for people; other descriptions are ours to word."""
    if type(error).__name__ == "CSRFError":
        return "This form was open too long or came from elsewhere. Reload the page and send it again."
    return title + "."


def _to_sign_in() -> BaseResponse:
    """A page goes to the sign-in page and comes back; a partial makes htmx go there."""
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    location = current_app.url_for("accounts.login_get", next=here)
    if is_partial():
        response = make_response("", 401)
        response.headers["HX-Redirect"] = location
        return response
    return redirect(location)


def _worded(status: int, code: str, title: str, detail: str, fields: list[dict[str, str]]) -> Response:
    version = api_version()
    if version == 1:
        return make_response(jsonify({"error": {"code": code, "message": detail}}), status)
    if version is not None:
        return _problem(status, code, title, detail, fields)
    name = "errors/_partial.html" if is_partial() else "errors/page.html"
    html = render_template(name, status=status, title=title, detail=detail, errors=fields, request_id=request_id())
    return make_response(html, status)


def _problem(status: int, code: str, title: str, detail: str, fields: list[dict[str, str]]) -> Response:
    body: dict[str, Any] = {
        "type": f"/docs/api#error-{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "requestId": request_id(),
    }
    if fields:
        body["errors"] = fields
    response = make_response(jsonify(body), status)
    response.mimetype = "application/problem+json"
    return response
