"""Trading with a wallet of the browser: bought, listed, bid for and sold; what goes wrong on the way loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal import demo
from portal.demo import Walk
from tests.browser.conftest import Told
from tests.browser.people import Person
from tests.browser.test_wallet_buys import ETHER, failed, fan, refused, says, wallet
from tests.browser.wallet import Wallet
from tests.embedded.running import eventually

__all__ = ["fan", "wallet"]

SOON = 60_000
HASTE = """
const wait = setTimeout;
window.setTimeout = (act, time, ...more) => wait(act, time === 1000 ? 5 : time, ...more);
"""
"""Pauses of a second, between two looks at a transaction, pass at once; no other time is changed."""


class Market:
    """A master whose first sale is over. The seller holds No. 1 and No. 2 with a demo wallet, and acts by forms."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.seller, self.acts = walk, walk.fan, 0

    def share(self, number: int) -> str:
        return f"/nfts/{self.walk.nfts[number - 1]}"

    def does(self, number: int, act: str, **fields: str) -> None:
        """An act of the seller's on a share, as its page would send it."""
        self.acts += 1
        key = f"{self.walk.mark}-{self.acts}"
        self.seller.page("/")
        self.seller.send(f"{self.share(number)}/{act}", wallet=self.seller.wallet, idempotency_key=key, **fields)

    def lists(self, number: int, price: str) -> None:
        self.does(number, "list", price=price, currency="USDC", days="30")
        self.is_seen(number, "For sale")

    def is_seen(self, number: int, words: str) -> None:
        eventually(lambda: words in self.seller.page(self.share(number)), SOON / 1000)


STORY = (
    demo.sign_in, demo.become_artist, demo.create_master, demo.confirm_rights, demo.link_wallets, demo.launch,
    demo.mint, demo.close_sale,
)  # fmt: skip


@pytest.fixture(scope="module")
def market(told: Told, house: str, data: Path) -> Iterator[Market]:
    walk = Walk(house)
    walk.rpc_url = f"http://127.0.0.1:{(data / 'run' / 'devchain.port').read_text()}"
    with walk.artist.http, walk.visitor.http, walk.fan.http, walk.staff.http:
        for step in STORY:
            step(walk)
        yield Market(walk)


@pytest.fixture
def buyer(fan: Person, wallet: Wallet, market: Market) -> Person:
    """With 100 USDC, and enough for the network."""
    wallet.is_given(ETHER, market.walk.coin(), 100 * 10**6)
    return fan


def signs(person: Person, steps: int) -> None:
    """Sign all that was prepared, and be led to the page that follows it."""
    expect(person.page.locator("#sign-steps > li")).to_have_count(steps)
    person.page.get_by_role("button", name="Sign with Fake").click()
    person.page.wait_for_url(re.compile(r"/transactions/0x[0-9a-f]{64}\?.*nonce="))
    expect(person.page.locator("#transaction")).to_contain_text("Seen in a block", timeout=SOON)


def shows(person: Person, path: str, where: str, words: str) -> None:
    """The share's page as it stays open tells of it, without being loaded again."""
    person.goto(path)
    expect(person.page.locator(where)).to_contain_text(words, timeout=SOON)


def fills(person: Person, form: str, price: str) -> None:
    person.page.locator(f"#{form}-price").fill(price)
    person.page.locator(f"#{form} button").click()


def follows(person: Person, link: str | re.Pattern[str]) -> None:
    person.page.locator("main").get_by_role("link", name=link).first.click()


def _an_open_form_outlives_the_refresh(person: Person, market: Market, number: int) -> None:
    """What stands above it changes; that it is open, what is typed in it and the focus stay."""
    price = person.page.locator("#bid-price")
    person.goto(market.share(number))
    price.fill("12.5")
    person.page.locator("#bid [name=currency]").select_option("ETH")
    price.focus()
    market.lists(number, "70")
    _stays(person, "70.00", "12.5", "#bid-price")
    expect(person.page.locator("#bid [name=currency]")).to_have_value("ETH")
    person.goto(market.share(number))
    expect(price).to_be_hidden()
    person.page.locator("#bid-terms summary").click()
    price.fill("7")
    person.page.locator("#bid-days").focus()
    market.does(number, "list", price="40", currency="USDC", days="30")
    _stays(person, "40.00", "7", "#bid-days")


