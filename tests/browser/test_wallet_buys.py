"""Buying with a wallet of the browser: signed one after the other, followed in steps; failures are told in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode
from playwright.sync_api import expect

from portal.chain.abi import decode_result, encode_call
from tests.browser.conftest import Told
from tests.browser.people import Person
from tests.browser.wallet import Wallet

ETHER = 10**18


@pytest.fixture
def wallet(data: Path, told: Told) -> Wallet:
    return Wallet(f"http://127.0.0.1:{(data / 'run' / 'devchain.port').read_text()}")


@pytest.fixture
def fan(person: Callable[..., Person], wallet: Wallet, request: pytest.FixtureRequest) -> Person:
    """Signed in, with this wallet linked by its signature."""
    someone = person()
    wallet.lives_in(someone)
    someone.sign_in(f"{request.node.name[:40].replace('_', '-')}@example.org".lower())
    someone.goto("/me/wallets/link").page.get_by_role("button", name="Fake").click()
    expect(someone.page.get_by_role("heading", name="Your wallets")).to_be_visible()
    return someone


def _coin(fan: Person, told: Told, wallet: Wallet) -> str:
    """The coin that the offer is paid in, as its contract says."""
    shares = fan.context.request.get(f"{fan.url}/api/v2/masters/{told.master_id}/ipo").json()["contracts"]["shares"]
    call = {"to": shares, "data": encode_call("MasterShares", "terms", ())}
    return str(decode_result("MasterShares", "terms", wallet.node("eth_call", call, "latest")["result"])[0][1])


def prepared(fan: Person, told: Told) -> Person:
    """The page with what there is to sign for one share."""
    fan.goto(f"/masters/{told.master_id}").press("Prepare it for")
    expect(fan.page.get_by_role("button", name="Sign with Fake")).to_be_enabled()
    return fan


def says(fan: Person, words: str | re.Pattern[str]) -> None:
    """Press, and read what is said; the page stays, and its button can be pressed again."""
    fan.page.get_by_role("button", name="Sign with Fake").click()
    expect(fan.page.locator("[data-wallet-said]")).to_contain_text(words)
    expect(fan.page.get_by_role("button", name="Sign with Fake")).to_be_enabled()


def refused(words: str) -> dict[str, Any]:
    """What a node answers where a contract says no."""
    data = "0x08c379a0" + encode(["string"], [words]).hex()
    return {"error": {"code": 3, "message": "execution reverted", "data": data}}


def failed(code: int, message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_a_share_is_minted_from_a_wallet_of_the_browser(fan: Person, wallet: Wallet, told: Told) -> None:
    """Two signatures, then the steps of the second one, with the way back and on; the share is in the portfolio."""
    wallet.is_given(ETHER, _coin(fan, told, wallet), 100 * 10**6)
    prepared(fan, told)
    expect(fan.page.locator("#sign-steps > li")).to_have_count(2)
    fan.page.get_by_role("button", name="Sign with Fake").click()
    fan.page.wait_for_url(re.compile(r"/transactions/0x[0-9a-f]{64}\?.*nonce=1"))
    expect(fan.page.get_by_role("link", name="Back to where you were")).to_be_visible()
    fan.waits("/me/portfolio?tab=shares", lambda: fan.page.locator("#shares tbody tr").count() == 1)
    fan.page.locator("#shares a.media").click()
    expect(fan.page.locator("#about")).to_contain_text("You")


def test_each_failure_says_what_to_do(fan: Person, wallet: Wallet, told: Told) -> None:
    """Nothing is lost: the same page goes on after each of them."""
    prepared(fan, told)
    says(fan, "too little for the network’s fee")
    wallet.is_given(ETHER, _coin(fan, told, wallet), 10**6)
    for method, answer, words in (
        ("eth_requestAccounts", {"result": ["0x" + "ab" * 20]}, "Switch the account"),
        ("eth_requestAccounts", {"result": []}, "Unlock it"),
        ("eth_requestAccounts", failed(-32002), "already asking"),
        ("eth_estimateGas", refused("not enough left"), "Others were faster"),
        ("eth_estimateGas", refused("permit lapsed"), "longer than 15 minutes"),
        ("eth_getBalance", failed(-32603, "Failed to fetch"), "does not answer your wallet"),
        ("eth_sendTransaction", failed(4001), "You said no"),
    ):
        wallet.says = {method: answer}
        says(fan, words)
    wallet.says = {"eth_chainId": {"result": "0x1"}, "wallet_switchEthereumChain": failed(4001)}
    says(fan, "is on network 1")
    wallet.says |= {"wallet_switchEthereumChain": failed(4902), "wallet_addEthereumChain": failed(4902)}
    says(fan, "does not know network 31337")
    wallet.says = {}
    says(fan, "holds too little")
    assert fan.page.locator("#sign-steps > li").first.get_attribute("data-state") == "done"
    fan.press("Prepare it again")
    expect(fan.page.locator("#sign-steps > li")).to_have_count(1)
