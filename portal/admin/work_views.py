"""/admin/jobs: what waits, what gave up and why, the queue, the clock, and what jobs said."""

from __future__ import annotations

import uuid
from typing import Any

from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from portal import queue
from portal.admin import paging, service, work
from portal.admin.said import said
from portal.db import db
from portal.errors import NotFound
from portal.outbox import OutboxJob
from portal.web import cursors
from portal.web.access import permission
from portal.web.pages import Pages, answer, see

pages = Pages("admin_work", __name__)
JOBS = permission("jobs:read")


@pages.get("/admin/jobs", access=JOBS)
def jobs() -> Response:
    session, name = db.session(), paging.typed()
    counts = work.counts(session)
    state = paging.asked("state", *work.STATES) or ("failed" if counts["failed"] else "waiting")
    rows = work.jobs(session, paging.ROWS + 1, cursors.place(), state, name)
    shown, cursor = paging.part(rows, paging.ROWS)
    return answer(
        "admin/jobs.html",
        rows=shown,
        counts=counts,
        next_href=paging.onward(cursor),
        values={"state": state, "q": name},
        depth=_depth(),
        clock=work.clock(session),
    )


@pages.get("/admin/jobs/<uuid:job_id>", access=JOBS)
def job(job_id: uuid.UUID) -> Response:
    row = db.session().get(OutboxJob, job_id)
    if row is None:
        raise NotFound
    return answer("admin/job.html", job=row, payload=_ids(row.payload))


@pages.post("/admin/jobs/<uuid:job_id>/retry", access=JOBS)
def retry(job_id: uuid.UUID) -> Any:
    service.retry_job(job_id)
    said("The job runs again.")
    return see(f"/admin/jobs/{job_id}")


@pages.get("/admin/jobs/<uuid:job_id>/retry", access=JOBS, endpoint="retry_get")
def back(job_id: uuid.UUID) -> Any:
    """A reload after an act is no dead end."""
    return see(f"/admin/jobs/{job_id}")


@pages.get("/admin/jobs/events", access=JOBS)
def events() -> Response:
    outcome, name = paging.asked("outcome", "done", "failed"), paging.typed()
    rows = work.system_events(db.session(), paging.ROWS + 1, cursors.place(), outcome, name)
    shown, cursor = paging.part(rows, paging.ROWS)
    return answer(
        "admin/system_events.html",
        rows=shown,
        next_href=paging.onward(cursor),
        values={"outcome": outcome, "q": name},
    )


def _depth() -> dict[str, int] | None:
    """What the queue holds and who works on it; None while the bus is away."""
    try:
        waiting, workers = queue.depth()
    except RedisError:
        return None
    return {"waiting": waiting, "workers": workers}


def _ids(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """A payload's ids; anything else may be about a person and is masked."""
    return [(name, str(value) if name.endswith(("_id", "_ids")) else "…") for name, value in sorted(payload.items())]
