"""An offer's end: taken back, called off, closed, paid out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from eth_utils.address import to_checksum_address
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.artists.models import Artist
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.client import current
from portal.chain.sender import Call
from portal.chain.signer import Role, Signer
from portal.config import Settings
from portal.db import db, utcnow
from portal.errors import Conflict
from portal.indexer import service as indexer
from portal.masters import ending, launch
from portal.masters import onchain as contract
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterContract, MasterIpo
from portal.masters.onchain import Phase
from portal.masters.service import set_offer
from portal.outbox import OutboxJob
from tests import factories
from tests.chain_fixture import Chain
from tests.masters.test_minting import linked
from tests.onchain import as_worker

Work = Callable[[], int]


@pytest.fixture
def artist(live_app: Flask, contracts: Contracts, session: Session) -> Artist:
    made = factories.artist(session)
    linked(live_app, made.user_id, 0)
    return made


def launched(session: Session, artist: Artist, work: Work, **terms: Any) -> Master:
    master = factories.master(session, artist, **terms)
    launch.launch_ipo(artist.user_id, master.id)
    work()
    return master


def status(session: Session) -> IpoStatus:
    session.rollback()
    return session.scalars(sa.select(MasterIpo.status)).one()


def shares(session: Session) -> str:
    return session.scalars(sa.select(MasterContract.contract_address)).one()


def terms_on_chain(address: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = decode_result(
        "MasterShares", "terms", current().call(address, encode_call("MasterShares", "terms"))
    )[0]
    return found


def wake(session: Session) -> None:
    session.rollback()
    session.execute(sa.update(OutboxJob).values(not_before=None))
    session.commit()


def test_before_the_broadcast_it_is_a_draft_again_and_launches_anew(
    session: Session, artist: Artist, work: Work
) -> None:
    master = factories.master(session, artist)
    user_id, master_id = artist.user_id, master.id
    launch.launch_ipo(user_id, master_id)
    assert ending.cancel_offer(user_id, master_id).status is IpoStatus.DRAFT
    assert work() == 0
    launch.launch_ipo(user_id, master_id)
    work()
    assert status(session) is IpoStatus.LIVE


def test_a_draft_is_cancelled_and_reopened(session: Session, artist: Artist) -> None:
    master = factories.master(session, artist)
    user_id, master_id = artist.user_id, master.id
    assert ending.cancel_offer(user_id, master_id).status is IpoStatus.CANCELLED
    assert ending.reopen_offer(user_id, master_id).status is IpoStatus.DRAFT


def test_a_live_offer_is_called_off_on_the_chain(session: Session, artist: Artist, work: Work, onchain: Node) -> None:
    master = launched(session, artist, work)
    ending.cancel_offer(artist.user_id, master.id)
    work()
    assert status(session) is IpoStatus.CANCELLED
    assert contract.phase(shares(session)) is Phase.CANCELLED
    with pytest.raises(Conflict, match="draft"):
        ending.reopen_offer(artist.user_id, master.id)


def test_it_is_closed_once_that_is_final(session: Session, artist: Artist, work: Work, chain: Chain) -> None:
    master = launched(session, artist, work)
    chain.w3.provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
    ending.close_offer(artist.user_id, master.id)
    work()
    assert contract.phase(shares(session)) is Phase.CLOSED
    chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
    wake(session)
    work()
    assert status(session) is IpoStatus.CLOSED


def test_the_chains_clock_ends_it(session: Session, artist: Artist, work: Work, chain: Chain) -> None:
    clock = chain.w3.eth.get_block("pending")["timestamp"]
    end = max(int(utcnow().timestamp()), clock) + 3600
    launched(session, artist, work, ends_at=contract.moment(end))
    assert status(session) is IpoStatus.LIVE
    chain.w3.provider.make_request("evm_increaseTime", [end - clock + 100])  # type: ignore[arg-type]
    wake(session)
    work()
    assert status(session) is IpoStatus.CLOSED


@pytest.mark.parametrize(
    ("function", "opens_in", "becomes"),
    [
        ("cancel", 0, IpoStatus.CANCELLED),
        ("close", 9_000_000, IpoStatus.CLOSED),
        pytest.param("close", 0, IpoStatus.CLOSED, marks=pytest.mark.slow),
    ],
)
def test_what_the_artists_own_wallet_ends_on_the_chain_is_over_here_once_that_is_final(
    live_app: Flask, session: Session, artist: Artist, work: Work, chain: Chain,
    function: str, opens_in: int, becomes: IpoStatus,
) -> None:  # fmt: skip
    opens = contract.moment(int(utcnow().timestamp()) + opens_in) if opens_in else None
    launched(session, artist, work, starts_at=opens)
    before = status(session)
    with as_worker(live_app):
        indexer.catch_up()
        call = Call(shares(session), encode_call("MasterShares", function))
        sender.send("by hand", call, signers.of_dev_account(1))
        following.wait("by hand")
        indexer.catch_up()
        work()
        assert status(session) is before
        chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
        indexer.catch_up()
    work()
    assert status(session) is becomes


def test_a_deployment_that_was_prepared_before_the_offer_changed_is_not_sent(
    session: Session, artist: Artist, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = factories.master(session, artist, mint_price=25_000_000)
    user_id, master_id, prepare = artist.user_id, master.id, contract.creation

    def changed_meanwhile(ipo_id: uuid.UUID, settings: Settings) -> Call:
        call = prepare(ipo_id, settings)
        monkeypatch.setattr(contract, "creation", prepare)
        ending.cancel_offer(user_id, master_id)
        set_offer(user_id, master_id, factories.terms(mint_price=99_000_000), None, settings)
        launch.launch_ipo(user_id, master_id)
        return call

    monkeypatch.setattr(contract, "creation", changed_meanwhile)
    launch.launch_ipo(user_id, master_id)
    work()
    price = session.scalar(sa.text("SELECT mint_price_wei FROM master_ipos"))
    assert price == 99_000_000
    assert terms_on_chain(shares(session))[2] == 99_000_000


def test_a_wish_to_cancel_does_not_outlive_the_launch_that_it_was_for(
    live_app: Flask, session: Session, artist: Artist, work: Work, onchain: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first deployment fails after its artist asked to call it off; the second launch is called off in its turn."""
    user_id, master_id = artist.user_id, factories.master(session, artist).id
    launch.launch_ipo(user_id, master_id)
    monkeypatch.setattr(faults, "ARMED", "send-signed:raise")
    with pytest.raises(AssertionError, match="Fault"):
        work()
    monkeypatch.setattr(faults, "ARMED", "")
    use_nonce(onchain, signers.of_role(live_app.config["SETTINGS"], Role.OPERATOR))
    ending.cancel_offer(user_id, master_id)
    wake(session)
    with pytest.raises(AssertionError, match="nonce was used"):
        work()
    work()
    assert ending.cancel_offer(user_id, master_id).status is IpoStatus.DRAFT
    launch.launch_ipo(user_id, master_id)
    wake(session)
    work()
    assert status(session) is IpoStatus.LIVE
    ending.cancel_offer(user_id, master_id)
    work()
    assert status(session) is IpoStatus.CANCELLED


def use_nonce(node: Node, signer: Signer) -> None:
    """The account's next transaction, sent past the portal."""
    fees, nonce = node.fees(), node.nonce(signer.address)
    to = to_checksum_address(signer.address)
    fields = {"type": 2, "chainId": node.chain_id, "nonce": nonce, "to": to, "value": 0, "data": "0x", "gas": 21_000}
    raw, _ = signer.sign_transaction(fields | {"maxFeePerGas": fees.most, "maxPriorityFeePerGas": fees.tip})
    node.send_raw(raw)


def test_strangers_and_late_wishes_are_refused(session: Session, artist: Artist, work: Work) -> None:
    from portal.errors import NotFound

    master = launched(session, artist, work)
    stranger = factories.artist(session)
    with pytest.raises(NotFound):
        ending.cancel_offer(stranger.user_id, master.id)
    with pytest.raises(Conflict):
        ending.withdraw_proceeds(artist.user_id, master.id)
    assert db.session().get_one(Master, master.id).ipo is not None
