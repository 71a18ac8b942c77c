"""Browser wallets announce themselves (EIP-6963) and sign; what goes wrong is said in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from playwright.sync_api import expect

from tests.browser.people import Person

WALLET = """
(() => {
  const state = { chain: %(chain)d, says: %(says)s };
  const provider = { request: async ({ method, params }) => {
    if (method === "eth_requestAccounts") { if (state.says === "no") throw { code: 4001 }; return ["%(address)s"]; }
    if (method === "eth_chainId") return "0x" + state.chain.toString(16);
    if (method === "wallet_switchEthereumChain") throw { code: %(switch)d };
    if (method === "personal_sign") return window.signText(params[0]);
  } };
  const info = { uuid: "%(name)s", rdns: "example.%(name)s", name: "%(name)s",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>" };
  const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
  addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""


def give_wallet(person: Person, key: Any, name: str = "Fake", **how: Any) -> Person:
    values = {"chain": 31337, "says": '"yes"', "switch": 4902, "address": key.address, "name": name, **how}
    person.page.add_init_script(WALLET % values)
    return person


def signs(person: Person, key: Any) -> None:
    def sign(hexed: str) -> str:
        text = bytes.fromhex(hexed[2:]).decode()
        return "0x" + bytes(key.sign_message(encode_defunct(text=text)).signature).hex()

    person.page.expose_function("signText", sign)


def test_a_wallet_of_the_browser_signs_in(person: Callable[..., Person]) -> None:
    """Promise 61 in a browser, under the strict policy: chosen, signed, and asked for an address."""
    key, fan = Account.create(), person()
    signs(fan, key)
    give_wallet(fan, key).goto("/login")
    fan.page.get_by_role("link", name="Use a wallet").click()
    fan.page.get_by_role("button", name="Fake").click()
    expect(fan.page.get_by_role("heading", name="One more thing")).to_be_visible(timeout=30_000)


def test_none_two_no_and_the_wrong_network(person: Callable[..., Person]) -> None:
    key = Account.create()
    none = person().goto("/login/wallet")
    expect(none.page.locator("[data-wallet-none]")).to_be_visible()
    two = give_wallet(give_wallet(person(), key, "First"), key, "Second", says='"no"').goto("/login/wallet")
    expect(two.page.locator("[data-wallets] button")).to_have_count(2)
    expect(two.page.locator("[data-wallet-none]")).to_be_hidden()
    two.page.get_by_role("button", name="Second").click()
    expect(two.page.locator("[data-wallet-said]")).to_contain_text("You said no")
    for code, words in ((4902, "does not know network 31337"), (4001, "is on network 1")):
        lost = give_wallet(person(), key, chain=1, switch=code).goto("/login/wallet")
        lost.page.get_by_role("button", name="Fake").click()
        expect(lost.page.locator("[data-wallet-said]")).to_contain_text(words)


def test_without_script_the_text_is_signed_elsewhere(person: Callable[..., Person]) -> None:
    key, fan = Account.create(), person(java_script_enabled=False)
    fan.goto("/login/wallet").fill(address=key.address).press("Show me the text to sign")
    text = fan.page.locator("#message").text_content() or ""
    fan.fill(signature="0x" + bytes(key.sign_message(encode_defunct(text=text)).signature).hex()).press("Sign in")
    expect(fan.page.get_by_role("heading", name="One more thing")).to_be_visible(timeout=30_000)
