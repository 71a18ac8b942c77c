"""/healthz (this process lives) and /readyz (the parts it needs answer)."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, make_response
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal import queue
from portal.db import db
from portal.web.access import anyone
from portal.web.pages import guarded

health = Blueprint("health", __name__)


def _database() -> None:
    db.session.execute(sa.text("SELECT 1"))


def _bus() -> None:
    queue.connection().ping()


PARTS: dict[str, Callable[[], None]] = {"database": _database, "bus": _bus}


def parts() -> dict[str, bool]:
    """Which of the parts that a web process needs answer right now."""
    return {name: _answers(check) for name, check in PARTS.items()}


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except (SQLAlchemyError, RedisError):
        return False
    return True


def healthz() -> Response:
    return jsonify({"status": "ok"})


def readyz() -> Response:
    """200 when every part answers, else 503 with the names."""
    state = parts()
    return make_response(jsonify({"ready": all(state.values()), "parts": state}), 200 if all(state.values()) else 503)


health.add_url_rule("/healthz", "healthz", guarded(healthz, anyone))
health.add_url_rule("/readyz", "readyz", guarded(readyz, anyone))
