"""Revenue, analytics and dividends for API clients."""

from __future__ import annotations

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
from portal.web.access import confirmed, confirmed_with, permission, signed_in
from portal.web.bodies import keyed
from portal.web.schema import Page, Paging

api = Api("revenue_api", __name__)
FINANCE = confirmed(permission("finance:verify"))
"""Its acts move money: whoever does them has proved who they are within the last minutes."""
LATEST = 100
Event = shapes.RevenueEventV1 | shapes.RevenueEventV2


@api.post(
    "/masters/<uuid:master_id>/revenue-events",
    versions=(1, 2),
    access=confirmed_with("finance:verify", signed_in),
    answers=shapes.EVENT_ANSWERS,
    status=201,
)
def post_revenue_event(master_id: uuid.UUID, version: int, body: forms.NewRevenue) -> tuple[Event, int]:
    """The owner's event is pending, finance's verified and paid out; v1 is the same body under the legacy words."""

    def answer(event: RevenueEvent) -> tuple[int, Event]:
        return 201, shapes.revenue_event(event, version)

    event = service.record_revenue(current_user.user_id, master_id, body.data(), _settings(), keyed(answer))
    return answer(event)[1], 201


@api.get("/masters/<uuid:master_id>/revenue-events", versions=(2,), access=signed_in, query=Paging)
def get_revenue_events(master_id: uuid.UUID, version: int) -> Page[shapes.RevenueEventV2]:
    """For the owner and for finance; newest first."""
    session, finance = db.session(), bool({"finance:read", "finance:verify"} & current_user.permissions)
    if queries.master_for(session, master_id, current_user.user_id, staff=finance) is None:
        raise NotFound
    limit = cursors.limit()
    rows = queries.events_of(session, master_id, limit + 1, cursors.place())
    shown = rows[:limit]
    last = [shown[-1].created_at.isoformat(), str(shown[-1].id)] if len(rows) > limit else None
    return {"data": [shapes.revenue_event_v2(event) for event in shown], "page": {"next": _next(last)}}


@api.get("/masters/<uuid:master_id>/analytics", versions=(1, 2), access=signed_in, answers=shapes.ANALYTICS_ANSWERS)
def get_analytics(master_id: uuid.UUID, version: int) -> shapes.AnalyticsV1 | shapes.AnalyticsV2:
    """The master's owner only: for everybody else it is not there."""
    session = db.session()
    if masters.owned(session, master_id, current_user.user_id) is None:
        raise NotFound
    read = shapes.Analytics(
        queries.events_of(session, master_id, LATEST),
        income.dividend_events_of(session, master_id, LATEST),
        income.revenue_totals(session, master_id),
        income.dividend_totals(session, master_id),
    )
    return shapes.analytics_v1(read) if version == 1 else shapes.analytics_v2(read)


@api.post("/revenue-events/<uuid:event_id>/verify", versions=(2,), access=FINANCE)
def post_verify(event_id: uuid.UUID, version: int, body: forms.Verification) -> shapes.RevenueEventV2:
    who, rate = current_user.user_id, body.given_rate()
    event = service.verify_revenue(who, event_id, body.receipt, _settings(), rate, keyed(_event))
    return shapes.revenue_event_v2(event)


@api.post("/revenue-events/<uuid:event_id>/dispute", versions=(2,), access=FINANCE)
def post_dispute(event_id: uuid.UUID, version: int, body: forms.Reason) -> shapes.RevenueEventV2:
    event = service.dispute_revenue(current_user.user_id, event_id, body.reason, keyed(_event))
    return shapes.revenue_event_v2(event)


@api.post("/revenue-events/<uuid:event_id>/reject", versions=(2,), access=FINANCE)
def post_reject(event_id: uuid.UUID, version: int, body: forms.Reason) -> shapes.RevenueEventV2:
    event = service.reject_revenue(current_user.user_id, event_id, body.reason, keyed(_event))
    return shapes.revenue_event_v2(event)


@api.post("/revenue-events/<uuid:event_id>/retry", versions=(2,), access=FINANCE)
def post_retry(event_id: uuid.UUID, version: int) -> shapes.RevenueEventV2:
    return shapes.revenue_event_v2(service.retry_revenue(current_user.user_id, event_id, keyed(_event)))


@api.post("/dividends/claim-intents", versions=(2,), access=signed_in)
def post_claim_intent(version: int, body: forms.ClaimRequest) -> shapes.ClaimIntent:
    """The unsigned transaction that fetches what waits for one of the caller's wallets. Nothing is written."""
    who, chain_id = current_user.user_id, _settings().chain_id
    return shapes.claim_intent(claims.prepare(db.session(), who, body.wallet, chain_id, body.master_ids))


@api.get("/dividends", versions=(2,), access=signed_in, query=Paging)
def get_dividends(version: int) -> Page[shapes.BookEntry]:
    """The caller's book, newest first: dividends, credits and claims, each with the balance after it."""
    limit, after = cursors.limit(), cursors.after()
    rows = history.entries(db.session(), current_user.user_id, limit + 1, _place(after))
    shown = rows[:limit]
    last = [str(part) for part in shown[-1].place] if len(rows) > limit else None
    return {"data": [shapes.entry(line) for line in shown], "page": {"next": _next(last)}}


@api.get("/dividends/claims", versions=(2,), access=signed_in, query=Paging)
def get_claims(version: int) -> Page[shapes.Claimed]:
    limit, after = cursors.limit(), cursors.after()
    rows = history.claims(db.session(), current_user.user_id, limit + 1, _position(after))
    shown = rows[:limit]
    last = [str(shown[-1].block_number), str(shown[-1].log_index)] if len(rows) > limit else None
    return {"data": [shapes.claim(row) for row in shown], "page": {"next": _next(last)}}


def _event(event: RevenueEvent) -> tuple[int, shapes.RevenueEventV2]:
    return 200, shapes.revenue_event_v2(event)


def _next(last: list[Any] | None) -> str | None:
    return None if last is None else cursors.encode(last)


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
