"""Promises 65, 66, 68: whatever people type is text: shown as it was typed, and never markup, SQL or a fault."""

from __future__ import annotations

import html
import re
import unicodedata
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from portal.artists.models import Artist
from portal.db import db, utcnow
from portal.nfts.enums import NftListingStatus
from portal.nfts.models import MasterNft
from portal.web import cursors
from tests.access.people import World

MARKUP = (
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert`1`>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<iframe src=javascript:alert(1)>",
    "javascript:alert(1)",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<!--<script>-->alert(1)",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>go",
    "\\u003cscript\\u003ealert(1)",
)
SQL = ("' OR '1'='1", "'; DROP TABLE users; --", '" UNION SELECT 1 --', "1) OR (1=1", "%' OR 1=1 --", "\\'; --", "a%_b")
ODD = ("e\u0301te\u0301", "\u200d\u200d", "Z\u0336a\u0336", "\U0001f468\u200d\U0001f469", "\uff41\uff55")
REFUSED = ("a\x00b", "\u202eevil", "x\u2066y\u2069", "bell\x07")
LISTS = ("admin/users", "dividends", "dividends/claims", "marketplace", "masters/{live}/nfts", "nfts/{nft}/transfers")
LISTS += ("masters/{live}/revenue-events",)
RUNS = {"script", "style", "iframe", "object", "embed", "base"}


