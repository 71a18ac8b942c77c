"""/admin/masters: offers of unverified artists that wait for staff."""

from __future__ import annotations

import uuid
from typing import Any

from werkzeug.wrappers import Response

from portal.admin import forms, paging, queries
from portal.admin.said import said
from portal.db import db
from portal.errors import FieldError, Invalid
from portal.idempotency import Answer
from portal.masters import launch
from portal.masters.models import Master
from portal.masters.shapes import cover_url
from portal.web import cursors
from portal.web.access import permission
from portal.web.bodies import form_body, keyed, parse
from portal.web.pages import Pages, answer, see

pages = Pages("admin_masters", __name__)
MASTERS = permission("admin:masters")
HERE = "/admin/masters"


@pages.get(HERE, access=MASTERS)
def waiting() -> Response:
    return _page()


@pages.post(f"{HERE}/<uuid:master_id>/approve", access=MASTERS)
def approve(master_id: uuid.UUID) -> Any:
    master = launch.approve_master(master_id, keyed(_kept))
    said(f"{master.title} is approved, and its offer goes on.")
    return see(HERE)


@pages.post(f"{HERE}/<uuid:master_id>/send-back", access=MASTERS)
def send_back(master_id: uuid.UUID) -> Any:
    try:
        reason = parse(forms.Reason, form_body()).reason
    except Invalid as error:
        return _page(422, str(master_id), error.errors)
    master = launch.send_back(master_id, reason, keyed(_kept))
    said(f"{master.title} is with its artist again.")
    return see(HERE)


@pages.get(HERE + '/<uuid:master_id>/<any(approve, "send-back"):act>', access=MASTERS)
def back(master_id: uuid.UUID, act: str) -> Any:
    """A reload after an act is no dead end."""
    return see(HERE)


def _page(status: int = 200, chosen: str = "", errors: list[FieldError] | None = None) -> Response:
    rows = queries.waiting_masters(db.session(), paging.ROWS + 1, cursors.place())
    shown, cursor = paging.part(rows, paging.ROWS, "updated_at")
    listed = {"rows": [_row(master) for master in shown], "next_href": paging.onward(cursor)}
    return answer("admin/masters.html", status, **listed, chosen=chosen, errors=errors or [])


def _row(master: Master) -> dict[str, Any]:
    ipo = master.ipo
    return {
        "id": str(master.id),
        "title": master.title,
        "description": master.description,
        "genre": master.genre,
        "artist_name": master.artist.artist_name,
        "artist_href": f"/artists/{master.artist.slug}",
        "owner_id": str(master.artist.user_id),
        "cover_url": cover_url(master),
        "since": master.updated_at,
        "rights_at": master.rights_confirmed_at,
        "shares": ipo.total_supply if ipo else None,
        "holders_bps": ipo.revenue_share_nft_holders_bps if ipo else None,
    }


def _kept(_master: Master) -> Answer:
    return 303, {"location": HERE}
