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
import socketio

TIMEOUT = 15
SHARES = 2
STAFF = "admin@example.org"
BALANCE_OF = "0x70a08231"
CURRENCY = "0xe5a6b10f"
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
        self.token = self.wallet = ""

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
        before = self._links(email)
        self.page("/login")
        self.send("/login", email=email)
        link = _until(lambda: next(iter(self._links(email) - before), None), f"no mail for {email}", TIMEOUT)
        self.page(link)
        self.send(link)
        self.page("/")
        me = self.api("GET", "/v2/me")
        must(me.status_code == 200 and me.json()["email"] == email, f"{email} is not signed in")

    def _links(self, email: str) -> set[str]:
        """The links in the mails to this address."""
        mails = self.page("/dev/mail").split("<section")
        return {link for mail in mails if email in mail for link in re.findall(r"/login/[0-9a-f]{64}", mail)}


class Walk:
    """What the steps hand on to each other."""

    def __init__(self, url: str) -> None:
        self.mark = uuid.uuid4().hex[:8]
        self.artist, self.visitor, self.fan, self.staff = (Browser(url) for _ in range(4))
        self.rpc_url, self.due = "", 0
        self.contracts: dict[str, str] = {}
        self.slug = ""
        self.master: dict[str, Any] = {}

    def chain(self, method: str, *params: Any) -> Any:
        """Ask the chain itself by JSON-RPC."""
        call: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = requests.post(self.rpc_url, json=call, timeout=TIMEOUT).json()
        must("result" in answer, f"the chain refused {method}: {answer.get('error')}")
        return answer["result"]

    def coin(self) -> str:
        """The currency that the shares are paid in, as the shares' contract says."""
        word = self.chain("eth_call", {"to": self.contracts["shares"], "data": CURRENCY}, "latest")
        return "0x" + str(word)[-40:]


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


def link_wallets(walk: Walk) -> str:
    for browser in (walk.artist, walk.fan):
        if browser is walk.fan:
            walk.fan.sign_in(f"fan-{walk.mark}@example.org")
        page = browser.page("/me/wallets")
        free = re.search(r'name="address" value="(0x[0-9a-f]{40})"', page)
        must(free, "no demo wallet is free: start afresh with an empty AUDIFI_DATA_DIR")
        browser.wallet = free[1] if free else ""
        browser.send("/me/wallets", address=browser.wallet)
        must(browser.wallet[-4:] in browser.page("/me/wallets"), "the wallet is not linked")
    return "artist and fan have a wallet each"


def launch(walk: Walk) -> str:
    path = f"/v2/masters/{walk.master['id']}"
    answer = walk.artist.api("POST", f"{path}/ipo/launch")
    must(answer.status_code == 202, f"launching answered {answer.status_code}: {answer.text[:200]}")
    must(walk.artist.api("POST", f"{path}/ipo/launch").status_code in (202, 409), "a second launch was not refused")
    walk.staff.sign_in(STAFF)
    approved = walk.staff.api("POST", f"/v2/admin/masters/{walk.master['id']}/approve")
    must(approved.status_code == 200, f"staff could not approve: {approved.status_code}")
    offer = _until(lambda: _live(walk), "the offer did not open")
    code = walk.chain("eth_getCode", offer["contracts"]["shares"], "latest")
    must(len(code) > 4, "there is no contract at the address that the portal names")
    walk.contracts = offer["contracts"]
    return f"staff approved, the contracts are on the chain, the offer is open at {offer['contracts']['shares'][:10]}…"


def _live(walk: Walk) -> dict[str, Any] | None:
    answer = walk.visitor.api("GET", f"/v2/masters/{walk.master['id']}/ipo")
    body: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return body if body.get("status") == "live" else None