class Page(HTMLParser):
    """What a browser would run on a page, beside the files of the portal itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.live: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in RUNS and not given.get("src", "").startswith("/static/"):
            self.live.append(tag)
        self.live += [name for name in given if name.startswith("on")]
        self.live += [f"{name}={value}" for name, value in given.items() if self._leads_away(name, value)]

    def _leads_away(self, name: str, value: str) -> bool:
        scheme = re.sub(r"[\x00-\x20]", "", value).lower()
        return name in {"href", "src", "action", "formaction"} and scheme.startswith(("javascript:", "//", "vbscript:"))


def forms(world: World, text: str) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """(kind, path, what is sent, page where it is seen) for each field that takes free text."""
    ids, owner, host = world.ids, "owner", "host"
    yield owner, "/me/profile", {"data": {"displayName": text, "bio": text}}, "/me/profile"
    yield "fan", "/studio/become", {"data": {"artistName": text, "shortBio": text}}, "/studio"
    yield owner, f"/me/wallets/{ids['wallet']}/label", {"data": {"label": text}}, "/me/wallets"
    yield owner, "/api/v2/masters", {"json": {"title": text, "description": text, "genre": text}}, "/studio"
    revenue = {"sourceType": "sync", "amount": "5", "currency": "USD", "sourceName": text, "notes": text}
    live = ids["live"]
    yield owner, f"/api/v2/masters/{live}/revenue-events", {"json": revenue}, f"/studio/masters/{live}/revenue"
    decision = {"label": text, "description": text, "options": [{"label": text}, {"label": "b"}]}
    yield host, f"/api/v2/vstudio/{ids['room']}/decisions", {"json": decision}, f"/studio/rooms/{ids['room']}"
    room = {"masterId": ids["draft"], "title": text, "description": text}
    yield owner, "/api/v2/vstudio", {"json": room}, "/studio/vstudio"


def hold(answer: TestResponse, where: str, text: str) -> None:
    assert answer.status_code < 500, (where, text)
    if answer.mimetype == "text/html":
        assert not Page(answer.text).live, (where, text, Page(answer.text).live)


@pytest.mark.walk
def test_words_are_words(world: World) -> None:
    """Promises 65, 66: written where people may write, seen as the same words on the page, and nothing runs.

    Markup in all fields is `test_markup`'s.
    """
    every = ((text, *form) for text in (MARKUP[0], *SQL, *ODD) for form in forms(world, text))
    for text, kind, path, sent, seen in every:
        with world.undone():
            done = world.ask(kind, "POST", path, keep=True, **sent)
            hold(done, path, text)
            shown = world.ask(kind, "GET", seen, keep=True, headers={})
            hold(shown, seen, text)
            if done.status_code in {201, 303}:
                words = re.sub(r"\s+", " ", html.unescape(shown.text))
                assert unicodedata.normalize("NFC", text) in unicodedata.normalize("NFC", words), (path, seen)


@pytest.mark.walk
def test_questions_are_words(world: World) -> None:
    """Promises 65, 66, 68: in every search, filter and sorting; what nobody sees is no fault there either."""
    for text in (*MARKUP, *SQL, *ODD, *REFUSED):
        for path in ("/search", "/marketplace", "/artists", "/transactions", "/api/v2/marketplace", "/login"):
            names = ("q", "genre", "artist", "sort", "currency", "hash", "next", "after")
            hold(world.ask("anonymous", "GET", path, query_string=dict.fromkeys(names, text)), path, text)


def test_no_words_are_sql(world: World) -> None:
    """Promise 66: in a filter they find nothing, in a sorting or a cursor they are 400, signed or not."""
    session = db.session()
    share = session.get_one(MasterNft, uuid.UUID(world.ids["nft"]))
    share.listing_status, share.listed_at = NftListingStatus.LISTED, utcnow()
    share.listing_price_wei, share.listing_currency = 5, "USDC"
    session.commit()

    def found(**question: str) -> list[Any]:
        answer = world.ask("anonymous", "GET", "/api/v2/marketplace", query_string=question)
        assert answer.status_code == 200, question
        return list(answer.json["data"])

    assert len(found()) == len(found(currency="USDC", genre="Dub", sort="-price")) == 1
    for text in SQL:
        assert [found(**{name: text}) for name in ("genre", "artist", "currency")] == [[], [], []], text
        assert world.ask("anonymous", "GET", "/api/v2/marketplace?sort=" + quote(text)).status_code == 400
    with world.app.test_request_context():
        signed = [cursors.encode(values) for values in ([text], [text, text], ["newest", text, text], [1, 2, 3])]
    for path in LISTS:
        kind = "admin" if path.startswith("admin") else "owner"
        for after in (text, *signed):
            asked = f"/api/v2/{path.format(**world.ids)}?after={quote(after)}"
            assert world.ask(kind, "GET", asked).status_code == 400, (path, after)


def test_characters_nobody_sees_are_refused(world: World) -> None:
    """Promise 68: NUL, control characters and bidirectional overrides, in each field."""
    for kind, path, sent, _ in (form for text in REFUSED for form in forms(world, text)):
        answer = world.ask(kind, "POST", path, **sent)
        assert answer.status_code in {400, 422}, (path, answer.status_code)


def test_long_words_are_refused(world: World) -> None:
    """Promise 68: a hundred thousand characters are too many for any field."""
    for kind, path, sent, _ in forms(world, "x" * 100_000):
        assert world.ask(kind, "POST", path, **sent).status_code in {413, 422}, path


def test_names_that_look_alike(world: World) -> None:
    """Promise 68: a name is kept composed (NFC), and no two artists share an address, whatever script it is in."""
    names = {"fan": "Cafe\u0301", "producer": "Caf\u00e9", "security": "\uff23afe", "finance": "\u0421\u0430f\u0435"}
    for kind, name in names.items():
        assert world.ask(kind, "POST", "/studio/become", keep=True, data={"artistName": name}).status_code == 303
    made = sa.select(Artist.user_id, Artist.artist_name, Artist.slug)
    found = {row.user_id: row for row in db.session().execute(made)}
    four = [found[world.people[kind]] for kind in names]
    assert len({row.slug for row in four}) == 4, four
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.slug) for row in four), four
    assert four[0].artist_name == "Caf\u00e9"


def test_every_text_is_composed(world: World) -> None:
    """Promise 68: NFC in the API too, and what joins letters (ZWJ) is kept: scripts and emoji need it."""
    answer = world.ask("owner", "POST", "/api/v2/masters", json={"title": " Cafe\u0301 \U0001f468\u200d\U0001f469 "})
    assert answer.json["master"]["title"] == "Caf\u00e9 \U0001f468\u200d\U0001f469"
