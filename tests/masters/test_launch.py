"""From a draft to shares in a wallet, on a real chain."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.service import link_wallet
from portal.artists.models import Artist
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.models import ChainTransaction
from portal.db import db, transaction, utcnow
from portal.errors import Conflict
from portal.indexer import loop
from portal.masters import ending, jobs, launch, minting
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterContract, MasterIpo
from portal.outbox import OutboxJob
from tests import factories
from tests.conftest import Client
from tests.onchain import as_worker

Work = Callable[[], int]


@pytest.fixture
def artist(live_app: Flask, contracts: Contracts, session: Session) -> Artist:
    """A verified artist with the first demo wallet linked."""
    made = factories.artist(session)
    with transaction() as inner:
        link_wallet(inner, made.user_id, demo_wallet(live_app, 0), chain_id(live_app), "Demo wallet 1")
    return made


def demo_wallet(app: Flask, index: int) -> str:
    return list(signers.demo_signers(app.config["SETTINGS"]))[index]


def chain_id(app: Flask) -> str:
    return str(app.config["SETTINGS"].chain_id)


def launched(session: Session, artist: Artist, work: Work, **terms: Any) -> Master:
    master = factories.master(session, artist, **terms)
    launch.launch_ipo(artist.user_id, master.id)
    work()
    return db.session().get_one(Master, master.id)


def test_a_launch_ends_with_contracts_on_the_chain(session: Session, artist: Artist, work: Work, onchain: Node) -> None:
    master = launched(session, artist, work)
    assert master.status is MasterStatus.LIVE
    assert master.ipo is not None
    assert master.ipo.status is IpoStatus.LIVE
    contract = master.contracts[0].contract_address
    answer = onchain.call(contract, encode_call("MasterShares", "terms"))
    terms = decode_result("MasterShares", "terms", answer)[0]
    assert (terms[2], terms[3]) == (25_000_000, 1000)


def test_contracts_that_stand_though_our_records_of_them_were_lost_are_found(
    live_app: Flask, session: Session, artist: Artist, work: Work
) -> None:
    """As after a database was restored from before the deployment."""
    master_id = launched(session, artist, work).id
    with as_worker(live_app):
        loop.catch_up()
    made = session.scalars(sa.select(MasterContract)).one()
    told = made.contract_address, made.deployment_tx_hash, made.deployed_at_block, made.deployed_at
    for lost in ("dividend_contracts", "master_contracts", "chain_transactions WHERE purpose LIKE 'deploy:%'"):
        session.execute(sa.text(f"DELETE FROM {lost}"))
    session.execute(sa.text("UPDATE master_ipos SET status = 'scheduled'"))
    session.execute(sa.text("UPDATE outbox SET done_at = NULL WHERE job = 'deploy_contract'"))
    session.commit()
    work()
    found = session.scalars(sa.select(MasterContract).where(MasterContract.master_id == master_id)).one()
    assert (found.contract_address, found.deployment_tx_hash, found.deployed_at_block, found.deployed_at) == told
    assert session.scalars(sa.select(MasterIpo.status)).one() is IpoStatus.LIVE


def test_of_two_launches_one_wins(live_app: Flask, session: Session, artist: Artist) -> None:
    master = factories.master(session, artist)
    outcomes: list[str] = []

    def go() -> None:
        with live_app.app_context():
            try:
                outcomes.append(launch.launch_ipo(artist.user_id, master.id).status.value)
            except Conflict:
                outcomes.append("conflict")

    user_id = artist.user_id
    assert user_id
    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "scheduled"]
    assert (
        session.scalar(sa.select(sa.func.count()).select_from(OutboxJob).where(OutboxJob.job == "deploy_contract")) == 1
    )


def test_shares_that_may_not_be_sold_are_kept_off_the_market(
    session: Session, artist: Artist, work: Work, onchain: Node, contracts: Contracts
) -> None:
    for allowed in (True, False):
        master = launched(session, artist, work, allow_resale=allowed)
        asked = encode_call("Factory", "isCollection", (master.contracts[0].contract_address,))
        assert decode_result("Factory", "isCollection", onchain.call(contracts.factory, asked)) == (allowed,)


def test_unverified_artists_wait_for_staff(live_app: Flask, session: Session, artist: Artist, work: Work) -> None:
    session.execute(sa.update(Artist).values(is_verified=False))
    session.commit()
    master = factories.master(session, artist)
    assert launch.launch_ipo(artist.user_id, master.id).status is IpoStatus.DRAFT
    assert work() == 0
    launch.approve_master(master.id)
    work()
    assert session.scalar(sa.select(MasterIpo.status)) is IpoStatus.LIVE


def test_an_end_that_passes_on_the_way_keeps_the_contracts_off_the_chain(
    live_app: Flask, session: Session, artist: Artist
) -> None:
    """While staff has not decided, and after the launch, before the deployment is signed."""
    session.execute(sa.update(Artist).values(is_verified=False))
    session.commit()
    user_id, master_id = artist.user_id, factories.master(session, artist).id
    launch.launch_ipo(user_id, master_id)
    past, ahead = utcnow() - dt.timedelta(seconds=1), utcnow() + dt.timedelta(days=90)
    _set_end(session, past)
    with pytest.raises(Conflict, match=r"over already.*Send it back"):
        launch.approve_master(master_id)
    _set_end(session, ahead)
    launch.approve_master(master_id)
    _set_end(session, past)
    offer = session.scalars(sa.select(MasterIpo.id)).one()
    session.rollback()
    with as_worker(live_app):
        jobs.deploy_contract(str(offer))
    assert session.scalar(sa.select(ChainTransaction.id).where(ChainTransaction.purpose.like("deploy:%"))) is None
    assert "over already" in (session.scalar(sa.select(OutboxJob.last_error)) or "")
    assert ending.cancel_offer(user_id, master_id).status is IpoStatus.DRAFT


def _set_end(session: Session, at: dt.datetime) -> None:
    session.rollback()
    session.execute(sa.update(MasterIpo).values(scheduled_end_at=at))
    session.commit()


def test_a_demo_wallet_buys_on_the_chain(
    live_app: Flask, session: Session, artist: Artist, work: Work, onchain: Node
) -> None:
    master = launched(session, artist, work, person_cap=3)
    fan = factories.person(session)
    wallet = demo_wallet(live_app, 1)
    with transaction() as inner:
        link_wallet(inner, fan.id, wallet, chain_id(live_app), "Demo wallet 2")
    minting.request_mint(fan.id, master.id, wallet, 2)
    work()
    contract = session.scalars(sa.select(MasterContract.contract_address)).one()
    answer = onchain.call(contract, encode_call("MasterShares", "balanceOf", (wallet,)))
    assert decode_result("MasterShares", "balanceOf", answer) == (2,)


def test_the_cap_counts_the_person(live_app: Flask, session: Session, artist: Artist, work: Work) -> None:
    master = launched(session, artist, work, person_cap=1)
    with pytest.raises(Conflict, match="you may buy 1 more"):
        minting.request_mint(artist.user_id, master.id, demo_wallet(live_app, 0), 2)


def test_launch_over_http(
    live_app: Flask, client: Client, session: Session, artist: Artist, sign_in: Callable[..., Any]
) -> None:
    master = factories.master(session, artist, rights=False)
    sign_in(client, artist.user)
    path = f"/api/v2/masters/{master.id}"
    assert client.post(f"{path}/ipo/launch").status_code == 409
    assert client.post(f"{path}/confirm-rights").status_code == 200
    answer = client.post(f"{path}/ipo/launch")
    assert (answer.status_code, answer.json["status"]) == (202, "scheduled")
    assert client.post(f"{path}/ipo/launch").status_code == 409
