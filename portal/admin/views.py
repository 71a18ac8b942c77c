"""/admin: what waits for staff; each part of it is for those with its permission."""

from __future__ import annotations

from typing import Any

from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.admin import masters_views, people_views, queries, records, records_views, veil, work, work_views
from portal.db import db
from portal.revenue import queries as revenue
from portal.revenue.enums import RevenueEventStatus as Status
from portal.web.access import staff
from portal.web.pages import Pages, answer

pages = Pages("admin", __name__)
more_pages = (people_views.pages, masters_views.pages, records_views.pages, work_views.pages)
MOST = 100
pages.add_app_template_filter(veil.veiled)


@pages.get("/admin", access=staff)
def home() -> Response:
    """The parts in the order of their urgency."""
    parts = {
        "security:read": _security,
        "jobs:read": _jobs,
        "admin:masters": _masters,
        "finance:verify": _revenue,
        "audit:read": _audit,
    }
    may = current_user.permissions
    tasks = [part(db.session()) for name, part in parts.items() if name in may]
    urgent = records.urgent_events(db.session()) if "security:read" in may else []
    return answer("admin/home.html", tasks=tasks, urgent=urgent)


def _task(title: str, href: str, count: int, text: str, *, alarm: bool = False) -> dict[str, Any]:
    """`alarm` colours a count above zero."""
    return {"title": title, "href": href, "count": count, "text": text, "alarm": alarm and count > 0}


def _security(session: Session) -> dict[str, Any]:
    urgent = len(records.urgent_events(session, MOST))
    text = "high or critical, not resolved"
    return _task("Urgent security events", "/admin/security-events?state=open", urgent, text, alarm=True)


def _jobs(session: Session) -> dict[str, Any]:
    counts = work.counts(session)
    text = f"{counts['waiting']} wait or run"
    return _task("Failed jobs", "/admin/jobs?state=failed", counts["failed"], text, alarm=True)


def _masters(session: Session) -> dict[str, Any]:
    return _task("Masters", "/admin/masters", queries.masters_waiting(session), "wait for a decision")


def _revenue(session: Session) -> dict[str, Any]:
    waiting = revenue.by_status(session, (Status.PENDING, Status.DISPUTED, Status.FAILED), MOST)
    return _task("Revenue", "/admin/revenue", len(waiting), "to verify, in dispute or failed")


def _audit(session: Session) -> dict[str, Any]:
    last = records.last_verification(session)
    wrong = 1 if last is not None and not last.success else 0
    text = "the last verification found changes" if wrong else "findings in the last verification"
    return _task("Audit log", "/admin/audit", wrong, text, alarm=True)
