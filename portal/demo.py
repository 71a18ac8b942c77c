"""`flask demo`: a client that walks the main story against a running portal and stops at the first falsehood.

It knows the portal by its addresses alone: pages, the JSON API and the mail page of the embedded default; what a
wallet has to sign it signs with the demo wallets' well-known keys. Each step prints what it proved and how long it
took.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests
import socketio

from portal.chain.abi import encode_call
from portal.chain.signer import DEMO_INDEXES, Signer, of_dev_account

TIMEOUT = 15
SHARES = 2
STAFF = "admin@example.org"
BALANCE_OF = "0x70a08231"
CURRENCY = "0xe5a6b10f"
PRICE = 77_777_777
PARTS = {"artist": 1000, "firstMinter": 300, "secondMinter": 200, "fee": 50}
"""Basis points of a resale, as offers have them unless their artist says otherwise."""
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
        link = _until(lambda: next(iter(self._links(email) - before), None), f"no mail for {email}")
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
        self.nfts: list[str] = []

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
    line = _listen(walk.fan, f"master:{walk.master['id']}", heard)
    walk.fan.page("/")
    bought = walk.fan.send(f"/masters/{walk.master['id']}/mint", quantity=str(SHARES), idempotency_key=walk.mark)
    again = walk.fan.send(f"/masters/{walk.master['id']}/mint", quantity=str(SHARES), idempotency_key=walk.mark)
    must((bought.status_code, again.status_code) == (303, 303), "the purchase was not taken")
    event = _until(lambda: next((e for e in heard if e.get("mintedSupply") == SHARES), None), "no ipo.mint was heard")
    line.disconnect()
    must(event["masterId"] == walk.master["id"], "the event names another master")
    balance = walk.chain(
        "eth_call", {"to": walk.contracts["shares"], "data": BALANCE_OF + _word(walk.fan.wallet)}, "latest"
    )
    must(int(balance, 16) == SHARES, "the chain says another balance")
    public = walk.visitor.api("GET", f"/v2/masters/{walk.master['id']}").json()
    must(public["ipo"]["mintedSupply"] == SHARES, "the counter is not what the chain says")
    return f"{SHARES} shares once, although the button was pressed twice; the live line and the chain agree"


def _listen(browser: Browser, room: str, heard: list[dict[str, Any]]) -> socketio.Client:
    """A live line that does as pages do: after each connect it joins, and is told how things are now."""
    line = socketio.Client(http_session=browser.http)
    answers: list[dict[str, Any]] = []

    def joined(answer: dict[str, Any]) -> None:
        heard.extend(answer.get("state", []))
        answers.append(answer)

    line.on("connect", lambda: line.emit("join", {"room": room}, callback=joined))
    line.on("ipo.mint", heard.append)
    line.connect(browser.url, transports=["websocket"], wait_timeout=TIMEOUT)
    answer = _until(lambda: answers[0] if answers else None, "the live line did not answer")
    must(answer.get("ok"), f"the live line refused: {answer}")
    return line


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


def close_sale(walk: Walk) -> str:
    path = f"/v2/masters/{walk.master['id']}/ipo"
    closed = walk.artist.api("POST", f"{path}/close")
    must(closed.status_code == 202, f"closing answered {closed.status_code}: {closed.text[:200]}")
    _until(lambda: walk.visitor.api("GET", path).json()["status"] == "closed" or None, "the offer did not close")
    shares = walk.visitor.api("GET", f"/v2/masters/{walk.master['id']}/nfts").json()["data"]
    walk.nfts = [share["nftId"] for share in shares]
    must(len(walk.nfts) == SHARES, "the master shows other shares than were minted")
    return "the artist closed the sale, and it is final"


def resell(walk: Walk) -> str:
    """The fan minted the first two shares: the parts of first and second minter are theirs, there is no third."""
    nft = f"/v2/nfts/{walk.nfts[0]}"
    asked = {"price": str(PRICE), "currency": "USDC"}
    lines = _act(walk, walk.fan, "POST", f"{nft}/listing", asked)
    _until(lambda: _share(walk, 0)["listingPrice"] == str(PRICE) or None, "the listing did not appear")
    _send(walk, walk.artist, walk.coin(), encode_call("Stablecoin", "faucet", (walk.artist.wallet, PRICE)))
    fan, shares = _coins(walk, walk.fan.wallet), _coins(walk, walk.contracts["shares"])
    wrong = walk.artist.api("POST", f"{nft}/orders", _bid(walk.artist, "buy", PRICE - 1))
    must(wrong.status_code == 409, f"another price than is asked answered {wrong.status_code}")
    _act(walk, walk.artist, "POST", f"{nft}/orders", _bid(walk.artist, "buy", PRICE))
    _until(lambda: _share(walk, 0)["owner"] == walk.artist.wallet or None, "the share did not arrive")
    must(_share(walk, 0)["listingStatus"] == "not_listed", "what is sold is still for sale")
    parts = {name: PRICE * bps // 10_000 for name, bps in PARTS.items()}
    must({name: lines.get(name) for name in parts} == parts, f"the parts are {lines}")
    must("thirdMinter" not in lines, "a part is charged for a slot that nobody fills")
    gets = PRICE - sum(parts.values())
    must(lines["sellerReceives"] == gets, "the seller's line is not what remains")
    must(_coins(walk, walk.fan.wallet) - fan == gets, "the chain paid the seller something else")
    royalty = sum(parts.values()) - parts["fee"]
    must(_coins(walk, walk.contracts["shares"]) - shares == royalty, "the parts are not in the shares' contract")
    return f"the buyer paid {PRICE / 10**6:.6f} USDC, the seller got {gets / 10**6:.6f}: API and chain agree"


def fetch_parts(walk: Walk) -> str:
    waiting = {row["role"]: int(row["waiting"]) for who in (walk.fan, walk.artist) for row in _royalties(walk, who)}
    royalty = sum(PRICE * PARTS[name] // 10_000 for name in ("artist", "firstMinter", "secondMinter"))
    must(sum(waiting.values()) == royalty, f"the API says {waiting}, the sale left {royalty}")
    must(set(waiting) == {"artist", "first", "second"}, f"the API names {sorted(waiting)}")
    for browser, due in ((walk.fan, waiting["first"] + waiting["second"]), (walk.artist, waiting["artist"])):
        before = _coins(walk, browser.wallet)
        body = {"wallet": browser.wallet, "currency": "USDC"}
        _act(walk, browser, "POST", f"/v2/masters/{walk.master['id']}/royalty-intents", body)
        must(_coins(walk, browser.wallet) - before == due, "the royalty that was fetched is not what waited")
    _until(lambda: _fetched(walk), "the portal did not see that the royalty was fetched")
    return f"{royalty / 10**6:.6f} USDC waited for artist and first two minters, and are fetched to the last unit"


def _fetched(walk: Walk) -> bool | None:
    return sum(int(row["waiting"]) for who in (walk.fan, walk.artist) for row in _royalties(walk, who)) == 0 or None


def accept_an_offer(walk: Walk) -> str:
    """The share is listed meanwhile: the sale by the offer ends that listing in the same block."""
    nft, price = f"/v2/nfts/{walk.nfts[1]}", 10**15
    _act(walk, walk.fan, "POST", f"{nft}/listing", {"price": str(9 * price), "currency": "ETH"})
    _act(walk, walk.artist, "POST", f"{nft}/orders", _bid(walk.artist, "offer", price, "ETH"))
    offers = _until(lambda: walk.visitor.api("GET", f"{nft}/offers").json()["data"] or None, "no offer was seen")
    must(_share(walk, 1)["listingPrice"] == str(9 * price), "the listing is not there beside the offer")
    answer = walk.artist.api("POST", f"/v2/offers/{offers[0]['offerId']}/accept")
    must(answer.status_code == 404, f"the bidder's own acceptance answered {answer.status_code}")
    _act(walk, walk.fan, "POST", f"/v2/offers/{offers[0]['offerId']}/accept", None)
    sold = _until(lambda: _of_owner(walk, 1, walk.artist.wallet), "the share did not change hands")
    must(sold["listingStatus"] == "not_listed", "a stale listing is still shown")
    must(walk.visitor.api("GET", f"{nft}/offers").json()["data"] == [], "an accepted offer is still open")
    move = walk.visitor.api("GET", f"{nft}/transfers").json()["data"][0]
    told = move["type"], move["salePrice"], move["saleCurrency"], move["marketplace"]
    must(told == ("sale", str(price), "ETH", "AudiFi"), f"the history says {told}")
    return "the owner took the bidder's money, and the listing that stood beside it was gone with the share"


def _share(walk: Walk, place: int) -> dict[str, Any]:
    found: dict[str, Any] = walk.visitor.api("GET", f"/v2/nfts/{walk.nfts[place]}").json()
    return found


def _of_owner(walk: Walk, place: int, owner: str) -> dict[str, Any] | None:
    found = _share(walk, place)
    return found if found["owner"] == owner else None


def _royalties(walk: Walk, who: Browser) -> list[dict[str, Any]]:
    rows = who.api("GET", "/v2/me/waiting").json()["royalties"]
    return [row for row in rows if row["masterId"] == walk.master["id"] and row["currency"] == "USDC"]


def _bid(who: Browser, kind: str, price: int, currency: str = "USDC") -> dict[str, str]:
    return {"wallet": who.wallet, "kind": kind, "price": str(price), "currency": currency}


def _coins(walk: Walk, who: str) -> int:
    data = {"to": walk.coin(), "data": BALANCE_OF + _word(who)}
    return int(walk.chain("eth_call", data, "latest"), 16)


def _act(walk: Walk, who: Browser, method: str, path: str, body: Any) -> dict[str, int]:
    """Ask what to sign, sign and send it; returns the price lines by label. Asks again while the portal catches up."""
    who.page("/")
    answer = _until(lambda: _granted(who.api(method, path, body)), f"{method} {path} is not granted")
    for step in answer["transactions"]:
        one = step["transaction"]
        _send(walk, who, one["to"], one["data"], int(one["value"]))
    return {line["label"]: int(line["amount"]) for line in answer["lines"]}


def _granted(answer: requests.Response) -> dict[str, Any] | None:
    must(answer.status_code in (200, 404, 409), f"the portal answered {answer.status_code}: {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body if answer.status_code == 200 else None


def _send(walk: Walk, who: Browser, to: str, data: str, value: int = 0) -> None:
    """Sign with the demo wallet's key, as a wallet in a browser does, and wait for the receipt."""
    from eth_utils.address import to_checksum_address

    signer = _signer(who.wallet)
    price = 2 * int(walk.chain("eth_gasPrice"), 16)
    nonce = int(walk.chain("eth_getTransactionCount", who.wallet, "latest"), 16)
    fields = {"type": 2, "chainId": int(walk.chain("eth_chainId"), 16), "to": to_checksum_address(to), "data": data,
              "value": value, "nonce": nonce, "gas": 500_000, "maxFeePerGas": price,
              "maxPriorityFeePerGas": 10**9}  # fmt: skip
    raw, tx_hash = signer.sign_transaction(fields)
    walk.chain("eth_sendRawTransaction", raw)
    receipt = _until(lambda: walk.chain("eth_getTransactionReceipt", tx_hash), "the transaction was not mined")
    must(int(receipt["status"], 16) == 1, "the chain refused what the portal had prepared")


def _signer(wallet: str) -> Signer:
    return next(signer for signer in map(of_dev_account, DEMO_INDEXES) if signer.address == wallet)


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
RESALE: tuple[Step, ...] = (close_sale, resell, fetch_parts, accept_an_offer)
"""After the first sale: its shares are traded."""
WHOLE = (*STORY[:-1], *RESALE, STORY[-1])


def run(url: str, rpc_url: str, wait: float) -> int:
    """Walk the story: 0 when every step told the truth, 1 at the first falsehood. Waits `wait` seconds at first."""
    _wait_for(url, wait)
    walk = Walk(url)
    walk.rpc_url = rpc_url
    for number, step in enumerate(WHOLE, 1):
        start = time.monotonic()
        try:
            proved = step(walk)
        except (Falsehood, requests.RequestException) as error:
            print(f"{number}. {step.__name__.replace('_', ' ')}: FALSE: {error}")
            return 1
        print(f"{number}. {step.__name__.replace('_', ' ')}: {proved} ({time.monotonic() - start:.2f} s)")
    print(f"{len(WHOLE)} passed, 0 failed")
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