def mint(walk: Walk) -> str:
    heard: list[dict[str, Any]] = []
    line = socketio.Client(http_session=walk.fan.http)
    line.on("ipo.mint", heard.append)
    line.connect(walk.fan.url, transports=["websocket"])
    joined = line.call("join", {"room": f"master:{walk.master['id']}"}, timeout=TIMEOUT)
    must(joined and joined.get("ok"), f"the live line refused: {joined}")
    walk.fan.page("/")
    bought = walk.fan.send(f"/masters/{walk.master['id']}/mint", quantity=str(SHARES), idempotency_key=walk.mark)
    again = walk.fan.send(f"/masters/{walk.master['id']}/mint", quantity=str(SHARES), idempotency_key=walk.mark)
    must((bought.status_code, again.status_code) == (303, 303), "the purchase was not taken")
    event = _until(lambda: next((e for e in heard if e["mintedSupply"] == SHARES), None), "no ipo.mint was heard")
    line.disconnect()
    must(event["masterId"] == walk.master["id"], "the event names another master")
    balance = walk.chain(
        "eth_call", {"to": walk.contracts["shares"], "data": BALANCE_OF + _word(walk.fan.wallet)}, "latest"
    )
    must(int(balance, 16) == SHARES, "the chain says another balance")
    public = walk.visitor.api("GET", f"/v2/masters/{walk.master['id']}").json()
    must(public["ipo"]["mintedSupply"] == SHARES, "the counter is not what the chain says")
    return f"{SHARES} shares once, although the button was pressed twice; the live line and the chain agree"


def revenue(walk: Walk) -> str:
    body = {"sourceType": "distributor", "sourceName": "Demo", "amount": "1000", "currency": "USDC"}
    made = walk.artist.api("POST", f"/v2/masters/{walk.master['id']}/revenue-events", body)
    must(made.status_code == 201, f"recording answered {made.status_code}: {made.text[:200]}")
    event = made.json()
    must(event["status"] == "pending", "the owner's own report was believed at once")
    done = walk.staff.api("POST", f"/v2/revenue-events/{event['id']}/verify", {"receipt": f"demo-{walk.mark}"})
    must(done.status_code == 200, f"verifying answered {done.status_code}: {done.text[:200]}")
    walk.due = 1000 * 10**6 * 5000 // 10_000 // 100 * SHARES
    found = _until(lambda: _claimable(walk), "no dividend arrived")
    must(found == walk.due, f"the portfolio shows {found}, the split gives {walk.due}")
    return f"1,000.00 USDC verified and deposited; the fan's {SHARES} of 100 shares got {walk.due / 10**6:.2f} USDC"


def _claimable(walk: Walk) -> int | None:
    rows = walk.fan.api("GET", "/v2/me/portfolio").json()["dividends"]
    return next((int(r["claimable"]) for r in rows if r["masterId"] == walk.master["id"] and int(r["claimable"])), None)


def claim(walk: Walk) -> str:
    coin = walk.coin()
    data = {"to": coin, "data": BALANCE_OF + _word(walk.fan.wallet)}
    before = int(walk.chain("eth_call", data, "latest"), 16)
    walk.fan.page("/me/portfolio")
    walk.fan.send("/me/portfolio/claims", wallet=walk.fan.wallet, idempotency_key=f"claim-{walk.mark}")
    _until(lambda: _claimable(walk) is None or None, "the claim did not arrive")
    after = int(walk.chain("eth_call", data, "latest"), 16)
    must(after - before == walk.due, f"the wallet got {after - before}, due were {walk.due}")
    return f"{walk.due / 10**6:.2f} USDC are in the wallet, to the last unit"


def _until(found: Callable[[], Any], sentence: str, seconds: float = 60) -> Any:
    """Ask again until there is something; a Falsehood when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (value := found()) is not None:
            return value
        time.sleep(0.1)
    raise Falsehood(f"{sentence} within {seconds:.0f} s")


def _word(address: str) -> str:
    return address.removeprefix("0x").rjust(64, "0")


def sign_out(walk: Walk) -> str:
    copy = walk.artist.http.cookies.copy()
    walk.artist.page("/")
    walk.artist.send("/logout")
    walk.artist.http.cookies = copy
    must(walk.artist.api("GET", "/v2/me").status_code == 401, "a copied cookie outlives signing out")
    return "signing out kills a copied cookie too"


STORY: tuple[Step, ...] = (
    home,
    sign_in,
    become_artist,
    create_master,
    drafts_are_private,
    confirm_rights,
    link_wallets,
    launch,
    mint,
    revenue,
    claim,
    sign_out,
)


def run(url: str, rpc_url: str, wait: float) -> int:
    """Walk the story: 0 when every step told the truth, 1 at the first falsehood. Waits `wait` seconds at first."""
    _wait_for(url, wait)
    walk = Walk(url)
    walk.rpc_url = rpc_url
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
