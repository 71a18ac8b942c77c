"""From a draft to a claimed dividend, in four browsers."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.people import Person

People = Callable[..., Person]


def test_a_master_goes_from_draft_to_claimed_dividend(person: People) -> None:
    artist, staff, fan, watcher = person(), person(), person(), person()
    studio = _draft(artist)
    _launch(artist, staff, studio)
    page = artist.page.get_by_role("link", name="See its page").get_attribute("href") or ""
    fan.sign_in("story-fan@example.org").link_wallet()
    fan.waits(page, fan.page.get_by_role("button", name="Buy 1 share").is_visible)
    _mint(fan, watcher.goto(page))
    _earn(artist, staff, studio)
    _claim(fan)


def _draft(artist: Person) -> str:
    """An artist with a master whose rights are confirmed; the address of its studio page."""
    artist.sign_in("story@example.org").goto("/studio/become")
    artist.fill(artistName="Nora Story", genre="Folk").press("Open my studio")
    artist.goto("/studio/masters/new").fill(title="Told Twice").press("Save as a draft")
    expect(artist.page.locator("h1")).to_have_text("People and splits")
    studio = artist.page.url.removeprefix(artist.url).removesuffix("/ipo/people")
    artist.fill(name0="Ada", role0="Producer", percent0="12.5")
    artist.page.locator("[name=name1]").focus()
    expect(artist.page.locator("#split-sum")).to_contain_text("you keep 27.50", timeout=30_000)
    artist.press("Save and go to Offer").fill(totalSupply="100", mintPrice="25", holdersPercent="50")
    artist.press("Save and go to Schedule").press("Save and go to Legal and wallet")
    artist.page.get_by_role("checkbox", name="I hold the rights").check()
    artist.press("Confirm the rights")
    expect(artist.page.locator("#rights")).to_contain_text("yours to share")
    return studio


def _launch(artist: Person, staff: Person, studio: str) -> None:
    artist.link_wallet().goto(studio).page.get_by_role("link", name="Review and launch 100 shares").click()
    artist.fill(title="Told Twice").press("Launch the offer of 100 shares")
    artist.page.wait_for_url(f"**{studio}")
    staff.sign_in("admin@example.org").post(f"/v2/admin/masters/{studio.rpartition('/')[2]}/approve")
    artist.waits(studio, lambda: artist.sees("On sale"))


def _mint(fan: Person, watcher: Person) -> None:
    """The fan buys two shares; who merely looks on sees the counter move, without loading the page again."""
    sold = watcher.page.locator("#offer b [data-live='ipo.mint']")
    expect(sold).to_have_text("0")
    watcher.page.evaluate("window.untouched = true")
    fan.page.get_by_role("button", name="One share more").click()
    fan.press("Buy 2 shares for 50.00 USDC")
    expect(sold).to_have_text("2", timeout=30_000)
    expect(watcher.page.locator("#offer-progress")).to_have_js_property("value", 2)
    assert watcher.page.evaluate("window.untouched")


def _earn(artist: Person, staff: Person, studio: str) -> None:
    artist.goto(f"{studio}/revenue").fill(amount="1000", sourceName="Distributor").press("Record this revenue")
    staff.goto("/admin/revenue").page.get_by_role("link", name="Told Twice").click()
    staff.fill(receipt="statement 7, line 3").press("Verify 1,000.00")


def _claim(fan: Person) -> None:
    """Half of 1,000.00 goes to 100 shares: 10.00 to two of them."""
    button = fan.page.get_by_role("button", name="Claim 10.00 USDC").first
    fan.waits("/me/portfolio", button.is_visible)
    button.click()
    fan.waits("/me/portfolio?tab=claims", fan.page.locator("td [data-tone='pos']").is_visible)
    expect(fan.page.locator("#book tbody tr")).to_contain_text("10.00")
