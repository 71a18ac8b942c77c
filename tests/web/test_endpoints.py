"""The specification's reading endpoints, frozen in both versions; the ones that a feature's own tests freeze are there.

Where both versions answer the same, one file holds both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master
from portal.nfts.enums import NftListingStatus
from tests import factories
from tests.conftest import Client
from tests.golden import frozen, masked
from tests.mirrored import app  # noqa: F401  (the worker writes mirrors)
from tests.portfolio.mirror import Mirror, address

CONTRACTS = Path(__file__).parent / "contracts"
SignIn = Callable[[Client, User], str]
VERSIONS = pytest.mark.parametrize("version", [1, 2])
LISTED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture
def salt(session: Session) -> Master:
    """A master whose first share is listed at 31 USDC."""
    artist = factories.artist(session, "Ines Okoro-Vale")
    artist.social_links = {"web": "https://example.org/ines"}
    master = factories.master(session, artist, title="Salt on the Wire")
    master.status, master.ipo.status = MasterStatus.LIVE, IpoStatus.LIVE
    mirror = Mirror(session, master)
    mirror.mint(address(), 2)
    share = mirror.tokens[1]
    share.listing_status, share.listed_at = NftListingStatus.LISTED, LISTED
    share.listing_price_wei, share.listing_currency = 31_000_000, "USDC"
    session.commit()
    return master


@VERSIONS
def test_artist(client: Client, salt: Master, version: int) -> None:
    answer = client.get(f"/api/v{version}/artists/ines-okoro-vale")
    assert masked(answer.json) == frozen(CONTRACTS, "artist")


@VERSIONS
def test_master(client: Client, salt: Master, version: int) -> None:
    answer = client.get(f"/api/v{version}/masters/{salt.id}")
    assert masked(answer.json) == frozen(CONTRACTS, f"master_v{version}")


@VERSIONS
def test_marketplace(client: Client, salt: Master, version: int) -> None:
    answer = client.get(f"/api/v{version}/marketplace")
    assert masked(answer.json) == frozen(CONTRACTS, f"marketplace_v{version}")


@VERSIONS
def test_me(client: Client, session: Session, sign_in: SignIn, version: int) -> None:
    person = factories.person(session, "mina@example.org")
    sign_in(client, person)
    assert masked(client.get(f"/api/v{version}/me").json) == frozen(CONTRACTS, "me")


@VERSIONS
def test_subscriptions(client: Client, session: Session, sign_in: SignIn, version: int) -> None:
    person = factories.person(session)
    factories.unlimited(session, person)
    session.commit()
    sign_in(client, person)
    assert masked(client.get(f"/api/v{version}/me/subscriptions").json) == frozen(CONTRACTS, "subscriptions")


@VERSIONS
def test_users(client: Client, session: Session, sign_in: SignIn, version: int) -> None:
    admin = factories.person(session, "ada@example.org", roles=[UserRole.ADMIN])
    sign_in(client, admin)
    assert masked(client.get(f"/api/v{version}/admin/users").json) == frozen(CONTRACTS, "admin_users")


@VERSIONS
@pytest.mark.parametrize("path", ["/me", "/me/portfolio", "/me/subscriptions", "/admin/users"])
def test_a_visitor_signs_in_first(client: Client, path: str, version: int) -> None:
    assert client.get(f"/api/v{version}{path}").status_code == 401


@VERSIONS
def test_what_is_anothers_is_not_there(
    client: Client, session: Session, salt: Master, sign_in: SignIn, version: int
) -> None:
    sign_in(client, factories.person(session))
    assert client.get(f"/api/v{version}/masters/{salt.id}/analytics").status_code == 404
    assert client.get(f"/api/v{version}/admin/users").status_code == 403


OFFER = {"totalSupply": 100, "mintPrice": "25000000"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/masters/{master}/ipo", OFFER),
        ("POST", "/masters/{master}/confirm-rights", None),
        ("POST", "/artists/ines-okoro-vale/follow", None),
        ("DELETE", "/artists/ines-okoro-vale/follow", None),
    ],
)
def test_a_key_acts_once(
    client: Client, session: Session, sign_in: SignIn, method: str, path: str, body: dict[str, object] | None
) -> None:
    """The same key: the same answer; with another body: a 422."""
    artist = factories.artist(session, "Ines Okoro-Vale")
    address = "/api/v2" + path.format(master=factories.master(session, artist, rights=False).id)
    sign_in(client, artist.user)
    key = {"Idempotency-Key": "k1"}
    first, second = (client.open(address, method=method, json=body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code, first.json) == (200, 200, second.json)
    other = client.open(address, method=method, json=OFFER | {"totalSupply": 7}, headers=key)
    assert (other.status_code, other.json["errors"][0]["field"]) == (422, "Idempotency-Key")
