"""An artist's coin: named, made once with the first launch, and its first buyers paid once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import Session

from portal import faults, outbox
from portal.accounts.service import link_wallet
from portal.artists.models import Artist
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.models import ChainTransaction
from portal.chain.sender import Call
from portal.chain.signer import Role, of_role
from portal.db import db, transaction, utcnow
from portal.errors import Conflict, Invalid, Waiting
from portal.indexer import service as indexer
from portal.masters import ending, launch, minting
from portal.masters import onchain as masters_onchain
from portal.masters.jobs import close_ipo
from portal.masters.models import Master
from portal.outbox import OutboxJob
from portal.tokens import jobs, queries, service, wording
from portal.tokens.models import ArtistToken, CoinPlan
from tests import factories
from tests.chain_fixture import Chain
from tests.conftest import Client
from tests.onchain import as_worker

Work = Callable[[], int]
UNIT = 10**18


@pytest.fixture
def artist(live_app: Flask, contracts: Contracts, session: Session) -> Artist:
    made = factories.artist(session, "Inès Okoro-Vale")
    _link(live_app, made.user_id, 0)
    return made


def _wallet(app: Flask, index: int) -> str:
    return list(signers.demo_signers(app.config["SETTINGS"]))[index]


def _link(app: Flask, user_id: Any, index: int) -> None:
    with transaction() as inner:
        link_wallet(inner, user_id, _wallet(app, index), str(app.config["SETTINGS"].chain_id), f"Wallet {index}")


def _launched(session: Session, artist: Artist, work: Work, **terms: Any) -> Master:
    master = factories.master(session, artist, **terms)
    launch.launch_ipo(artist.user_id, master.id)
    work()
    return db.session().get_one(Master, master.id)


def _offer(master: Master) -> tuple[uuid.UUID, uuid.UUID]:
    """Ids of the offer and its master."""
    assert master.ipo is not None
    return master.ipo.id, master.id


def _balance(node: Node, coin: str, wallet: str) -> int:
    answer = node.call(coin, encode_call("ArtistCoin", "balanceOf", (wallet,)))
    return int(decode_result("ArtistCoin", "balanceOf", answer)[0])


def _coin(session: Session) -> ArtistToken:
    session.rollback()
    return session.scalars(sa.select(ArtistToken)).one()


def test_the_first_launch_makes_the_coin_with_its_parts_and_a_second_one_none(
    live_app: Flask, session: Session, artist: Artist, work: Work, onchain: Node
) -> None:
    _launched(session, artist, work)
    coin = _coin(session)
    assert (coin.name, coin.symbol, coin.total_supply) == ("Inès Okoro-Vale", "INESO", 1_000_000 * UNIT)
    kept = signers.of_role(live_app.config["SETTINGS"], signers.Role.TREASURY).address
    held = [_balance(onchain, coin.contract_address, who) // UNIT for who in (_wallet(live_app, 0), kept)]
    assert held == [300_000, 700_000]
    _launched(session, artist, work)
    assert _coin(session).id == coin.id


@pytest.mark.walk
def test_a_coin_that_stands_though_our_records_of_it_were_lost_is_found(
    live_app: Flask, session: Session, artist: Artist, work: Work
) -> None:
    """As after a database was restored from before it was made; one that is called otherwise is not taken."""
    _launched(session, artist, work)
    made = _coin(session)
    told = made.contract_address, made.deployment_tx_hash, made.deployed_at_block, made.deployed_at, made.total_supply
    for lost in ("artist_tokens", "chain_transactions WHERE purpose LIKE 'coin:%'"):
        session.execute(sa.text(f"DELETE FROM {lost}"))
    session.execute(sa.text("UPDATE outbox SET done_at = NULL WHERE job = 'deploy_coin'"))
    session.execute(sa.text("UPDATE coin_plans SET symbol = 'OTHER'"))
    session.commit()
    with pytest.raises(AssertionError, match="called otherwise"):
        work()
    session.execute(sa.text("UPDATE coin_plans SET symbol = 'INESO'"))
    session.execute(sa.text("UPDATE outbox SET failed_at = NULL WHERE job = 'deploy_coin'"))
    session.commit()
    work()
    found = _coin(session)
    assert told == (
        found.contract_address, found.deployment_tx_hash, found.deployed_at_block, found.deployed_at, found.total_supply
    )  # fmt: skip


POINTS = ("coin-planned", "coin-prepared", "send-signed", "send-broadcast", "coin-sent", "coin-recorded")


@pytest.mark.walk
def test_dying_anywhere_makes_one_coin(
    live_app: Flask, session: Session, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, point in enumerate(POINTS):
        artist = factories.artist(session)
        _link(live_app, artist.user_id, number)
        offer = factories.master(session, artist).ipo
        assert offer is not None
        ipo_id, artist_id = str(offer.id), artist.id
        with as_worker(live_app):
            monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
            with pytest.raises(faults.Fault):
                jobs.deploy_coin(ipo_id)
            monkeypatch.setattr(faults, "ARMED", "")
            for _ in range(2):
                jobs.deploy_coin(ipo_id)
        session.rollback()
        assert queries.coin_of(session, artist_id, "31337") is not None
    sent = sa.select(sa.func.count()).where(ChainTransaction.purpose.startswith("coin:"))
    assert session.scalar(sent) == len(POINTS)


def test_first_buyers_are_paid_once_for_each_share_when_the_offer_is_closed(
    live_app: Flask, session: Session, artist: Artist, work: Work, onchain: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ipo_id, master_id = _offer(_launched(session, artist, work, total_supply=10))
    shares = {_wallet(live_app, 1): 3, _wallet(live_app, 2): 1}
    _minted(session, master_id, shares)
    with as_worker(live_app):
        ending.record_close(ipo_id, masters_onchain.clock())
        monkeypatch.setattr(jobs, "BATCH", 1)
        monkeypatch.setattr(faults, "ARMED", "coin-shares-paid:raise")
        with pytest.raises(faults.Fault):
            jobs.share_coins(str(ipo_id))
        monkeypatch.setattr(faults, "ARMED", "")
    work()
    with as_worker(live_app):
        jobs.share_coins(str(ipo_id))
    coin = _coin(session)
    got = {wallet: _balance(onchain, coin.contract_address, wallet) // UNIT for wallet in shares}
    assert got == {_wallet(live_app, 1): 60_000, _wallet(live_app, 2): 20_000}
    shown = wording.shown(session, artist.id, live_app.config["SETTINGS"])
    assert shown is not None
    assert (shown["paid"], shown["to_pay"]) == (2, 2)


def test_buyers_that_are_not_indexed_yet_are_waited_for_and_a_failed_payment_is_made_anew(
    live_app: Flask, session: Session, artist: Artist, work: Work, onchain: Node, contracts: Contracts, chain: Chain
) -> None:
    fan = factories.person(session)
    _link(live_app, fan.id, 1)
    clock = chain.w3.eth.get_block("pending")["timestamp"]
    ends = max(utcnow(), masters_onchain.moment(clock)) + dt.timedelta(hours=1)
    ipo_id, master_id = _offer(_launched(session, artist, work, total_supply=10, ends_at=ends))
    minting.request_mint(fan.id, master_id, _wallet(live_app, 1), 2)
    work()
    late = int(ends.timestamp()) - clock + 60
    chain.w3.provider.make_request("evm_increaseTime", [late])  # type: ignore[arg-type]
    with as_worker(live_app):
        close_ipo(str(ipo_id))
        with pytest.raises(Waiting, match="not final"):
            jobs.share_coins(str(ipo_id))
        chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
        indexer.catch_up()
        coin, treasury = _coin(session), of_role(live_app.config["SETTINGS"], Role.TREASURY)
        payment, address = jobs.payment(coin.id, _wallet(live_app, 1)), coin.contract_address
        sender.send(payment, Call(address, "0x", gas=60_000), treasury)
        following.follow()
        chain.w3.provider.make_request("hardhat_mine", [5])  # type: ignore[arg-type]
        jobs.share_coins(str(ipo_id))
    assert _balance(onchain, address, _wallet(live_app, 1)) == 40_000 * UNIT


def test_where_the_first_offer_was_called_off_the_next_ones_buyers_get_it(
    live_app: Flask, session: Session, artist: Artist, work: Work
) -> None:
    one, _first = _offer(_launched(session, artist, work, total_supply=10))
    other, second = _offer(_launched(session, artist, work, total_supply=10))
    _minted(session, second, {_wallet(live_app, 1): 1})
    with as_worker(live_app):
        ending.record_close(other, masters_onchain.clock())
        assert service.payout(other, live_app.config["SETTINGS"]) is None
        ending.record_cancel(one, masters_onchain.clock())
        found = service.payout(other, live_app.config["SETTINGS"])
    assert found is not None
    assert [share.amount for share in found.shares] == [20_000 * UNIT]


def test_buyers_wait_for_a_coin_that_is_not_made_yet(live_app: Flask, session: Session, artist: Artist) -> None:
    offer = factories.master(session, artist).ipo
    assert offer
    ipo_id = offer.id
    with as_worker(live_app):
        with transaction() as inner:
            service.fix_plan(inner, queries.offer(inner, ipo_id), live_app.config["SETTINGS"])
        with transaction() as inner:
            launch.move_ipo(inner, launch.locked_ipo(inner, ipo_id), launch.IpoStatus.CLOSED)
        with pytest.raises(Waiting, match="not made yet"):
            service.payout(ipo_id, live_app.config["SETTINGS"])


def _minted(session: Session, master_id: Any, shares: dict[str, int]) -> None:
    """Rows as the indexer writes them."""
    contract = db.session().get_one(Master, master_id).contracts[0]
    number = 0
    for wallet, count in shares.items():
        for _ in range(count):
            number += 1
            session.execute(
                sa.text(
                    "INSERT INTO master_nfts (id, master_id, master_contract_id, token_id, chain_id, contract_address,"
                    " current_owner_wallet, original_minter_wallet) VALUES (gen_random_uuid(), :m, :c, :n, :chain, :a,"
                    " :w, :w)"
                ),
                {"m": master_id, "c": contract.id, "n": number, "chain": contract.chain_id,
                 "a": contract.contract_address, "w": wallet},
            )  # fmt: skip
    session.commit()


# --- without a chain --------------------------------------------------------------------------------------


def test_names_and_symbols(session: Session, app: Flask) -> None:
    settings = app.config["SETTINGS"]
    one, other = factories.artist(session, "Ane Brun"), factories.artist(session, "Ane Brunel")
    assert service.suggested(session, one) == ("Ane Brun", "ANEBR")
    service.name_coin(one.user_id, "Brun", "ANEBR", settings)
    assert service.suggested(session, other)[1] == "ANEBR2"
    for symbol in ("anebr", "1AB", "A", "USDC", "ANEBR", "ABCDEFGHIJKL"):
        with pytest.raises(Invalid):
            service.name_coin(other.user_id, "Brunel", symbol, settings)
    service.name_coin(one.user_id, "Brun", "BRUN", settings)
    plan = session.scalars(sa.select(CoinPlan)).one()
    assert (plan.symbol, plan.artist_bps + plan.participants_bps) == ("BRUN", 5000)


@pytest.mark.parametrize(("name", "symbol"), [("音楽", "COIN"), ("4 Hero", "HERO"), ("Eth", "ETH2"), ("Ü", "COIN")])
def test_every_artist_gets_a_symbol(session: Session, app: Flask, name: str, symbol: str) -> None:
    assert service.suggested(session, factories.artist(session, name))[1] == symbol


def test_once_it_is_made_the_name_stands(session: Session, app: Flask) -> None:
    artist = factories.artist(session)
    ipo = factories.master(session, artist).ipo
    assert ipo
    with transaction() as inner:
        service.fix_plan(inner, queries.offer(inner, ipo.id), app.config["SETTINGS"])
    with pytest.raises(Conflict, match="cannot change"):
        service.name_coin(artist.user_id, "Other", "OTHER", app.config["SETTINGS"])


def test_pages_and_api_tell_of_it(
    session: Session, client: Client, app: Flask, sign_in: Callable[..., Any]
) -> None:
    artist = factories.artist(session, "Ane Brun")
    slug, path, user, artist_id = artist.slug, f"/api/v2/artists/{artist.slug}/coin", artist.user, artist.id
    assert client.get(path).status_code == 404
    sign_in(client, user)
    form = {"name": "Brun", "symbol": "usd"}
    assert "People know other money" in client.post("/studio/coin", data=form).text
    assert client.post("/studio/coin", data=form | {"symbol": "brun"}).status_code == 303
    assert "Made with the first launch" in client.get("/studio/coin").text
    assert "BRUN" not in client.get(f"/artists/{slug}").text
    contract = _row(db.session(), db.session().get_one(Artist, artist_id)).contract_address
    answer = client.get(path).json
    assert (answer["symbol"], answer["allocation"]["participantsBps"]) == ("BRUN", 2000)
    page = client.get(f"/artists/{slug}").text
    assert "300,000" in page
    assert contract[:6] in page


def test_holders_come_in_parts_and_each_once(session: Session, client: Client, app: Flask) -> None:
    coin = _row(session, factories.artist(session))
    for number in range(5):
        session.execute(
            sa.text(
                "INSERT INTO token_holders (id, artist_token_id, wallet_address, chain_id, balance)"
                " VALUES (gen_random_uuid(), :coin, :wallet, '31337', :balance)"
            ),
            {"coin": coin.id, "wallet": "0x" + f"{number}" * 40, "balance": 7 if number < 4 else 0},
        )
    session.commit()
    path, seen = f"/api/v2/coins/{coin.id}/holders?limit=3", list[str]()
    answer = client.get(path).json
    seen += [row["wallet"] for row in answer["data"]]
    answer = client.get(f"{path}&after={answer['page']['next']}").json
    seen += [row["wallet"] for row in answer["data"]]
    assert seen == ["0x" + f"{number}" * 40 for number in range(4)]
    assert answer["page"]["next"] is None
    assert client.get(f"{path}&after=nonsense").status_code == 400


def _row(session: Session, artist: Artist) -> ArtistToken:
    if queries.plan_of(session, artist.id) is None:
        service.name_coin(artist.user_id, "Coin", f"C{artist.id.hex[:6].upper()}", current_app.config["SETTINGS"])
    made = service.CoinMade("31337", "0x" + artist.id.hex[:32] + "ab" * 4, 10**24, "0x" + "cd" * 32, 7, utcnow())
    service.record_coin(artist.id, made)
    return session.scalars(sa.select(ArtistToken).where(ArtistToken.artist_id == artist.id)).one()


def test_a_failed_coin_is_told_and_tried_again(
    live_app: Flask, session: Session, artist: Artist, client: Client, sign_in: Callable[..., Any], work: Work
) -> None:
    user = artist.user
    session.execute(sa.text("DELETE FROM user_wallets"))
    session.commit()
    ipo = factories.master(session, artist).ipo
    assert ipo
    name = launch.coin_job(artist.id)
    with transaction() as inner:
        outbox.add(inner, "deploy_coin", {"ipo_id": str(ipo.id)}, dedupe=name)
    with pytest.raises(AssertionError, match="no wallet on this chain"):
        work()
    sign_in(client, user)
    assert "no wallet on this chain" in client.get("/studio/coin").text
    _link(live_app, user.id, 0)
    assert client.post("/studio/coin/retry").status_code == 303
    work()
    db.session.rollback()
    assert db.session.scalar(sa.select(OutboxJob.failed_at).where(OutboxJob.dedupe == name)) is None
    assert "1,000,000" in client.get("/studio/coin").text
