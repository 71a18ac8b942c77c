"""Promise 65: markup in every field that people fill, looked for wherever it is shown; nothing of it becomes markup.

The oracle is the page itself: with plain words in all fields it has the same elements with the same attributes.
"""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa

from portal import outbox
from portal.accounts.models import UserSession
from portal.artists.models import Artist
from portal.artists.shapes import web_links
from portal.db import db
from tests.access.people import World
from tests.access.test_words import MARKUP
from tests.smtp import Inbox, inbox  # noqa: F401  (fixture)

PLAIN = tuple(f"plainly {number}" for number in range(len(MARKUP)))
Words = Callable[[int], str]
MAILS = ("send_account_notice", "send_magic_link")
LINKS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example",
    "https:\\\\evil.example",
    "blob:https://x",
    "file:///etc/passwd",
    'https://x.example/ "onmouseover="alert(1)',
    "",
    7,
)


class Shape(HTMLParser):
    """Elements and the names of their attributes; and the addresses that lead to scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(f"<{tag} {' '.join(name for name, _ in attrs)}>")
        for name, value in attrs:
            scheme = re.sub(r"[\x00-\x20]", "", value or "").lower().partition(":")[0]
            assert name not in LEADING or scheme not in {"javascript", "data", "vbscript"}, (tag, name, value)

    def parts(self) -> Counter[str]:
        """How many of each; lists that are sorted by a name may have another order."""
        return Counter(self.found)

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.found.append("<!-- -->")

    def handle_decl(self, decl: str) -> None:
        self.found.append("<!>")

    unknown_decl = handle_decl
    handle_pi = handle_decl


LEADING = {"href", "action", "formaction", "srcdoc", "xlink:href", "hx-get", "hx-post", "data-href", "poster"}


def cycle(texts: tuple[str, ...], start: int = 0) -> Words:
    """Each call the next text that fits."""
    endless = itertools.islice(itertools.cycle(texts), start, None)
    return lambda most=50: next(text for text in endless if len(text) <= most)


# --- every field ------------------------------------------------------------------------------------------


def fill(world: World, w: Words) -> list[tuple[int, str, str]]:
    """Fill everything that people can fill; (status, path, answer) of each."""
    ids, done, of_browsers = world.ids, [], cycle((w(50), w(50), w(50)))

    def send(kind: str, path: str, method: str = "POST", **sent: Any) -> dict[str, Any]:
        agent = {"User-Agent": of_browsers(50), "Referer": f"http://localhost/{of_browsers(50)}"}
        agent = {name: value.encode("ascii", "replace").decode() for name, value in agent.items()}
        answer = world.ask(kind, method, path, keep=True, headers=agent, **sent)
        assert answer.status_code in {200, 201, 202, 303}, (path, answer.status_code, answer.text[:500])
        done.append((answer.status_code, path, answer.text))
        return dict(answer.json) if answer.is_json else {}

    send("owner", "/me/profile", data={"displayName": w(100), "bio": w(500)})
    send("fan", "/studio/become", data={"artistName": w(150), "genre": w(100), "shortBio": w(280)})
    send("owner", f"/me/wallets/{ids['wallet']}/label", data={"label": w(100)})
    recording = {"title": w(255), "description": w(999), "genre": w(100), "moodTags": [w(40), w(40)]}
    send("owner", f"/api/v2/masters/{ids['draft']}", "PATCH", json=recording)
    send("owner", "/api/v2/masters", json=recording | {"ipo": {"totalSupply": 10, "mintPrice": "5"}})
    _books(world, send, w)
    _staff(world, send, w)
    _rooms(world, send, w)
    _rows(world, w)
    return done


def _books(world: World, send: Callable[..., Any], w: Words) -> None:
    here = f"/api/v2/masters/{world.ids['live']}/revenue-events"
    for act, words in (
        ("verify", {"receipt": w(255), "rate": "1.1", "rateSource": w(200), "rateDay": "2026-01-02"}),
        ("dispute", {"reason": w(999)}),
        ("reject", {"reason": w(999)}),
    ):
        body = {"sourceType": "sync", "amount": "5", "currency": "EUR" if act == "verify" else "USD", "notes": w(999)}
        event = send("owner", here, json=body | {"sourceName": w(200), "externalReference": f"{act} {w(200)}"})
        send("finance", f"/api/v2/revenue-events/{event['id']}/{act}", json=words)


def _staff(world: World, send: Callable[..., Any], w: Words) -> None:
    ids = world.ids
    send("admin", f"/admin/masters/{ids['waiting']}/send-back", data={"reason": w(500)})
    send("admin", f"/admin/users/{ids['clerk']}/suspend", data={"reason": w(500)})
    send("security", f"/admin/security-events/{ids['alert']}/investigate", data={"notes": w(999)})
    send("security", f"/admin/security-events/{ids['alert']}/resolve", data={"resolution": w(100)})


def _rooms(world: World, send: Callable[..., Any], w: Words) -> None:
    master, here = world.ids["hosts"], f"/api/v2/vstudio/{world.ids['room']}/decisions"
    room = {"masterId": master, "title": w(255), "description": w(999), "sessionType": w(50)}
    send("host", "/api/v2/vstudio", json=room)
    options = [{"label": w(255), "description": w(255)}, {"label": w(255)}]
    poll = send("host", here, json={"label": w(255), "description": w(999), "options": options})
    asked = send("host", here, json={"label": w(255), "type": "open_text", "options": []})
    for decision, vote in ((poll, {"optionSelected": "a"}), (asked, {"textResponse": w(500)})):
        one = f"/api/v2/vstudio/decisions/{decision['id']}"
        send("host", f"{one}/open", json={})
        send("fan", f"{one}/votes", json=vote)
        send("host", f"{one}/close", json={})
    send("host", f"/api/v2/vstudio/decisions/{poll['id']}/reveal", json={})


def _rows(world: World, w: Words) -> None:
    """What reaches the tables by other ways: a device's name, links, the words of the public."""
    session = db.session()
    agents = sa.update(UserSession).where(UserSession.user_id == world.people["owner"])
    session.execute(agents.values(user_agent=w(200)))
    links = {f"{number} {w(50)}": link for number, link in enumerate(LINKS)}
    told = {"social_links": links | {"web": "https://x.example/?a=<b>&'\""}, "bio": w(999), "location": w(100)}
    named = {"artist_name": w(150), "genre": w(100), "short_bio": w(280)}
    for kind in ("owner", "host"):
        session.execute(sa.update(Artist).where(Artist.user_id == world.people[kind]).values(**told, **named))
    titles = {"live": w(255), "offered": w(255)}
    for name, title in titles.items():
        words = {"title": title, "words": w(999), "genre": w(100), "id": world.ids[name]}
        change = "UPDATE masters SET title = :title, description = :words, genre = :genre WHERE id = :id"
        session.execute(sa.text(change), words)
    room = {"title": w(255), "words": w(999), "id": world.ids["room"]}
    session.execute(sa.text("UPDATE vstudio_sessions SET title = :title, description = :words WHERE id = :id"), room)
    session.commit()


