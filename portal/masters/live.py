"""Rooms "master:<id>" on the live line: the counter of an offer, for whoever may see the master."""

from __future__ import annotations

import uuid
from typing import Any

from flask_login import current_user

from portal.db import db
from portal.masters import queries
from portal.web.access import anyone
from portal.web.sockets import room


def may_join(master_id: uuid.UUID) -> bool:
    return queries.visible(db.session(), master_id, current_user.user_id) is not None


def state(master_id: uuid.UUID) -> list[dict[str, Any]]:
    """`ipo.mint` as of now; without seq, because only the indexer numbers what the chain said."""
    master = queries.visible(db.session(), master_id, current_user.user_id)
    if master is None or master.ipo is None:
        return []
    return [{"type": "ipo.mint", "masterId": str(master_id), "mintedSupply": master.ipo.minted_supply}]


room("master", anyone, may_join, state)
