"""The page of a share, told from the mirror alone."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.db import db
from portal.masters.enums import IpoStatus
from portal.nfts.enums import NftListingStatus, OrderKind
from portal.nfts.models import MasterNft, NftOrder
from tests import factories
from tests.conftest import Client
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import CHAIN, Mirror, address

SignIn = Callable[[Client, User], Any]
MINE, BUYER = address(), address()


@pytest.fixture
def told(session: Session) -> Mirror:
    """No. 1 was minted at 25.00, sold for 30.00, and is listed at 40.00 by its new owner; the first sale is over."""
    master = factories.master(session, factories.artist(session, "Low Tide"), title="First Ice")
    mirror = Mirror(session, master)
    mirror.mint(MINE, 2)
    mirror.move(1, BUYER, 30_000_000)
    mirror.distribute(2_000_000)
    assert master.ipo is not None
    master.ipo.status, master.ipo.minted_supply = IpoStatus.CLOSED, 2
    session.execute(sa.text("UPDATE masters SET status = 'live'"))
    session.execute(sa.text("UPDATE master_nfts SET minted_at = now() - interval '90 days'"))
    listed(mirror, 1, BUYER, 40_000_000)
    return mirror


def listed(mirror: Mirror, number: int, wallet: str, price: int, kind: OrderKind = OrderKind.LISTING) -> NftOrder:
    share = mirror.tokens[number]
    order = NftOrder(
        id=uuid.uuid4(), kind=kind, chain_id=CHAIN, market_address=address(), order_key=uuid.uuid4().hex,
        contract_address=share.contract_address, token_id=number, master_nft_id=share.id, master_id=share.master_id,
        maker_wallet=wallet, price=price, currency="USDC", fee_bps=50, moves=1 if kind is OrderKind.LISTING else None,
        placed_tx_hash="0x" + uuid.uuid4().hex * 2, placed_block=mirror.block, placed_log_index=number,
        placed_at=sa.func.now(),
    )  # fmt: skip
    mirror.session.add(order)
    if kind is OrderKind.LISTING:
        share.listing_status, share.listing_price_wei = NftListingStatus.LISTED, price
        share.listing_currency, share.listed_at = "USDC", sa.func.now()
    mirror.session.commit()
    return order


TAKEN_BACK = """
status = 'cancelled', closed_tx_hash = placed_tx_hash, closed_block = placed_block,
closed_log_index = placed_log_index, closed_at = now()"""


def path(mirror: Mirror, number: int = 1) -> str:
    return f"/nfts/{mirror.tokens[number].id}"


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).replace("&nbsp;", " ")


def person_with(session: Session, wallet: str) -> User:
    found = factories.person(session)
    link_wallet(session, found.id, wallet, CHAIN, "Main")
    session.commit()
    return found


def test_everybody_sees_price_history_and_owners(client: Client, told: Mirror) -> None:
    answer = client.get(path(told))
    page = text(answer)
    for words in ("No. 1 of", "Pioneer", "For sale", "40.00", "5.0 % of the price", "Sign in to buy"):
        assert words in page
    for line in ("To the artist 4.00", "Trading fee 0.20", "Seller receives 35.80", "To pay 40.00"):
        assert line in page
    rows = re.findall(r"<tr><td>(Sold|Bought in the offer)</td>", answer.text)
    assert rows == ["Sold", "Bought in the offer"]
    chart = answer.text.partition('id="price-chart-table"')[2].partition("</table>")[0]
    assert re.findall(r"<td>([\d.]+)</td>", chart) == ["25.000000", "30.000000"]
    assert "They stay with whoever earned them" in page


def test_each_is_offered_what_they_can_do(client: Client, told: Mirror, session: Session, sign_in: SignIn) -> None:
    bid = listed(told, 1, MINE, 20_000_000, OrderKind.OFFER)
    sign_in(client, person_with(session, MINE))
    bidder = client.get(path(told)).text
    assert f'href="/offers/{bid.id}/take-back"' in bidder
    assert "Make an offer" in bidder
    assert "Buy with the wallet" in bidder
    sign_in(client, person_with(session, BUYER))
    owner = client.get(path(told)).text
    assert f'href="/offers/{bid.id}/accept"' in owner
    assert "Change the price" in owner
    assert f'href="{path(told)}/take-off"' in owner
    assert "Buy " not in text(client.get(path(told))).partition("Offers")[0]


def test_while_the_first_sale_runs_nothing_is_resold(client: Client, told: Mirror, session: Session) -> None:
    session.execute(sa.text("UPDATE master_ipos SET status = 'live'"))
    session.commit()
    page = text(client.get(path(told, 2)))
    assert "Shares are traded once the first sale is over" in page
    assert "See the first sale" in page


def test_the_master_leads_to_its_shares_and_tells_of_resales(client: Client, told: Mirror) -> None:
    page = client.get(f"/masters/{told.master.id}", follow_redirects=True).text
    assert f'href="{path(told, 2)}"' in page
    feed = text_of(page, 'id="feed"')
    assert "listed No. 1 at 40.00 USDC" in feed
    assert "bought 1 share from" in feed
    assert "for 30.00 USDC" in feed
    assert "Resold from" in page


def text_of(page: str, start: str) -> str:
    return re.sub(r"<[^>]+>", " ", page.partition(start)[2].partition("</section>")[0])


def test_a_share_of_a_draft_is_not_there(client: Client, told: Mirror, session: Session) -> None:
    session.execute(sa.text("UPDATE masters SET status = 'draft'"))
    session.commit()
    assert client.get(path(told)).status_code == 404
    assert client.get(f"/nfts/{uuid.uuid4()}").status_code == 404
    assert session.scalar(sa.select(sa.func.count()).select_from(MasterNft)) == 2


def shown(page: str) -> list[str]:
    return re.findall(r'id="share-([0-9a-f-]{36})"', page)


def test_the_list_filters_counts_and_leads_to_shares(client: Client, told: Mirror, session: Session) -> None:
    listed(told, 2, MINE, 10_000_000)
    first, second = (str(told.tokens[number].id) for number in (1, 2))
    other = Mirror(session, factories.master(session, factories.artist(session, "Other"), title="Second Ice"))
    other.mint(MINE, 1)
    listed(other, 1, MINE, 5_000_000)
    everything = client.get("/marketplace?tab=shares").text
    assert set(shown(everything)) == {first, second, str(other.tokens[1].id)}
    assert f'href="{path(told)}"' in everything
    one = client.get(f"/marketplace?master={told.master.id}").text
    assert sorted(shown(one)) == sorted([first, second])
    assert "First Ice" in text_of(one, "results__chips")
    assert shown(client.get("/marketplace?yield=1000").text) == [second]
    assert shown(client.get("/marketplace?minPrice=20&maxPrice=50").text) == [first]
    assert shown(client.get("/marketplace?sort=price&currency=USDC&tier=Pioneer").text)[0] == str(other.tokens[1].id)
    none = client.get("/marketplace?genre=Polka").text
    assert "No share matches" in none
    assert "Clear the filters" in none


def test_the_list_goes_on_by_itself_and_then_by_a_press(client: Client, told: Mirror) -> None:
    told.mint(MINE, 26)
    for number in range(3, 29):
        listed(told, number, MINE, 1_000_000 * number)
    found, address_, triggers = [], "/marketplace?tab=shares", []
    while address_:
        part = client.get(address_, headers={"HX-Request-Type": "partial", "HX-Target": "div#more"})
        assert "<html" not in part.text
        found += shown(part.text)
        link = re.search(r'href="(/marketplace[^"]+)" rel="next"[^>]*hx-trigger="([^"]+)"', part.text)
        address_ = link[1].replace("&amp;", "&") if link else ""
        triggers += [link[2]] if link else []
    assert len(found) == len(set(found)) == 27
    assert triggers == ["click, intersect once"]
    assert 'hx-trigger="click"' in client.get("/marketplace?tab=shares&seen=96").text


def test_new_listings_are_counted_and_move_nothing(client: Client, told: Mirror) -> None:
    page = client.get("/marketplace?tab=shares").text
    again = re.search(r'id="news" data-refresh-url="([^"]+)"', page)
    assert again
    asked = {"HX-Request-Type": "partial", "HX-Target": "span#news"}
    address_ = again[1].replace("&amp;", "&")
    assert "new, show" not in client.get(address_, headers=asked).text
    fresh = "listing_status = 'listed', listing_price_wei = 5, listing_currency = 'USDC', listed_at = now() + '1 s'"
    db.session.execute(sa.text(f"UPDATE master_nfts SET {fresh} WHERE token_id = 2"))
    db.session.commit()
    assert "1 new, show" in client.get(address_, headers=asked).text


def test_what_lapsed_is_refused_with_a_way_on(client: Client, told: Mirror, session: Session, sign_in: SignIn) -> None:
    """The owner may still set a price, a visitor still make an offer, and the bidder fetch the money that waits."""
    bid = listed(told, 1, MINE, 20_000_000, OrderKind.OFFER)
    session.execute(sa.text("UPDATE nft_orders SET deadline = now() - interval '1 minute'"))
    session.commit()
    place = {"factory_address": address(), "market_address": address(), "stablecoin_address": address()}
    current_app.config["SETTINGS"] = replace(current_app.config["SETTINGS"], rpc_url="http://127.0.0.1:9", **place)
    sign_in(client, person_with(session, BUYER))
    accepted = client.get(f"/offers/{bid.id}/accept")
    assert (accepted.status_code, 'id="sell-price"' in accepted.text) == (409, True)
    assert "the deadline of this offer has passed" in text(accepted)
    sign_in(client, person_with(session, MINE))
    buying = f"{path(told)}/buy?units=40000000&currency=USDC"
    bought = client.get(buying)
    assert (bought.status_code, 'id="bid-price"' in bought.text) == (409, True)
    assert "the deadline of this listing has passed" in text(bought)
    assert f'href="/offers/{bid.id}/take-back"' in client.get("/me/portfolio?tab=shares").text
    db.session().execute(sa.text(f"UPDATE nft_orders SET {TAKEN_BACK} WHERE kind = 'listing'"))
    db.session().commit()
    assert "no longer for sale: it was sold, or taken back" in text(client.get(buying))
