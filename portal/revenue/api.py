"""Revenue, analytics and dividends for API clients."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import current_app
from flask_login import current_user

from portal.config import Settings
from portal.db import db
from portal.errors import BadRequest, NotFound
from portal.masters import queries as masters
from portal.revenue import claims, forms, history, income, queries, service, shapes
from portal.revenue.models import RevenueEvent
from portal.versions import Api
from portal.web import cursors
from portal.web.access import permission, signed_in
from portal.web.bodies import json_body, keyed, parse

api = Api("revenue_api", __name__)
FINANCE = permission("finance:verify")
LATEST = 100


@api.post("/masters/<uuid:master_id>/revenue-events", versions=(1, 2), access=signed_in)
def post_revenue_event(master_id: uuid.UUID, version: int) -> tuple[dict[str, Any], int]:
    """The owner's event is pending, finance's verified; v1 is the same body under the legacy words."""
    data = parse(forms.NewRevenue, json_body()).data()

    def answer(event: RevenueEvent) -> tuple[int, dict[str, Any]]:
        return 201, shapes.revenue_event(event, version)

    event = service.record_revenue(current_user.user_id, master_id, data, _settings(), keyed(answer))
    status, body = answer(event)
    return body, status


@api.get("/masters/<uuid:master_id>/revenue-events", versions=(2,), access=signed_in)
def get_revenue_events(master_id: uuid.UUID, version: int) -> dict[str, Any]:
    """For the owner and for finance; newest first."""
    session, finance = db.session(), bool({"finance:read", "finance:verify"} & current_user.permissions)
    if queries.master_for(session, master_id, current_user.user_id, staff=finance) is None:
        raise NotFound
    limit, after = cursors.limit(), cursors.after()
    rows = queries.events_of(session, master_id, limit + 1, _created(after))
    shown = rows[:limit]
    last = [shown[-1].created_at.isoformat(), str(shown[-1].id)] if len(rows) > limit else None
    return _page([shapes.revenue_event(event, version) for event in shown], last)


@api.get("/masters/<uuid:master_id>/analytics", versions=(1, 2), access=signed_in)
def get_analytics(master_id: uuid.UUID, version: int) -> dict[str, Any]:
    """The master's owner only: for everybody else it is not there."""
    session = db.session()
    if masters.owned(session, master_id, current_user.user_id) is None:
        raise NotFound
    return shapes.analytics(
        queries.events_of(session, master_id, LATEST),
        income.dividend_events_of(session, master_id, LATEST),
        income.revenue_totals(session, master_id),
        income.dividend_totals(session, master_id),
        version,
    )


@api.post("/revenue-events/<uuid:event_id>/verify", versions=(2,), access=FINANCE)
def post_verify(event_id: uuid.UUID, version: int) -> dict[str, Any]:
    form = parse(forms.Verification, json_body())

    def answer(event: RevenueEvent) -> tuple[int, dict[str, Any]]:
        return 200, shapes.revenue_event(event, version)

    who, rate = current_user.user_id, form.given_rate()
    event = service.verify_revenue(who, event_id, form.receipt, _settings(), rate, keyed(answer))
    return answer(event)[1]


@api.post("/revenue-events/<uuid:event_id>/dispute", versions=(2,), access=FINANCE)
def post_dispute(event_id: uuid.UUID, version: int) -> dict[str, Any]:
    reason = parse(forms.Reason, json_body()).reason
    return shapes.revenue_event(service.dispute_revenue(current_user.user_id, event_id, reason), version)


@api.post("/revenue-events/<uuid:event_id>/reject", versions=(2,), access=FINANCE)
def post_reject(event_id: uuid.UUID, version: int) -> dict[str, Any]:
    reason = parse(forms.Reason, json_body()).reason
    return shapes.revenue_event(service.reject_revenue(current_user.user_id, event_id, reason), version)


@api.post("/revenue-events/<uuid:event_id>/retry", versions=(2,), access=FINANCE)
def post_retry(event_id: uuid.UUID, version: int) -> dict[str, Any]:
    return shapes.revenue_event(service.retry_revenue(current_user.user_id, event_id), version)


@api.post("/dividends/claim-intents", versions=(2,), access=signed_in)
def post_claim_intent(version: int) -> dict[str, Any]:
    """The unsigned transaction that fetches what waits for one of the caller's wallets. Nothing is written."""
    form, who, chain_id = parse(forms.ClaimRequest, json_body()), current_user.user_id, _settings().chain_id
    return claims.prepare(db.session(), who, form.wallet, chain_id, form.master_ids).body()


@api.get("/dividends", versions=(2,), access=signed_in)
def get_dividends(version: int) -> dict[str, Any]:
    """The caller's book, newest first: dividends, credits and claims, each with the balance after it."""
    limit, after = cursors.limit(), cursors.after()
    rows = history.entries(db.session(), current_user.user_id, limit + 1, _place(after))
    shown = rows[:limit]
    last = [str(part) for part in shown[-1].place] if len(rows) > limit else None
    return _page([shapes.entry(line) for line in shown], last)


@api.get("/dividends/claims", versions=(2,), access=signed_in)
def get_claims(version: int) -> dict[str, Any]:
    limit, after = cursors.limit(), cursors.after()
    rows = history.claims(db.session(), current_user.user_id, limit + 1, _position(after))
    shown = rows[:limit]
    last = [str(shown[-1].block_number), str(shown[-1].log_index)] if len(rows) > limit else None
    return _page([shapes.claim(row) for row in shown], last)


def _page(data: list[dict[str, Any]], last: list[Any] | None) -> dict[str, Any]:
    return {"data": data, "page": {"next": None if last is None else cursors.encode(last)}}


def _created(after: list[Any] | None) -> tuple[dt.datetime, uuid.UUID] | None:
    if after is None:
        return None
    try:
        at, row_id = after
        return dt.datetime.fromisoformat(at), uuid.UUID(row_id)
    except (ValueError, TypeError) as error:
        raise _other_list() from error


def _place(after: list[Any] | None) -> history.Place | None:
    if after is None:
        return None
    try:
        block, log_index, kind, row_id = after
        return int(block), int(log_index), str(kind), uuid.UUID(row_id)
    except (ValueError, TypeError) as error:
        raise _other_list() from error


def _position(after: list[Any] | None) -> tuple[int, int] | None:
    if after is None:
        return None
    try:
        block, log_index = after
        return int(block), int(log_index)
    except (ValueError, TypeError) as error:
        raise _other_list() from error


def _other_list() -> BadRequest:
    return BadRequest("This page address belongs to another list; start from the first page.")


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
