"""A vote in one browser is counted in the other, and how the votes split stays with the artist."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Told
from tests.browser.people import Person


def test_a_vote_moves_the_total_in_another_browser(person: Callable[..., Person], told: Told) -> None:
    room = f"/vstudio/{told.room_id}"
    voter, watcher = person(told.fan).goto(room), person(told.staff).goto(room)
    frames: list[str] = []
    watcher.page.on("websocket", lambda line: line.on("framereceived", lambda data: frames.append(str(data))))
    watcher.goto(room)
    total = watcher.page.locator("#vote-count [data-live='vstudio.vote']")
    expect(total).to_have_text("0")
    watcher.page.evaluate("window.untouched = true")
    voter.page.get_by_role("radio", name="Cold stop").check()
    voter.press("Vote for B, Cold stop")
    expect(voter.page.locator("#decision")).to_contain_text("You voted for")
    expect(total).to_have_text("1", timeout=30_000)
    assert watcher.page.evaluate("window.untouched")
    assert any("vstudio.vote" in frame for frame in frames)
    assert not any("option" in frame.casefold() for frame in frames)
    assert watcher.page.locator("#decision .tally, #decision [data-result]").count() == 0
