"""What a person holds: own wallets only, each currency for itself, a dash where nothing is known."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.audit.models import SecurityEvent
from portal.chain.signer import of_dev_account
from portal.portfolio import book, page
from portal.revenue import history
from tests import factories
from tests.conftest import Client
from tests.golden import frozen, masked
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import CHAIN, Mirror, address

CONTRACTS = Path(__file__).parent / "contracts"
SignIn = Callable[[Client, User], str]


@pytest.fixture
def mine() -> str:
    return address()


@pytest.fixture
def fan(session: Session, mine: str) -> User:
    found = factories.person(session)
    link_wallet(session, found.id, mine, CHAIN, "Main")
    session.commit()
    return found


@pytest.fixture
def signed_in(client: Client, fan: User, sign_in: SignIn) -> Client:
    sign_in(client, fan)
    return client


@pytest.fixture
def salt(session: Session, mine: str) -> Mirror:
    """Three shares minted at 25 USDC, one more by somebody else; 0.65 a share paid, half of it fetched."""
    artist = factories.artist(session, "Ines Okoro-Vale")
    mirror = Mirror(session, factories.master(session, artist, title="Salt on the Wire"))
    mirror.mint(mine, 3)
    mirror.mint(address(), 1)
    mirror.distribute(650_000)
    mirror.balance(mine, 1_950_000, 950_000)
    mirror.claim(mine, 950_000)
    return mirror


@pytest.mark.parametrize("version", [1, 2])
def test_the_body_of_each_version_is_frozen(signed_in: Client, salt: Mirror, mine: str, version: int) -> None:
    body = signed_in.get(f"/api/v{version}/me/portfolio").json
    assert body["wallets"] == [mine]
    body["wallets"] = ["<wallet>"]
    assert masked(body) == frozen(CONTRACTS, f"portfolio_v{version}")


def test_json_by_name_on_the_pages_address(signed_in: Client, salt: Mirror) -> None:
    named = signed_in.get("/me/portfolio", headers={"Accept": "application/json"})
    assert named.json == signed_in.get("/api/v2/me/portfolio").json


def test_another_persons_wallet_shows_nothing(client: Client, session: Session, salt: Mirror, sign_in: SignIn) -> None:
    assert client.get("/api/v2/me/portfolio").status_code == 401
    sign_in(client, factories.person(session))
    assert client.get("/api/v2/me/portfolio").json == {"wallets": [], "nfts": [], "dividends": []}
    assert "Salt on the Wire" not in client.get("/me/portfolio").text


def test_costs_follow_what_was_really_paid(session: Session, fan: User, mine: str, salt: Mirror) -> None:
    second, seller = address(), address()
    link_wallet(session, fan.id, second, CHAIN, "Second")
    session.commit()
    salt.mint(seller, 2)
    salt.move(5, mine, 30_000_000)
    salt.move(6, mine)
    salt.move(5, second)
    (line,) = book.lines(session, fan.id)
    assert (line.held.shares, line.paid, line.last) == (5, 105_000_000, 150_000_000)


def test_a_sale_to_oneself_is_no_price(session: Session, fan: User, mine: str, salt: Mirror) -> None:
    second = address()
    link_wallet(session, fan.id, second, CHAIN, "Second")
    session.commit()
    salt.move(1, second, 999_000_000)
    assert book.lines(session, fan.id)[0].last is None


def test_currencies_are_kept_apart(session: Session, fan: User, mine: str, salt: Mirror) -> None:
    salt.balance(mine, 7 * 10**15, currency="ETH")
    lines = book.lines(session, fan.id)
    assert [(line.currency, line.paid, line.ready) for line in lines] == [
        ("USDC", 75_000_000, 1_000_000),
        ("ETH", None, 7 * 10**15),
    ]
    usdc, eth = book.totals(lines)
    assert (usdc.ready, usdc.paid, usdc.last) == (1_000_000, 75_000_000, None)
    assert (eth.ready, eth.paid) == (7 * 10**15, None)


def test_who_sold_keeps_what_was_earned_before(session: Session, fan: User, mine: str, salt: Mirror) -> None:
    salt.move(1, address())
    salt.distribute(100_000)
    entries = history.entries(session, fan.id, 10)
    assert [(e.kind, e.shares, e.amount, e.balance) for e in entries] == [
        ("dividend", 2, 200_000, 1_200_000),
        ("claim", None, -950_000, 1_000_000),
        ("dividend", 3, 1_950_000, 1_950_000),
    ]
    after = history.entries(session, fan.id, 10, after=entries[0].place)
    assert [e.id for e in after] == [e.id for e in entries[1:]]


def test_the_artist_is_credited_for_shares_that_nobody_holds(session: Session, salt: Mirror) -> None:
    salt.distribute(100, unminted=99_600)
    (entry,) = history.entries(session, salt.master.artist.user_id, 10)
    assert (entry.kind, entry.amount) == ("credit", 99_600)


def test_the_books_api_pages(signed_in: Client, salt: Mirror) -> None:
    for number in range(4):
        salt.distribute(1000 + number)
    found, after = [], ""
    while after is not None:
        body = signed_in.get("/api/v2/dividends", query_string={"limit": 2, "after": after}).json
        found += [row["amount"] for row in body["data"]]
        after = body["page"]["next"]
    assert found == ["3009", "3006", "3003", "3000", "-950000", "1950000"]
    claims = signed_in.get("/api/v2/dividends/claims").json["data"]
    assert [(row["amount"], row["currency"]) for row in claims] == [("950000", "USDC")]


def test_ready_money_lies_in_the_newest_months() -> None:
    assert page.ready_by_month([10, 20, 30], 35) == [0, 5, 30]
    assert page.ready_by_month([10, 20, 30], 0) == [0, 0, 0]
    assert page.ready_by_month([10, 20, 30], 99) == [10, 20, 30]


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("holdings", ["Salt on the Wire", "75.00", "Claim 1.00 USDC"]),
        ("dividends", ["1.95"]),
        ("claims", ["0.95", "Seen"]),
        ("activity", ["Bought 1 share of Salt on the Wire in the offer"]),
        ("nothing", ["Salt on the Wire"]),
    ],
)
def test_every_tab_is_an_address(signed_in: Client, salt: Mirror, tab: str, words: list[str]) -> None:
    answer = signed_in.get("/me/portfolio", query_string={"tab": tab, "currency": "ETH"})
    assert answer.status_code == 200
    for word in words:
        assert word in re.sub(r"<[^>]*>", "", answer.text)


def test_someone_without_a_wallet_is_shown_the_way(client: Client, session: Session, sign_in: SignIn) -> None:
    sign_in(client, factories.person(session))
    text = client.get("/me/portfolio").text
    assert "Link a wallet" in text
    assert "No shares yet" in text


def test_the_export_runs_no_formula(signed_in: Client, session: Session, mine: str) -> None:
    """Promise 67: in a download as it is."""
    Mirror(session, factories.master(session, title="=HYPERLINK(1)")).mint(mine, 2)
    answer = signed_in.get("/me/portfolio.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="portfolio.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["Master"], row["Shares"], row["Paid for"], row["Last price"]) == ("'=HYPERLINK(1)", "2", "50.00", "")
    assert session.scalar(sa.select(SecurityEvent.title)) == "Portfolio exported"


def test_a_wallet_that_signs_elsewhere_gets_its_transaction(signed_in: Client, salt: Mirror, mine: str) -> None:
    answer = signed_in.post("/me/portfolio/claims", data={"wallet": mine})
    assert (answer.status_code, answer.location) == (303, f"/me/portfolio/claims/new?wallet={mine}")
    text = signed_in.get(answer.location).text
    assert f"ethereum:{salt.dividends.contract_address}@{CHAIN}?value=0&amp;data=0x" in text
    tx = "0x" + "ab" * 32
    query = {"wallet": mine, "hash": tx, "next": "/me/portfolio"}
    assert 'name="next" value="/me/portfolio"' in text
    location = signed_in.get("/transactions", query_string=query).location
    assert location == f"/transactions/{tx}?next=%2Fme%2Fportfolio&wallet={mine}"


@pytest.mark.parametrize("wallet", ["", "0x12", address(), of_dev_account(3).address])
def test_only_ones_own_wallet_claims(signed_in: Client, salt: Mirror, wallet: str) -> None:
    answer = signed_in.post("/me/portfolio/claims", data={"wallet": wallet}, follow_redirects=True)
    assert answer.status_code == 422


def test_a_demo_wallet_claims_by_plain_form(client: Client, session: Session, sign_in: SignIn, salt: Mirror) -> None:
    demo = of_dev_account(2).address
    fan = factories.person(session)
    link_wallet(session, fan.id, demo, CHAIN, "Demo")
    session.commit()
    salt.balance(demo, 500)
    sign_in(client, fan)
    form = {"wallet": demo, "masterId": str(salt.master.id), "idempotency_key": "k"}
    first, second = (client.post("/me/portfolio/claims", data=form) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    text = client.get(first.location).text
    assert "Asked for" in text
    assert "Claim 0.00" not in text
    assert client.post("/me/portfolio/claims", data=form | {"idempotency_key": "other"}).status_code == 409
    assert client.get("/me/portfolio/claims").location == "/me/portfolio?tab=claims"
