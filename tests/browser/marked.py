"""Twenty artists whose every word is markup, every second one with a room, sown into a running portal.

`python -m tests.browser.marked <e-mail>`: the first of them is the person with this address. Prints a JSON object:
{string: {kind of page: address}}.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts import queries
from portal.accounts.models import User
from portal.app import create_app
from portal.artists.models import Artist
from portal.audit.context import Actor, acting_as
from portal.config import Settings
from portal.db import db
from portal.masters.enums import IpoStatus, MasterStatus
from tests import factories
from tests.access.test_words import MARKUP
from tests.vstudio import studio

LINKS = {
    "script": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    '"><b onclick=alert(1)>': "https://x.example/\" onmouseover=\"alert(1)",
    "web": "https://x.example/'onclick='alert(1)",
}


def sow(session: Session, user: User, text: str, number: int) -> dict[str, str]:
    user.display_name, user.bio = text, text
    artist = factories.artist(session, text, user=user)
    artist.bio, artist.genre, artist.location, artist.social_links = text, text, text, LINKS
    master = factories.master(session, artist, title=text)
    master.description, master.genre = text, text
    master.status, master.ipo.status = MasterStatus.LIVE, IpoStatus.LIVE
    slug, ids = artist.slug, {"master": str(master.id), "person": str(user.id)}
    session.commit()
    where = {"artist": f"/artists/{slug}", "master": f"/masters/{ids['master']}"}
    where |= {"draft": f"/studio/masters/{ids['master']}", "staff": f"/admin/users/{ids['person']}"}
    return where if number % 2 else where | _room(session, user, artist, text)


def _room(session: Session, user: User, artist: Artist, text: str) -> dict[str, str]:
    room = studio.room(session, artist, title=text, description=text)
    options: tuple[dict[str, Any], ...] = tuple(
        {"id": name, "label": f"{text} {name}", "metadata": {"description": text}} for name in "ab"
    )
    studio.vote(user.id, studio.poll(room, label=text, description=text, options=options))
    return {"room": f"/vstudio/{room.id}", "host": f"/studio/rooms/{room.id}"}


def main(email: str) -> None:
    app = create_app(Settings.from_env(os.environ))
    with app.app_context(), acting_as(Actor(identifier="test")):
        session, told = db.session(), {}
        first = queries.user_by_email(session, email)
        for number, text in enumerate(MARKUP):
            user = first if first and number == 0 else factories.person(session, f"marked-{number}@example.org")
            told[text] = sow(session, user, text, number)
        session.commit()
        print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
