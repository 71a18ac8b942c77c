"""Claims: intents for one's own wallets, and demo wallets that are paid once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.service import link_wallet
from portal.chain.abi import encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.db import db
from portal.errors import Conflict, Invalid
from portal.masters import queries as masters
from portal.masters.models import Master
from portal.revenue import claims
from portal.revenue.claims import Stage
from portal.revenue.models import WalletDividendBalance
from tests import factories
from tests.conftest import Client
from tests.onchain import as_worker, contracts, onchain, work  # noqa: F401  (fixtures)
from tests.revenue.helpers import CHAIN, finance, report
from tests.revenue.onchain import DEMO, Recording, ask, deploy, mint, wallet

FAN = DEMO + 1
OTHERS = "0x" + "0b" * 20
Work = Callable[[], int]


def linked(session: Session, address: str) -> User:
    fan = factories.person(session)
    link_wallet(session, fan.id, address, CHAIN, "Fan")
    session.commit()
    return fan


def owed(app: Flask, master: Master, address: str, amount: int, currency: str = "USDC") -> None:
    """What the indexer would write."""
    with as_worker(app):
        session = db.session()
        contract = masters.dividend_contract_of(session, master.id, CHAIN)
        assert contract is not None
        session.add(
            WalletDividendBalance(
                wallet_address=address,
                master_id=master.id,
                dividend_contract_id=contract.id,
                chain_id=CHAIN,
                currency=currency,
                total_earned=amount,
                claimable_amount=amount,
            )
        )
        session.commit()


@pytest.fixture
def recording(
    live_app: Flask,
    session: Session,
    contracts: Contracts,  # noqa: F811
    work: Work,  # noqa: F811
) -> Recording:
    """Ten shares, three held by a fan, and 50 USDC shared out among them."""
    from portal.revenue.service import record_revenue

    found = deploy(live_app, session, contracts)
    mint(live_app, found, FAN, 3)
    record_revenue(finance(session).id, found.master.id, report("100"), live_app.config["SETTINGS"])
    work()
    owed(live_app, found.master, wallet(FAN), 15_000_000)
    return found


def test_one_of_twenty_clicks_claims(
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    onchain: Node,  # noqa: F811
    work: Work,  # noqa: F811
) -> None:
    fan = linked(session, wallet(FAN))

    def click(_number: int) -> str:
        with live_app.app_context():
            try:
                return claims.request_claim(fan.id, wallet(FAN), int(CHAIN))
            except Conflict as error:
                return error.code
            finally:
                db.session.remove()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(click, range(20)))
    (name,) = set(answers) - {"conflict"}
    assert answers.count("conflict") == 19
    requested = claims.progress(session, fan.id, name)
    assert requested is not None
    assert requested.stage is Stage.REQUESTED
    work()
    session.rollback()
    done = claims.progress(session, fan.id, name)
    assert done is not None
    assert done.stage in (Stage.SEEN, Stage.CONFIRMED, Stage.FINAL)
    assert ask(onchain, contracts.stablecoin, "Stablecoin", "balanceOf", wallet(FAN)) == (15_000_000,)
    assert claims.progress(session, uuid.uuid4(), name) is None


def test_a_claim_that_failed_is_asked_for_anew(
    live_app: Flask,
    session: Session,
    recording: Recording,
    work: Work,  # noqa: F811
) -> None:
    fan = linked(session, wallet(FAN + 1))
    owed(live_app, recording.master, wallet(FAN + 1), 5)
    name = claims.request_claim(fan.id, wallet(FAN + 1), int(CHAIN))
    work()
    session.rollback()
    failed = claims.progress(session, fan.id, name)
    assert failed is not None
    assert failed.stage is Stage.FAILED
    assert claims.request_claim(fan.id, wallet(FAN + 1), int(CHAIN)) != name


def test_one_master_is_asked_itself_and_several_through_the_factory(
    client: Client,
    live_app: Flask,
    session: Session,
    recording: Recording,
    contracts: Contracts,  # noqa: F811
    sign_in: Callable[[Client, User], str],
) -> None:
    fan = linked(session, wallet(FAN))
    sign_in(client, fan)
    one = client.post("/api/v2/dividends/claim-intents", json={"wallet": wallet(FAN)}).json
    assert (one["to"], one["data"]) == (recording.dividends, encode_call("Dividends", "claimAll"))
    assert one["lines"] == [{"masterId": str(recording.master.id), "currency": "USDC", "amount": "15000000"}]
    second = deploy(live_app, db.session(), contracts)
    owed(live_app, second.master, wallet(FAN), 7)
    both = client.post("/api/v2/dividends/claim-intents", json={"wallet": wallet(FAN).upper().replace("X", "x")}).json
    assert (both["to"], both["value"], both["chainId"], both["leftOut"]) == (contracts.factory, "0", int(CHAIN), 0)
    paid = [recording.dividends, second.dividends]
    assert both["data"] == encode_call("Factory", "claimMany", (paid, wallet(FAN)))
    chosen = {"wallet": wallet(FAN), "masterIds": [str(second.master.id)]}
    assert client.post("/api/v2/dividends/claim-intents", json=chosen).json["to"] == second.dividends


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"wallet": OTHERS}, 422),
        ({"wallet": "0x12"}, 422),
        ({"wallet": wallet(FAN)}, 409),
        ({"wallet": wallet(FAN), "masterIds": ["x"]}, 422),
        ({"wallet": wallet(FAN), "masterIds": [7]}, 422),
        ({"wallet": wallet(FAN), "amount": "5"}, 422),
    ],
    ids=repr,
)
def test_intents_that_are_refused(
    client: Client, session: Session, sign_in: Callable[[Client, User], str], body: dict[str, object], status: int
) -> None:
    assert client.post("/api/v2/dividends/claim-intents", json=body).status_code == 401
    sign_in(client, linked(session, wallet(FAN)))
    assert client.post("/api/v2/dividends/claim-intents", json=body).status_code == status


def test_nobody_elses_wallet_is_claimed(session: Session) -> None:
    with pytest.raises(Invalid):
        claims.request_claim(factories.person(session).id, wallet(FAN), int(CHAIN))
