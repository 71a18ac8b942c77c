"""Staff at their desk: the page says that something came in, and the list is walked by keys."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.people import Person


def test_something_new_and_a_list_by_keys(person: Callable[..., Person]) -> None:
    """A list does not move under the reader: it says so, and shows what is new when it is asked to."""
    staff, curious = person(), person()
    staff.sign_in("admin@example.org").goto("/admin/security-events")
    told = staff.page.locator("[data-news-on='admin.security']")
    expect(told).to_be_hidden()
    staff.page.wait_for_function("window.io !== undefined")
    curious.sign_in("curious@example.org")

    def heard() -> bool:
        curious.goto(f"/admin/{('users', 'audit', 'jobs', 'masters', 'webhooks')[len(tried) % 5]}")
        tried.append(True)
        return told.is_visible()

    tried: list[bool] = []
    curious.waits("/admin", heard)
    told.get_by_role("link", name="Show it").click()
    expect(told).to_be_hidden()
    staff.page.wait_for_function("document.activeElement.matches('main, main h1')")  # the new page has arrived
    row = staff.page.locator("#rows tbody tr").first
    expect(row).to_contain_text("Somebody asked for what is not theirs")
    staff.page.keyboard.press("j")
    expect(row.locator("a").first).to_be_focused()
    staff.page.keyboard.press("Enter")
    expect(staff.page.locator("h1")).to_have_text("Somebody asked for what is not theirs")
    expect(staff.page.locator("main")).to_contain_text("curious@example.org")
    staff.fill(notes="Only looked around.").press("Keep these notes")
    staff.page.locator("#flashes").get_by_role("link", name="See its record").click()
    expect(staff.page.locator("h1")).to_have_text("investigate_security_event")
