"""What every answer carries: a request id and the headers that keep a page to its own origin."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from portal.config import Settings
from portal.errors import BadRequest, Forbidden
from portal.logs import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'; worker-src 'self'"
)
STATIC = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR = 31_536_000
READS = {"GET", "HEAD", "OPTIONS"}
VARY_PAGES = "HX-Request, HX-Request-Type, HX-Target, Accept, Cookie"


def on_lines(inner: WSGIApplication, settings: Settings) -> WSGIApplication:
    """The same for what the live line answers by itself, past Flask."""
    more = {**STATIC, **_hsts(settings)}

    def outer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            there = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value in more.items() if name.lower() not in there]
            return start_response(status, [*headers, *missing], *rest)

        return inner(environ, start)

    return outer


def _hsts(settings: Settings) -> dict[str, str]:
    https = settings.public_url.startswith("https://")
    return {"Strict-Transport-Security": f"max-age={YEAR}; includeSubDomains"} if https else {}


def set_up(app: Flask, settings: Settings) -> None:
    """Give each request its id before anything else, and each answer its headers after everything else."""
    hsts = _hsts(settings)

    @app.before_request
    def start() -> None:
        request_id.start(request.headers.get("X-Request-Id"))

    @app.before_request
    def refuse_nul() -> None:
        """PostgreSQL's text takes no NUL, and no address of ours has one."""
        if "\x00" in request.path or any("\x00" in value for _, value in request.args.items(multi=True)):
            raise BadRequest("This address has a character in it that no address here has.")

    @app.before_request
    def refuse_other_sites() -> None:
        """What a browser sends on another site's behalf changes nothing here, token or not (Fetch Metadata)."""
        if request.method not in READS and request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Forbidden("This came from another site. Open the page here and send it again.")

    @app.after_request
    def note(response: Response) -> Response:
        """One line for whatever may have changed something, so that its jobs can be traced back to it."""
        if request.method not in READS or response.status_code >= 500:
            what = {"method": request.method, "path": request.path, "status": response.status_code}
            log.info("request", extra=what)
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id() or ""
        for name, value in STATIC.items():
            response.headers.setdefault(name, value)
        response.headers.update(hsts)
        if response.mimetype == "text/html":
            response.headers["Vary"] = VARY_PAGES
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response
