"""GET /me."""

from __future__ import annotations

from flask_login import current_user

from portal.accounts import shapes
from portal.accounts.models import User
from portal.db import db
from portal.versions import Api
from portal.web.access import signed_in

api = Api("accounts_api", __name__)


@api.get("/me", versions=(1, 2), access=signed_in)
def get_me(version: int) -> shapes.Me:
    """The whole user object, the same in both versions."""
    return shapes.me(db.session().get_one(User, current_user.user_id))