def _stays(person: Person, asked: str, typed: str, focused: str) -> None:
    for place in ("#listing .offer__price", "#share-bar"):
        expect(person.page.locator(place)).to_contain_text(asked, timeout=SOON)
    expect(person.page.locator("#bid-price")).to_be_visible()
    expect(person.page.locator("#bid-price")).to_have_value(typed)
    expect(person.page.locator(focused)).to_be_focused()


def test_a_share_is_bought_listed_and_sold_to_an_offer(buyer: Person, market: Market) -> None:
    path = market.share(1)
    _an_open_form_outlives_the_refresh(buyer, market, 1)
    follows(buyer, re.compile("^Buy with the wallet"))
    signs(buyer, 2)
    shows(buyer, path, "#about", "You")
    fills(buyer, "sell", "50")
    signs(buyer, 2)
    shows(buyer, path, "#listing", "For sale")
    follows(buyer, "Take it off the market")
    signs(buyer, 1)
    shows(buyer, path, "#listing", "Not for sale")
    market.does(1, "offer", price="20", currency="USDC", days="7")
    shows(buyer, path, "#offers", "20.00")
    follows(buyer, "Accept")
    signs(buyer, 1)
    shows(buyer, path, "#history", "20.00")
    expect(buyer.page.locator("#about dl")).not_to_contain_text("You")


@pytest.mark.slow
def test_an_offer_waits_and_is_taken_back(buyer: Person, wallet: Wallet, market: Market) -> None:
    """Made after each of the failures that a wallet may meet on the way: all of them leave the page as it was."""
    buyer.page.add_init_script(HASTE)
    path = market.share(2)
    buyer.goto(path)
    fills(buyer, "bid", "30")
    expect(buyer.page.locator("#sign-steps > li")).to_have_count(2)
    for method, answer, words in (
        ("eth_sendTransaction", failed(4001), "You said no"),
        ("eth_getBalance", {"result": "0x0"}, "too little for the network’s fee"),
        ("eth_estimateGas", refused("order lapsed"), "the deadline has passed"),
        ("eth_estimateGas", refused("balance too low"), "holds too little"),
    ):
        wallet.says = {method: answer}
        says(buyer, words)
    wallet.says = {"eth_chainId": {"result": "0x1"}, "wallet_switchEthereumChain": failed(4001)}
    says(buyer, "is on network 1")
    nothing = {"result": None}
    unseen = {"eth_getTransactionReceipt": nothing, "eth_getTransactionByHash": nothing}
    wallet.says = {"eth_sendTransaction": {"result": "0x" + "ab" * 32}, **unseen}
    says(buyer, "The network lost this transaction")
    wallet.says = unseen | {"eth_getTransactionByHash": [{"result": {"nonce": "0x0"}}, nothing]}
    says(buyer, "sped up or cancelled")
    wallet.says = {}
    follows(buyer, "Prepare it again")
    signs(buyer, 1)
    shows(buyer, path, "#offers", "30.00")
    follows(buyer, "Take it back")
    signs(buyer, 1)
    shows(buyer, path, "#offers", "No offer yet")


@pytest.mark.slow
def test_what_is_sold_while_it_is_signed_costs_nothing(buyer: Person, market: Market) -> None:
    """The price is beyond the wallet at first; then the share is taken off under the pen."""
    path = market.share(2)
    market.lists(2, "120")
    buyer.goto(path)
    follows(buyer, re.compile("^Buy with the wallet"))
    expect(buyer.page.locator("#buy-refused")).to_contain_text("120.00 USDC, and 20.00 USDC are missing")
    market.lists(2, "60")
    market.is_seen(2, "60.00")
    buyer.goto(path)
    follows(buyer, re.compile("^Buy with the wallet"))
    expect(buyer.page.locator("#sign-steps > li")).to_have_count(2)
    market.does(2, "take-off")
    market.is_seen(2, "Not for sale")
    says(buyer, "The share is no longer for sale")
    follows(buyer, "Prepare it again")
    expect(buyer.page.locator("#buy-refused")).to_contain_text("no longer for sale")
    expect(buyer.page.locator("#bid-price")).to_be_visible()
