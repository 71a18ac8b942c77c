"""GET /me/subscriptions."""

from __future__ import annotations

from flask_login import current_user

from portal.db import db
from portal.subscriptions import queries, shapes
from portal.versions import Api
from portal.web.access import signed_in

api = Api("subscriptions_api", __name__)


@api.get("/me/subscriptions", versions=(1, 2), access=signed_in)
def get_subscriptions(version: int) -> list[shapes.OwnSubscription]:
    rows = queries.subscriptions_of(db.session(), current_user.user_id)
    return [shapes.subscription(held, plan) for held, plan in rows]
