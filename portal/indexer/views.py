"""How far the tables are behind the chain, for everybody: the metrics, and what a page says while it matters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings
from portal.db import db
from portal.indexer import queries
from portal.indexer.queries import Status
from portal.web.access import anyone
from portal.web.pages import Pages

pages = Pages("indexer", __name__)

KEPT_SECONDS = 1.0
_kept: WeakKeyDictionary[object, tuple[float, Status | None]] = WeakKeyDictionary()


@pages.app_template_global("chain_state")
def chain_state() -> Status | None:
    """Where the indexer is, asked once a second in each process; None before its first block or without a database."""
    at, found = _kept.get(db.engine, (0.0, None))
    if time.monotonic() - at >= KEPT_SECONDS:
        found = _status()
        _kept[db.engine] = time.monotonic(), found
    return found


def _status() -> Status | None:
    settings: Settings = current_app.config["SETTINGS"]
    try:
        return queries.status(db.session(), str(settings.chain_id))
    except SQLAlchemyError:
        db.session.rollback()
        return None


@pages.get("/metrics", access=anyone)
def metrics() -> Response:
    """Gauges as Prometheus reads them; those of the chain are missing before its first block."""
    text = "".join(_lines(_status()))
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _lines(status: Status | None) -> Iterator[str]:
    if status is None:
        return
    for name, help_text, value in (
        ("head_block", "Newest block in the tables.", status.head),
        ("final_block", "Newest final block in the tables.", status.finalized),
        ("node_head_block", "Newest block that the node told of.", status.node_head),
        ("lag_blocks", "Blocks that the tables are behind the node.", status.behind_blocks),
        ("lag_seconds", "Seconds since the tables last stood where the chain stood.", status.behind_seconds),
        ("silent_seconds", "Seconds since the node was last reached.", status.silent_seconds),
        ("halted", "1 while the indexer refuses to go on.", int(status.halted is not None)),
    ):
        full = f"audifi_indexer_{name}"
        yield f"# HELP {full} {help_text}\n# TYPE {full} gauge\n{full} {value}\n"
