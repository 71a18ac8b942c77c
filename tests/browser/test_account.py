"""The life of an account as its owner lives it: made, protected, locked out, got back, taken along, deleted, kept."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from collections.abc import Callable

import pyotp
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.people import Person

People = Callable[..., Person]
EMAIL = "lost-phone@example.org"


def test_the_phone_is_lost_and_nothing_else(person: People) -> None:
    """Promises 50 and 59 in browsers: a recovery code opens once, an ended browser is out with its next request."""
    laptop, phone = person(viewport=DESK), person(viewport=PHONE)
    laptop.sign_in(EMAIL)
    authenticator, codes = _enrol(laptop)
    _sign_out(laptop)
    laptop.sign_in(EMAIL).fill(code=authenticator.at(_soon(authenticator))).press("Sign in")
    expect(laptop.page.locator("#main.page")).to_be_visible()
    _get_back_in(phone, codes[0])
    _end_the_laptop(phone, laptop)
    _take_everything_along(phone)
    _delete(phone)
    _come_back(phone, codes)


def _enrol(somebody: Person) -> tuple[pyotp.TOTP, list[str]]:
    """A second factor, and the ten codes that are kept on paper."""
    somebody.goto("/me/security").page.get_by_role("link", name="Set up an authenticator app").click()
    somebody.press("Show me the QR code")
    seed = (somebody.page.locator("section b.pre").first.text_content() or "").replace(" ", "")
    somebody.fill(code="000000").press("Turn the second factor on")
    expect(somebody.page.locator("#form-errors")).to_contain_text("Wait for the next one")
    somebody.fill(code=pyotp.TOTP(seed).now()).press("Turn the second factor on")
    expect(somebody.page.locator("main code")).to_have_count(10)
    codes = somebody.page.locator("main code").all_inner_texts()
    somebody.page.get_by_role("link", name="I have kept them").click()
    expect(somebody.page.locator("main")).to_contain_text("10 of 10 recovery codes")
    return pyotp.TOTP(seed), codes


def _soon(authenticator: pyotp.TOTP) -> dt.datetime:
    """When the app shows its next code: that of now was just given."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=authenticator.interval)


def _sign_out(somebody: Person) -> None:
    somebody.page.locator("summary", has_text="Your account").click()
    somebody.page.get_by_role("button", name="Sign out").click()
    expect(somebody.page.get_by_role("link", name="Sign in").first).to_be_visible()


def _get_back_in(phone: Person, code: str) -> None:
    phone.sign_in(EMAIL).fill(code="AAAA-BBBB-CCCC-DDDD").press("Sign in")
    expect(phone.page.locator("#form-errors")).to_contain_text("try another of the ten")
    phone.fill(code=code.lower().replace("-", " ")).press("Sign in")
    expect(phone.page.locator("#flashes")).to_contain_text("9 of 10 are left")
    expect(phone.page.locator("h1")).to_have_text("Security")


def _end_the_laptop(phone: Person, laptop: Person) -> None:
    laptop.goto("/me/security")
    phone.page.get_by_role("link", name="Devices").first.click()
    expect(phone.page.locator("#main li", has_text="last seen")).to_have_count(2)
    phone.page.locator("#main li").filter(has_not_text="this browser").get_by_role("button").click()
    expect(phone.page.locator("#flashes")).to_contain_text("That browser is signed out.")
    out = laptop.context.request.get(f"{laptop.url}/me/security", max_redirects=0)
    assert out.headers["location"].startswith("/login")
    laptop.page.get_by_role("link", name="Devices").first.click()
    expect(laptop.page.locator("h1")).to_have_text("Sign in")


def _take_everything_along(phone: Person) -> None:
    """Asked for, watched without loading the page again, and opened."""
    phone.page.get_by_role("link", name="Your data").click()
    phone.press("Make a copy")
    expect(phone.page.locator("#flashes")).to_contain_text("Your copy is being made")
    phone.page.evaluate("window.untouched = true")
    ready = phone.page.locator("#exports").get_by_role("link", name="Download")
    ready.wait_for(timeout=60_000)
    assert phone.page.evaluate("window.untouched")
    with phone.page.expect_download() as arriving:
        ready.click()
    assert re.fullmatch(r"audifi-\d{4}-\d\d-\d\d\.zip", arriving.value.suggested_filename)
    with zipfile.ZipFile(arriving.value.path()) as packed:
        assert {"README.txt", "data.json", "profile.csv"} <= set(packed.namelist())
        assert json.loads(packed.read("data.json"))["profile"][0]["email"] == EMAIL


def _delete(phone: Person) -> None:
    phone.fill(email="somebody@example.org").press("Delete my account")
    expect(phone.page.locator("#form-errors")).to_contain_text("not the address of your account")
    phone.fill(email=EMAIL).press("Delete my account")
    expect(phone.page.locator("#flashes")).to_contain_text("will be deleted on")
    assert phone.goto("/me/data").page.url.endswith("/login?next=/me/data")


def _come_back(phone: Person, codes: list[str]) -> None:
    """Within the grace a sign-in is enough. The code that was used is used; the account is as it was."""
    phone.sign_in(EMAIL).fill(code=codes[0]).press("Sign in")
    expect(phone.page.locator("#form-errors")).to_contain_text("was used before")
    phone.fill(code=codes[1]).press("Sign in")
    expect(phone.page.locator("#flashes")).to_contain_text("Your account stays as it was")
    expect(phone.page.locator("#flashes")).to_contain_text("8 of 10 are left")
    phone.goto("/me/data")
    expect(phone.page.locator("#exports").get_by_role("link", name="Download")).to_be_visible()
    for told in ("will be deleted", "account stays", "recovery code was used", "Your data is ready"):
        phone.waits("/dev/mail", phone.page.locator("section", has_text=EMAIL).filter(has_text=told).first.is_visible)
