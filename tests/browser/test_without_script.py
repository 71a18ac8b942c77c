"""What matters works without JavaScript: signing in, voting, buying."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Told
from tests.browser.people import Person
from tests.files import corpus


def test_sign_in_vote_and_mint_by_plain_forms(person: Callable[..., Person], told: Told) -> None:
    fan = person(java_script_enabled=False).sign_in("plain@example.org")
    fan.goto(f"/vstudio/{told.room_id}").page.get_by_role("radio", name="Fade on the strings").check()
    fan.press("Choose, then vote")
    expect(fan.page.locator("#decision")).to_contain_text("You voted for")
    fan.link_wallet().goto(f"/masters/{told.master_id}")
    fan.fill(quantity="3").press("Buy")
    fan.waits("/me/portfolio", lambda: fan.page.locator("#holdings").get_by_text("3", exact=True).first.is_visible())


def test_a_cover_by_a_plain_form(person: Callable[..., Person]) -> None:
    """Promise 69, as a person does it: a wrong file, the right one, the picture on the master's page."""
    artist = person(java_script_enabled=False).sign_in("painter@example.org").goto("/studio/become")
    artist.fill(artistName="Ada Painter").press("Open my studio")
    artist.goto("/studio/masters/new").fill(title="Wet Paint")
    cover = artist.page.locator("input[name=cover]")
    cover.set_input_files({"name": "page.png", "mimeType": "image/png", "buffer": corpus.SCRIPT})
    artist.press("Save as a draft")
    expect(artist.page.locator("#cover-error")).to_contain_text("This is not a JPEG")
    expect(artist.page.locator("#title")).to_have_value("Wet Paint")
    cover.set_input_files({"name": "cover.jpg", "mimeType": "image/jpeg", "buffer": corpus.from_a_phone()})
    artist.press("Save as a draft").fill(name0="Ben", role0="Mix", percent0="5").press("Save and go to Offer")
    artist.fill(mintPrice="x").press("Save and go to Schedule")
    expect(artist.page.locator("#mintPrice-error")).to_be_visible()
    artist.fill(mintPrice="25").press("Save and go to Schedule").press("Back")
    expect(artist.page.locator("[name=mintPrice]")).to_have_value("25.00")
    artist.page.get_by_role("link", name="Wet Paint").click()
    shown = artist.page.get_by_role("heading", name="Wet Paint").locator("xpath=../..").locator("img")
    expect(shown).to_have_attribute("src", re.compile("^/ipfs/bafkrei"))
    expect(shown).to_have_js_property("naturalWidth", 480)
    assert artist.faults == []
