"""A draft changed through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import db
from portal.masters.models import Master, MasterIpo
from tests import factories
from tests.conftest import Client


def test_what_is_sent_is_changed(client: Client, session: Session, sign_in: Callable[..., Any]) -> None:
    master = factories.master(session, title="First Ice")
    path, owner = f"/api/v2/masters/{master.id}", master.artist.user
    assert client.patch(path, json={"title": "Mine"}).status_code == 401
    sign_in(client, owner)
    changed = client.patch(path, json={"title": "Second Ice", "moodTags": ["calm"]})
    told = changed.json["master"]
    assert (changed.status_code, told["title"], told["genre"], told["description"]) == (
        200, "Second Ice", "Dub", "A recording.")  # fmt: skip
    assert db.session().scalars(sa.select(Master.mood_tags)).one() == ["calm"]
    assert client.patch(path, json={"title": None}).status_code == 422
    assert client.patch(path, json={"ipo": {}}).status_code == 422
    db.session().execute(sa.update(MasterIpo).values(status="live"))
    db.session().commit()
    assert client.patch(path, json={"title": "Third Ice"}).status_code == 409
    sign_in(client, factories.artist(db.session()).user)
    assert client.patch(path, json={"title": "Stolen"}).status_code == 404
