"""Promise 71: wherever a request may say where to go next, the answer leads to a path of this host."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.accounts.models import User, UserSession
from portal.db import db
from portal.web.pages import safe_next
from tests import factories
from tests.conftest import Client

AWAY = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n\r\n/evil.example",
    " //evil.example",
    "\x01//evil.example",
    "https://evil.example",
    "https:evil.example",
    "http://localhost@evil.example/",
    "\uff0f\uff0fevil.example",
    "javascript:alert(1)//evil.example",
    "data:text/html,evil.example",
    "https:/evil.example",
    "HTTPS:\\\\evil.example",
    "http://localhost:x@evil.example/",
    "http://localhost.evil.example/",
    "//evil.example/..;/http://localhost/",
    "evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "\u2044\u2044evil.example",
    "\\/\\/evil.example",
]
"""What a browser, or a server before it, could read as another host; none of it is a path of ours."""
HERE = ["/%5cevil.example", "/%2f/evil.example", "/%2fevil.example", "/.//evil.example", "/\uff0fevil", "/@evil"]
"""What looks like it, and is a path of this host."""
PLAIN = re.compile(r"/(?![/\\])[!-\[\]-~\x80-\U0010ffff]*")


def hold(place: str | None, where: str) -> None:
    """A path from the root that no browser reads as a host: no second slash of either kind, no blanks, no controls."""
    assert place is not None, where
    assert PLAIN.fullmatch(place), (where, place)


@pytest.mark.parametrize("target", [*AWAY, *HERE, "", "/" + "a" * 3000])
def test_a_place_to_go_is_a_path_of_ours(target: str) -> None:
    """Promise 71: the function through which every such place goes."""
    hold(safe_next(target), "safe_next")
    assert safe_next(target) == (target if target in HERE else "/")


def places(client: Client, target: str) -> Iterator[tuple[str, TestResponse]]:
    """Each address that takes `next`, beside the link's own way (`accounts/test_sign_in`)."""
    for path in ("/login", "/login/wallet", "/me/wallets/link", "/me/security"):
        yield path, client.get(path, query_string={"next": target})
    wallet = "0x" + "ab" * 20
    for path, fields in (
        ("/login/wallet/sign", {"address": wallet}),
        ("/me/wallets/link/sign", {"address": wallet}),
        ("/me/wallets", {"address": wallet}),
        ("/me/security/authenticator/start", {}),
    ):
        yield path, client.post(path, data=fields | {"next": target}, query_string={"next": target})


def test_next_leads_nowhere_else(client: Client, session: Session, sign_in: Callable[[Client, User], str]) -> None:
    """Promise 71: as a Location, as a header of htmx, and in the hidden field that carries it on."""
    person, seen = factories.person(session), 0
    for target in AWAY[:15]:
        sign_in(client, session.merge(person))
        for path, answer in places(client, target):
            for name in {"Location", "HX-Redirect", "HX-Location", "HX-Push-Url"} & set(answer.headers.keys()):
                hold(answer.headers[name], f"{path} {target!r}")
                seen += 1
            for kept in re.findall(r'name="next" value="([^"]+)"', answer.text):
                hold(html.unescape(kept), f"{path} {target!r}")
                seen += 1
            assert not re.search(r"""(?:href|action|content)=["'][^"']*(?<![?&]next=)//evil""", answer.text), path
    assert seen >= 60


PATHS = ("//evil.example/", "/\\evil.example", "/%5Cevil.example", "//evil.example/%2f..", "/\t/evil.example", "///x")


@pytest.mark.parametrize("path", PATHS)
def test_the_page_before_is_a_page_of_ours(
    client: Client, session: Session, sign_in: Callable[[Client, User], str], path: str
) -> None:
    """Promise 71: the Referer is used after a follow and before a step-up."""
    artist = factories.artist(session, "Ines")
    sign_in(client, session.merge(artist.user))
    for host in ("http://localhost", "http://evil.example", "http://localhost@evil.example", "//evil.example", ""):
        before = {"Referer": host + path}
        followed = client.post("/artists/ines/follow", headers=before)
        hold(followed.location, f"follow {before}")
        from_afar(client)
        for asked in ({}, {"HX-Request": "true", "HX-Request-Type": "partial"}):
            answer = client.post("/me/security", data={"email": "x@example.org"}, headers=before | asked)
            hold(answer.headers.get("HX-Redirect", answer.headers.get("Location")), f"step-up {before}")


def from_afar(client: Client) -> None:
    """Their last proof is long ago."""
    db.session().execute(sa.update(UserSession).values(step_up_at=None))
    db.session.commit()


@pytest.mark.parametrize("path", [*PATHS, "//evil.example/login", "//evil.example//x/..//y", "/artists//evil/"])
def test_an_address_with_too_many_slashes_stays_here(client: Client, path: str) -> None:
    """Promise 71: the router straightens addresses; what it answers names this host alone, signed in or not."""
    for asked in (path, quote(path, safe="/\\%"), f"{path}?next=//evil.example"):
        answer: Any = client.get("/", environ_overrides={"PATH_INFO": asked.partition("?")[0], "RAW_URI": asked})
        place = answer.headers.get("Location")
        if place is not None:
            hold(place.removeprefix("http://localhost"), asked)
