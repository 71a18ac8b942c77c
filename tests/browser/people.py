"""Somebody in front of a browser of their own, and what would make them frown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import APIResponse, BrowserContext, ConsoleMessage, Page, Request

from tests.embedded.running import eventually

REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (401|403|404|409|422)\b")


class Person:
    """One browser: cookies of its own, one page, and the faults it has seen.

    A fault is an error on the console (a refused policy is one), a script that broke, or a request that leaves the
    portal.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url, self.faults = context, url, list[str]()
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._fault(f"script: {error}"))
        self.page.on("request", self._asked)

    def _fault(self, text: str) -> None:
        self.faults.append(f"{urlsplit(self.page.url).path}: {text}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not REFUSED.match(message.text):
            self._fault(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in {urlsplit(self.url).netloc, ""}:
            self._fault(f"leaves the portal: {request.url}")

    def goto(self, path: str) -> Person:
        self.page.goto(self.url + path)
        return self

    def press(self, button: str) -> Person:
        """Press the first button with this name. A question whether one is sure is answered with yes."""
        self.page.locator("main").get_by_role("button", name=button).first.click()
        return self

    def fill(self, **fields: str) -> Person:
        for name, value in fields.items():
            self.page.locator(f"main [name={name}]").fill(value)
        return self

    def sees(self, text: str) -> bool:
        return self.page.locator("main").get_by_text(text).first.is_visible()

    def waits(self, path: str, shown: Callable[[], bool]) -> None:
        """Look at the page again until it shows what is awaited."""

        def there() -> bool:
            self.goto(path)
            return shown()

        eventually(there, 60)

    def sign_in(self, email: str) -> Person:
        """As people do: ask for a link, open the mail, press its button."""
        links = self.page.locator("section", has_text=f"To {email}").locator("a[href*='/login/']")
        self.goto("/dev/mail")
        before = links.count()
        self.goto("/login").fill(email=email).press("Send me a link")
        self.waits("/dev/mail", lambda: links.count() > before)
        links.first.click()
        return self.press("Sign in as")

    def link_wallet(self) -> Person:
        """The first wallet of the development chain that nobody has."""
        return self.goto("/me/wallets").press("Link demo wallet")

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call of the API with this person's cookies."""
        token = self.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        answer: APIResponse = self.context.request.post(
            f"{self.url}/api{path}", data=body or {}, headers={"X-CSRFToken": token}
        )
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()