# --- everywhere -------------------------------------------------------------------------------------------


def places(world: World) -> Iterator[tuple[str, str]]:
    """(kind, path) of what shows it."""
    ids = world.ids
    artist = db.session().scalar(sa.select(Artist.slug).where(Artist.user_id == world.people["owner"]))
    live, room, draft = f"/masters/{ids['readable']}", f"/vstudio/{ids['room']}", f"/studio/masters/{ids['draft']}"
    seen = {
        "anonymous": f"/ /artists /artists/{artist} /marketplace /marketplace?genre=x {live} /vstudio"
        f" {room} {room}/results /login /api/v2/marketplace /api/v1/artists/{artist} /api/v2/masters/{ids['live']}"
        f" /api/v2/vstudio/{ids['room']} /masters/{ids['offered']}/terms/1 /masters/{ids['offered']}/terms/1.txt"
        f" /metadata/{ids['live']}/1 /metadata/{ids['live']}/contract /covers/{ids['live']}.svg"
        f" /avatars/{world.people['owner']}.svg",
        "owner": f"/me/profile /me/wallets /me/sessions /me/security /me/portfolio /me/portfolio.csv /studio {draft}"
        f" {draft}/ipo/track {draft}/ipo/people {draft}/ipo/offer {draft}/ipo/legal {draft}/ipo/review /studio/coin"
        f" /studio/masters/{ids['live']} /studio/masters/{ids['live']}/revenue /studio/vstudio"
        f" /studio/rooms/new /api/v2/masters/{ids['live']}/revenue-events",
        "host": f"/studio/rooms/{ids['room']} /studio/vstudio /api/v2/vstudio/{ids['room']}/results",
        "fan": f"/ {live} {room} /studio /studio/masters/new /me/portfolio?tab=activity",
        "finance": f"/admin/revenue /admin/revenue?status=disputed /admin/revenue/{ids['event']}",
        "admin": f"/admin /admin/users /admin/users/{ids['clerk']} /admin/users/{world.people['owner']} /admin/masters"
        f" /admin/audit /admin/audit/{ids['record']} /admin/jobs /api/v2/admin/users /api/v2/admin/masters",
        "security": f"/admin/security-events /admin/security-events/{ids['alert']}",
    }
    for kind, paths in seen.items():
        yield from ((kind, path) for path in paths.split())


