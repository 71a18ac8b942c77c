"""No dead end: every link of every page that a person can reach leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from tests import factories
from tests.conftest import Client

LINK = re.compile(r'href="(/[^"#?]*)')


def crawl(client: Client, start: str) -> dict[str, int]:
    """Address -> status, for everything that can be reached by links from `start`."""
    seen: dict[str, int] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith("/static/"):
            continue
        answer = client.get(path, follow_redirects=True)
        seen[path] = answer.status_code
        if answer.mimetype == "text/html":
            waiting += LINK.findall(answer.text)
    return seen


def dead(client: Client, start: str) -> list[str]:
    return sorted(path for path, status in crawl(client, start).items() if status >= 400)


def test_a_visitor_finds_no_dead_link(client: Client, session: Session) -> None:
    factories.master(session, factories.artist(session))
    assert dead(client, "/") == []


def test_an_artist_finds_no_dead_link(client: Client, session: Session, sign_in: Callable[..., Any]) -> None:
    artist = factories.artist(session)
    factories.master(session, artist)
    sign_in(client, artist.user)
    assert dead(client, "/studio") == []
