"""What matters works without JavaScript: signing in, voting, buying."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Told
from tests.browser.people import Person


def test_sign_in_vote_and_mint_by_plain_forms(person: Callable[..., Person], told: Told) -> None:
    fan = person(java_script_enabled=False).sign_in("plain@example.org")
    fan.goto(f"/vstudio/{told.room_id}").page.get_by_role("radio", name="Fade on the strings").check()
    fan.press("Choose, then vote")
    expect(fan.page.locator("#decision")).to_contain_text("You voted for")
    fan.link_wallet().goto(f"/masters/{told.master_id}")
    fan.fill(quantity="3").press("Buy")
    fan.waits("/me/portfolio", lambda: fan.page.locator("#holdings").get_by_text("3", exact=True).first.is_visible())
