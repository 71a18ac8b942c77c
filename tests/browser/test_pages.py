"""Every page, on a desk and on a phone, by day and by night: nothing for axe to find, nothing that scrolls sideways.

The pages are those of the address map, so a new one is looked at from its first day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.demo import Browser as Caller
from tests.browser.conftest import DESK, PHONE, WHO, Told
from tests.browser.people import Person
from tests.embedded.running import run

Looks = tuple[tuple[Any, str], ...]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""By night only what depends on colour is looked at again."""
EVERY_LOOK = tuple((size, scheme) for size in (DESK, PHONE) for scheme in RULES)
LOOK = """async (rules) => {
    const found = await axe.run(document, {runOnly: rules, resultTypes: ['violations']});
    const over = document.documentElement.scrollWidth - innerWidth;
    return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; ')}`)
        .concat(over > 0 ? [`scrolls sideways by ${over} px`] : []);
}"""
ADDRESSES = """
import os
from portal.app import create_app
from portal.config import Settings
rules = create_app(Settings.from_env(os.environ)).url_map.iter_rules()
print(*(rule.rule for rule in rules if "GET" in rule.methods), sep="\\n")
"""
NOT_PAGES = re.compile(r"/(api|static)/|\.(svg|csv|json|ics|pdf)$")
EMPTY = (
    "/marketplace?tab=shares",
    "/marketplace?genre=nobody+plays+this",
    "/search?q=nobody+plays+this",
    "/search?q=demo",
    "/me/portfolio",
    "/me/portfolio?tab=shares",
    "/me/portfolio?tab=dividends",
    "/me/portfolio?tab=claims",
    "/me/portfolio?tab=activity",
    "/me/wallets",
    "/studio/become",
    "/nowhere",
)
FULL = tuple(f"/me/portfolio?tab={tab}" for tab in ("shares", "dividends", "claims", "activity"))


@pytest.mark.parametrize("looks", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_every_page_is_for_everybody(
    person: Callable[..., Person], told: Told, house: str, subtests: pytest.Subtests, looks: int
) -> None:
    """By default each page in one of the four looks, in turn; all four of each are among the slow tests."""
    newcomer, visitor = Caller(house), Caller(house)
    with newcomer.http, visitor.http:
        newcomer.sign_in("newcomer@example.org")
        found = list(_pages(told, house, visitor))
    assert len(found) > 30
    found += [(newcomer, path) for path in EMPTY] + [(told.fan, path) for path in FULL]
    found += [(visitor, path) for path in ("/", f"/masters/{told.master_id}", f"/vstudio/{told.room_id}")]
    desks = {caller: person(caller) for caller in (told.fan, told.artist, told.staff, visitor, newcomer)}
    turns = cycle(EVERY_LOOK)
    for caller, path in found:
        with subtests.test(path=path):
            assert _faults(desks[caller], path, tuple(islice(turns, looks))) == []


def test_a_form_sent_empty_says_so_to_everybody(person: Callable[..., Person], told: Told) -> None:
    artist = person(told.artist).goto("/studio/masters/new").press("Save as a draft")
    artist.page.wait_for_selector("#form-errors")
    assert artist.page.title().startswith("Error: ")
    expect(artist.page.locator("#form-errors")).to_be_focused()
    assert _looked(artist, EVERY_LOOK) == []


def _faults(somebody: Person, path: str, looks: Looks) -> list[str]:
    """What axe finds, what scrolls sideways, and what the browser complained about."""
    somebody.faults.clear()
    somebody.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    somebody.goto(path)
    return _looked(somebody, looks) + somebody.faults


def _looked(somebody: Person, looks: Looks) -> list[str]:
    page, found = somebody.page, []
    page.evaluate(AXE)
    for size, scheme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{size['width']} {scheme}: {fault}" for fault in page.evaluate(LOOK, RULES[scheme])]
    return found


def _pages(told: Told, house: str, visitor: Caller) -> Iterator[tuple[Caller, str]]:
    """Every page with somebody who may see it; the fan first, who sees the most of public ones."""
    ids = _ids(told, visitor)
    listed = run(WHO, "-c", ADDRESSES, AUDIFI_DATABASE_URL="postgresql+psycopg://nobody@localhost/none")
    assert listed.returncode == 0, listed.stderr
    for rule in listed.stdout.splitlines():
        if NOT_PAGES.search(rule):
            continue
        first = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: ids[part[1]], first)
        for caller in (told.fan, told.artist, told.staff, visitor):
            answer = caller.http.get(house + path, timeout=15, allow_redirects=False)
            if answer.ok and not answer.is_redirect and "text/html" in answer.headers["Content-Type"]:
                yield caller, path
                break


def _ids(told: Told, visitor: Caller) -> dict[str, str]:
    """What stands for each variable part of an address."""
    visitor.page("/login")
    visitor.send("/login", email="link@example.org")
    events = told.artist.http.get(f"{told.artist.url}/api/v2/masters/{told.master_id}/revenue-events", timeout=15)
    shares = visitor.http.get(f"{told.artist.url}/api/v2/masters/{told.master_id}/nfts", timeout=15)
    return {
        "master_id": told.master_id,
        "name": told.master_id,
        "session_id": told.room_id,
        "slug": told.slug,
        "event_id": events.json()["data"][0]["id"],
        "token": "0" * 64,
        "provider": "nobody",
        "number": "1",
        "version": "1",
        "tx_hash": _transaction(told.fan),
        "nft_id": shares.json()["data"][0]["nftId"],
        "order_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "export_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "user_id": _first(told.staff, "/admin/users"),
        "record_id": _first(told.staff, "/admin/audit"),
        "alert_id": _first(told.staff, "/admin/security-events"),
        "job_id": _first(told.staff, "/admin/jobs?state=done"),
        "hook_id": _first(told.staff, "/admin/webhooks"),
        "cid": "none",
    }


def _first(staff: Caller, path: str) -> str:
    """The first thing that a list of staff links to; an empty list links to nothing that there is."""
    found = re.search(rf'href="{path.partition("?")[0]}/([0-9a-f-]{{36}})"', staff.page(path))
    return found[1] if found else "0" * 8 + "-0000" * 3 + "-" + "0" * 12


def _transaction(fan: Caller) -> str:
    found = re.search(r"/transactions/(0x[0-9a-f]{64})", fan.page("/me/portfolio?tab=activity"))
    assert found, "the fan's purchase names no transaction"
    return found[1]
