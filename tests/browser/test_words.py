"""Markup that people typed, in a real browser: it is text, and nothing of it runs, calls or asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Dialog

from portal.demo import Browser as Caller
from portal.embedded.postgres import Postgres
from portal.embedded.valkey import Valkey
from tests.access.test_words import MARKUP
from tests.browser.conftest import WHO, Told
from tests.browser.people import Person
from tests.embedded.running import run

INJECTED = r"""() => [...document.querySelectorAll("*")].flatMap(e => [...e.attributes]
    .filter(a => /^(on|autofocus$|srcdoc$)/.test(a.name) || /^\s*(javascript|data|vbscript|\/\/)/i.test(a.value)
        && /^(href|action|formaction|xlink:href)$/.test(a.name))
    .map(a => `${e.tagName} ${a.name}=${a.value}`))
  .concat([...document.querySelectorAll(`script:not([src^="/static/"]), iframe, object, embed, base, math,
    meta[http-equiv], main style, img[src="x"], svg[onload]`)].map(e => e.outerHTML))"""
LISTS = ("/", "/artists", "/marketplace", "/search?q=alert", "/vstudio")
DESK = ("/studio", "/studio/masters/new", "/studio/vstudio", "/me/profile", "/me/portfolio", "/me/sessions")
STAFF = ("/admin/users", "/admin/masters", "/admin/audit")
Pages = dict[str, dict[str, str]]


@pytest.fixture(scope="package")
def marked(told: Told, house: str, data: Path) -> tuple[Caller, Pages]:
    """One of those whose words are markup, signed in, and the pages of all of them."""
    caller = Caller(house)
    caller.sign_in("marked@example.org")
    parts = {"AUDIFI_DATABASE_URL": Postgres(data).address.worker, "AUDIFI_REDIS_URL": Valkey(data).address}
    parts["PGOPTIONS"] = "-c synchronous_commit=off"
    sown = run(WHO, "-m", "tests.browser.marked", "marked@example.org", **parts)
    assert sown.returncode == 0, sown.stderr
    return caller, json.loads(sown.stdout)


def opens(somebody: Person, path: str) -> list[str]:
    """What went wrong on a page: markup that became markup, and whatever the browser complained about or asked."""

    def asked(dialog: Dialog) -> None:
        somebody.faults.append(f"{path}: {dialog.type} {dialog.message}")

    somebody.page.on("dialog", asked)
    somebody.goto(path)
    found = [f"{path}: {one}" for one in somebody.page.evaluate(INJECTED)] + somebody.faults
    somebody.page.remove_listener("dialog", asked)
    return found


def test_what_people_typed_is_text(
    person: Callable[..., Person], told: Told, marked: tuple[Caller, Pages], subtests: pytest.Subtests
) -> None:
    """Promise 65: lists show all twenty strings; a page of each kind shows some (each string on each page: slow)."""
    caller, pages = marked
    anybody, owner, staff = person(), person(caller), person(told.staff)
    kinds = ("room", "artist", "room", "master")
    looks = [(anybody, path) for path in LISTS] + [(owner, path) for path in DESK] + [(staff, path) for path in STAFF]
    looks += [(anybody, pages[text][kinds[number % 4]]) for number, text in enumerate(MARKUP[::3])]
    looks += [(owner, pages[MARKUP[0]][kind]) for kind in ("draft", "host", "room")]
    for somebody, path in looks:
        with subtests.test(path=path):
            assert opens(somebody, path) == []
    anybody.goto("/artists")
    shown = anybody.page.locator("main").inner_text()
    assert [text for text in MARKUP if " ".join(text.split()) not in " ".join(shown.split())] == []


@pytest.mark.slow
def test_each_string_on_each_page(
    person: Callable[..., Person], told: Told, marked: tuple[Caller, Pages], subtests: pytest.Subtests
) -> None:
    """Promise 65: all twenty on the pages of an artist, a master, a room, and of a person at the staff's desk."""
    caller, pages = marked
    owner, staff = person(caller), person(told.staff)
    for text, somebody in ((text, somebody) for text in MARKUP for somebody in (owner, staff)):
        kinds = ("artist", "master", "room") if somebody is owner else ("staff",)
        for kind in pages[text].keys() & set(kinds):
            with subtests.test(text=text, kind=kind):
                assert opens(somebody, pages[text][kind]) == []


def test_the_live_line_has_its_headers(house: str) -> None:
    """Promises 54, 55: also what the line answers by itself, to whoever does not speak its words."""
    for asked in ("?EIO=4&transport=polling", "?EIO=4", "?transport=websocket", ""):
        with requests.get(f"{house}/socket.io/{asked}", timeout=15) as answer:
            assert answer.status_code == 400
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["Cross-Origin-Opener-Policy"] == answer.headers["Referrer-Policy"] == "same-origin"


def test_the_look_sees(person: Callable[..., Person], house: str) -> None:
    """Promise 65: what would have been found."""
    somebody = person().goto("/help")
    for text in ("<b onclick='x'>", "<img src=x>", "<a href='javascript:x'>", "<iframe></iframe>"):
        somebody.page.evaluate("text => document.querySelector('main').append(document.createRange()"
                               ".createContextualFragment(text))", text)  # fmt: skip
        assert somebody.page.evaluate(INJECTED), text
        somebody.goto("/help")
    somebody.faults.clear()
    somebody.page.evaluate("const s = document.createElement('script'); s.textContent = '1'; document.head.append(s)")
    somebody.page.wait_for_timeout(100)
    assert somebody.faults, "a refused script is heard"
    somebody.faults.clear()
