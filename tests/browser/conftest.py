"""Chromium against the whole portal, started as its users start it, with one story told in it.

Without chromium on the PATH these tests are skipped, and say so; where CI is set they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from portal.demo import STORY, Walk, sign_out
from portal.demo import Browser as Caller
from portal.embedded.postgres import Postgres
from tests.browser.people import Person
from tests.embedded.running import eventually, folder_for, portal, run

WHO = "root" if os.getuid() == 0 else "user"
NAMES = ("chromium", "chromium-browser", "google-chrome")
STAFF = """
import os
from portal.app import create_app
from portal.audit.context import Actor, acting_as
from portal.config import Settings
from portal.seed import people
with create_app(Settings.from_env(os.environ)).app_context(), acting_as(Actor(identifier="test")):
    people.staff(None)
"""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Only as long as these tests run: other tests need no idle browser."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing = f"needs chromium: none of {', '.join(NAMES)} is on the PATH"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        options = [*sandbox, "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_for(WHO, tmp_path_factory.mktemp("house") / "data")


@pytest.fixture(scope="package")
def house(chromium: Browser, data: Path) -> Iterator[str]:
    """The address of a running portal, with its staff and without demo data."""
    with portal(WHO, data, "--no-demo-data") as running:
        done = run(WHO, "-c", STAFF, AUDIFI_DATABASE_URL=Postgres(data).address.worker)
        assert done.returncode == 0, done.stderr
        eventually(lambda: "chain-setup is done" in running.said, 60)
        yield running.url


@dataclass(frozen=True)
class Told:
    """What `flask demo` left behind: a master on sale that has paid, who made it, who holds it, and a live room."""

    artist: Caller
    fan: Caller
    staff: Caller
    slug: str
    master_id: str
    room_id: str
    decision_id: str


@pytest.fixture(scope="package")
def told(house: str, data: Path) -> Iterator[Told]:
    walk = Walk(house)
    walk.rpc_url = f"http://127.0.0.1:{(data / 'run' / 'devchain.port').read_text()}"
    for step in STORY:
        if step is not sign_out:
            step(walk)
    walk.artist.page("/")
    room = _room(walk)
    with walk.artist.http, walk.visitor.http, walk.fan.http, walk.staff.http:
        yield Told(walk.artist, walk.fan, walk.staff, walk.slug, walk.master["id"], *room)


def _room(walk: Walk) -> tuple[str, str]:
    """A live room with an open question."""
    endings = [{"label": "Fade on the strings"}, {"label": "Cold stop"}]
    question = {"label": "Which ending does the record keep?", "options": endings, "nftHolderWeight": "2"}
    room = _sent(walk.artist, "/v2/vstudio", {"masterId": walk.master["id"], "title": "The last take"})["id"]
    decision = _sent(walk.artist, f"/v2/vstudio/{room}/decisions", question)["id"]
    _sent(walk.artist, f"/v2/vstudio/{room}/start")
    _sent(walk.artist, f"/v2/vstudio/decisions/{decision}/open")
    return room, decision


def _sent(caller: Caller, path: str, body: Any = None) -> Any:
    answer = caller.api("POST", path, body or {})
    assert answer.status_code < 300, f"{path}: {answer.text[:300]}"
    return answer.json()


@pytest.fixture
def person(chromium: Browser, house: str) -> Iterator[Callable[..., Person]]:
    """`person(like=None, **options)` opens a browser, signed in as `like` is; at the end none may have seen a fault."""
    arrived: list[Person] = []
    with ExitStack() as stack:

        def arrive(like: Caller | None = None, **options: Any) -> Person:
            context = chromium.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **options})
            stack.callback(context.close)
            _cookies(context, house, like)
            arrived.append(Person(context, house))
            return arrived[-1]

        yield arrive
        assert [fault for one in arrived for fault in one.faults] == []


def _cookies(context: BrowserContext, house: str, like: Caller | None) -> None:
    for cookie in like.http.cookies if like else ():
        context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": house}])