def look(world: World) -> dict[str, tuple[str, str]]:
    """{where: (type, text)} of every place, as a page and as the part that htmx asks for."""
    found = {}
    for kind, path in list(places(world)):
        for part in ("", " part") if kind in {"anonymous", "owner", "host"} else ("",):
            headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if part else {}
            answer = world.ask(kind, "GET", path, keep=True, headers=headers)
            assert answer.status_code in {200, 303}, (kind, path, answer.status_code)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            found[f"{kind} {path}{part}"] = answer.mimetype, answer.text
            if answer.mimetype != "text/html":
                break
    return found


def mails(world: World, inbox: Inbox) -> list[tuple[list[str], str]]:  # noqa: F811
    """[(names of the headers, body)] of what people are told by mail."""
    inbox.got.clear()
    kept = world.app.config["SETTINGS"]
    world.app.config["SETTINGS"] = replace(kept, smtp_url=inbox.url)
    rows = db.session().scalars(sa.select(outbox.OutboxJob.id).where(outbox.OutboxJob.job.in_(MAILS))).all()
    for row in rows:
        outbox.perform(str(row))
    world.app.config["SETTINGS"] = kept
    for _, _, mail in inbox.got:
        assert mail.get_content_type() == "text/plain"
    return [(sorted(mail.keys()), str(mail.get_payload(decode=True), "utf-8")) for _, _, mail in inbox.got]


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)
        case str():
            yield value


def rotation(world: World, inbox: Inbox, w: Words) -> tuple[dict[str, tuple[str, str]], list[Any], str]:  # noqa: F811
    with world.undone():
        answers = fill(world, w)
        told = mails(world, inbox)
        return look(world), told, "".join(text for *_, text in answers)


def hold(plain: Any, marked: Any) -> None:
    """The same pages, the same mails, the same pictures; what was typed stands in them as text."""
    pages, before = marked[0], plain[0]
    assert pages.keys() == before.keys()
    for where, (kind, text) in pages.items():
        assert kind == before[where][0], where
        if kind == "text/html":
            assert Shape(text).parts() == Shape(before[where][1]).parts(), where
        elif kind == "image/svg+xml":
            assert text == before[where][1], where
        elif kind == "text/csv":
            assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell[:1] in {"=", "+", "@"}]
        else:
            assert kind in {"application/json", "text/plain"}, (where, kind)
    assert [names for names, _ in marked[1]] == [names for names, _ in plain[1]]


def shown(pages: dict[str, tuple[str, str]], told: list[Any]) -> str:
    """All that was seen, as text."""
    seen = [html.unescape(text) for kind, text in pages.values() if kind == "text/html"]
    seen += ["\n".join(texts(json.loads(text))) for kind, text in pages.values() if kind.endswith("json")]
    return re.sub(r"\s+", " ", " ".join([*seen, *(body for _, body in told)]))


def markup(world: World, inbox: Inbox, starts: range) -> None:  # noqa: F811
    plain = rotation(world, inbox, cycle(PLAIN))
    assert len(plain[1]) >= 1
    for start in starts:
        marked = rotation(world, inbox, cycle(MARKUP, start))
        hold(plain, marked)
        seen = shown(marked[0], marked[1])
        lost = [text for text in MARKUP if text not in seen]
        assert len(lost) < 5, f"only what fell into fields that no page shows: {lost}"


def test_markup_is_text_everywhere(world: World, inbox: Inbox) -> None:  # noqa: F811
    """Promise 65: twenty strings over all fields, on pages, in parts, answers, pictures, tables and mails."""
    markup(world, inbox, range(1))


@pytest.mark.slow
def test_every_string_in_every_field(world: World, inbox: Inbox) -> None:  # noqa: F811
    """Promise 65: each of the twenty strings in each field."""
    markup(world, inbox, range(1, len(MARKUP)))


def test_the_oracle_sees() -> None:
    """Promise 65: what would have been found."""
    plain = Shape("<p title='x'>x</p>").found
    for text in ("<p title='x'><b>x</p>", "<p title='' onclick='x'>x</p>", "<p title='x'>x<!-- x --></p>", "<p>x</p>"):
        assert Shape(text).found != plain
    for text in ("<a href=' java\tscript:x'>", "<form action='data:x'>"):
        with pytest.raises(AssertionError):
            Shape(text)


def test_links_lead_to_the_web_alone() -> None:
    """Promise 65: of the links of an artist only those of the web are told, as an address or otherwise."""
    links: dict[str, Any] = {str(number): link for number, link in enumerate(LINKS)}
    good = {"web": "https://x.example/?a=1", "old": "HTTP://x.example"}
    assert web_links(Artist(id=uuid.uuid4(), social_links=links | good)) == good
