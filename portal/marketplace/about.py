"""Pages about the portal itself: its API and its state. The state page renders when parts are down."""

from __future__ import annotations

from typing import Any

from flask import current_app
from werkzeug.wrappers import Response

from portal.db import utcnow
from portal.errors import DomainError
from portal.web import health
from portal.web.access import anyone
from portal.web.answers import WORDS
from portal.web.pages import Pages, answer

about = Pages("about", __name__)


@about.get("/docs/api", access=anyone)
def api() -> Response:
    """Every endpoint with its versions and who may use it, as the application declares them."""
    return answer("pages/api.html", endpoints=endpoints(), refusals=refusals())


def endpoints() -> list[dict[str, Any]]:
    """[{method, path, versions: [int], who}], by path."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for rule in current_app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v"):
            continue
        version, _, path = rule.rule.removeprefix("/api/v").partition("/")
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}), "GET")
        who = getattr(current_app.view_functions[rule.endpoint], "access", anyone).name
        row = found.setdefault((f"/{path}", method), {"method": method, "path": f"/{path}", "who": who, "versions": []})
        row["versions"].append(int(version))
    return [found[key] | {"versions": sorted(found[key]["versions"])} for key in sorted(found)]


def refusals() -> list[dict[str, Any]]:
    """[{code, status, title}]: what the `type` of an error leads to, by code."""
    found = {code: {"code": code, "status": status, "title": title} for status, (code, title) in WORDS.items()}
    for kind in _kinds(DomainError):
        found[kind.code] = {"code": kind.code, "status": kind.status, "title": kind.title}
    return [found[code] for code in sorted(found)]


def _kinds(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in _kinds(below))]


@about.get("/status", access=anyone)
def status() -> Response:
    return answer("pages/status.html", parts=health.parts(), at=utcnow())
