"""`flask demo`: a client that walks the main story against a running portal and stops at the first falsehood.

It knows the portal by its addresses alone: pages, the JSON API and the mail page of the embedded default. Each step
prints what it proved and how long it took.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

TIMEOUT = 15
Step = Callable[["Walk"], str]


class Falsehood(Exception):
    """A step found the portal not to be as it says."""


def must(condition: object, sentence: str) -> None:
    if not condition:
        raise Falsehood(sentence)


class Browser:
    """One person's browser: cookies, the CSRF token of the last page, and JSON calls."""

    def __init__(self, url: str) -> None:
        self.url, self.http = url.rstrip("/"), requests.Session()
        self.token = ""

    def page(self, path: str) -> str:
        answer = self.http.get(self.url + path, timeout=TIMEOUT)
        must(answer.status_code < 400, f"GET {path} answered {answer.status_code}")
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.text):
            self.token = found[1]
        return answer.text

    def send(self, path: str, **fields: str) -> requests.Response:
        """POST a form as a browser does; the answer is a redirect or a page."""
        body = {"csrf_token": self.token, **fields}
        answer = self.http.post(self.url + path, data=body, timeout=TIMEOUT, allow_redirects=False)
        must(answer.status_code < 400, f"POST {path} answered {answer.status_code}")
        return answer

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.http.request(
            method, self.url + "/api" + path, json=body, timeout=TIMEOUT, headers={"X-CSRFToken": self.token, **headers}
        )

    def sign_in(self, email: str) -> None:
        """By the link that the mail page shows."""
        self.page("/login")
        self.send("/login", email=email)
        link = self._link(email)
        self.page(link)
        self.send(link)
        self.page("/")
        me = self.api("GET", "/v2/me")
        must(me.status_code == 200 and me.json()["email"] == email, f"{email} is not signed in")

    def _link(self, email: str) -> str:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            mails = self.page("/dev/mail")
            for part in mails.split("<li")[1:] or [mails]:
                if email in part and (found := re.search(r"/login/[0-9a-f]{64}", part)):
                    return found.group()
            time.sleep(0.1)
        raise Falsehood(f"no mail for {email} within {TIMEOUT} s")


class Walk:
    """What the steps hand on to each other."""

    def __init__(self, url: str) -> None:
        self.mark = uuid.uuid4().hex[:8]
        self.artist, self.visitor = Browser(url), Browser(url)
        self.slug = ""
        self.master: dict[str, Any] = {}


def home(walk: Walk) -> str:
    must("AudiFi" in walk.visitor.page("/"), "the home page does not say whose it is")
    return "the home page answers"


def sign_in(walk: Walk) -> str:
    walk.artist.sign_in(f"artist-{walk.mark}@example.org")
    return "a link by mail signs in, and /me knows who it is"


def become_artist(walk: Walk) -> str:
    walk.artist.page("/studio/become")
    walk.artist.send("/studio/become", artistName=f"Demo Artist {walk.mark}", genre="Dub", palette="contour")
    walk.slug = f"demo-artist-{walk.mark}"
    for version in (1, 2):
        body = walk.visitor.api("GET", f"/v{version}/artists/{walk.slug}").json()
        fields = {"artistName", "slug", "bio", "profileImageUrl", "socialLinks", "isVerified"}
        must(set(body) == fields, f"v{version} shows other fields than it should: {sorted(body)}")
    return f"/artists/{walk.slug} shows the public fields in both versions"


def create_master(walk: Walk) -> str:
    offer = {"totalSupply": 100, "mintPrice": "25000000", "currency": "USDC", "revenueShareNftHoldersBps": 5000}
    body = {"title": f"Demo Master {walk.mark}", "genre": "Dub", "ipo": offer}
    answers = [walk.artist.api("POST", "/v2/masters", body, **{"Idempotency-Key": walk.mark}) for _ in range(2)]
    must([a.status_code for a in answers] == [201, 201], f"creating answered {answers[0].status_code}")
    must(answers[0].json() == answers[1].json(), "the same key made two masters")
    walk.master = answers[0].json()["master"]
    must(
        answers[0].json()["ipo"] == {"totalSupply": 100, "mintedSupply": 0, "status": "draft"}, "the IPO is not a draft"
    )
    return "master, IPO and audit row are there once, although the request came twice"


def drafts_are_private(walk: Walk) -> str:
    path = f"/v2/masters/{walk.master['id']}"
    must(walk.visitor.api("GET", path).status_code == 404, "a draft is public")
    must(walk.visitor.api("GET", "/v2/me").status_code == 401, "a visitor has a /me")
    return "a draft is 404 for everybody else"


def confirm_rights(walk: Walk) -> str:
    path = f"/v2/masters/{walk.master['id']}/confirm-rights"
    must(walk.artist.api("POST", path).status_code == 200, "the rights could not be confirmed")
    must("Demo Master" in walk.artist.page(f"/studio/masters/{walk.master['id']}"), "the studio lost the master")
    return "the rights are confirmed, and the studio shows the master"


def sign_out(walk: Walk) -> str:
    copy = walk.artist.http.cookies.copy()
    walk.artist.page("/")
    walk.artist.send("/logout")
    walk.artist.http.cookies = copy
    must(walk.artist.api("GET", "/v2/me").status_code == 401, "a copied cookie outlives signing out")
    return "signing out kills a copied cookie too"


STORY: tuple[Step, ...] = (home, sign_in, become_artist, create_master, drafts_are_private, confirm_rights, sign_out)


def run(url: str, wait: float) -> int:
    """Walk the story: 0 when every step told the truth, 1 at the first falsehood. Waits `wait` seconds at first."""
    _wait_for(url, wait)
    walk = Walk(url)
    for number, step in enumerate(STORY, 1):
        start = time.monotonic()
        try:
            proved = step(walk)
        except (Falsehood, requests.RequestException) as error:
            print(f"{number}. {step.__name__.replace('_', ' ')}: FALSE: {error}")
            return 1
        print(f"{number}. {step.__name__.replace('_', ' ')}: {proved} ({time.monotonic() - start:.2f} s)")
    print(f"{len(STORY)} passed, 0 failed")
    return 0


def _wait_for(url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if requests.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
