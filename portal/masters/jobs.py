"""Work on the chain for an offer: deploy its contracts, open and close it, and mint with a demo wallet."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from flask import current_app

from portal import faults, outbox
from portal.accounts import queries as account_queries
from portal.audit.service import log_system_event
from portal.chain import bootstrap, following, sender
from portal.chain import signer as signers
from portal.chain.abi import NATIVE, decode_log, encode_call, record_key
from portal.chain.client import Receipt, Reverted, current
from portal.chain.sender import Call
from portal.chain.signer import Role, Signer
from portal.config import Settings
from portal.db import db, transaction
from portal.errors import Conflict
from portal.masters import launch, minting, permits
from portal.masters.enums import IpoStatus
from portal.masters.launch import Deployment
from portal.masters.minting import Purchase
from portal.masters.models import MasterIpo
from portal.money import MAX_UNITS
from portal.queue import job


@job("deploy_contract")
def deploy_contract(ipo_id: str) -> None:
    """Put a scheduled offer's contracts on the chain and record them. May run twice, and stop anywhere."""
    offer = uuid.UUID(ipo_id)
    ipo = db.session().get_one(MasterIpo, offer)
    if ipo.status is not IpoStatus.SCHEDULED:
        return
    call = _creation(ipo)
    db.session.rollback()
    faults.point("deploy-prepared")
    purpose = launch.deployment_job(offer)
    try:
        sender.send(purpose, call, signers.of_role(_settings(), Role.OPERATOR))
        receipt = following.wait(purpose)
    except Reverted as error:
        launch.note_failure(offer, error.reason or error.detail)
        return
    faults.point("deploy-sent")
    launch.record_deployment(offer, _deployment(receipt))


@job("start_ipo")
def start_ipo(ipo_id: str) -> None:
    launch.start_ipo(uuid.UUID(ipo_id))


@job("close_ipo")
def close_ipo(ipo_id: str) -> None:
    launch.close_ipo(uuid.UUID(ipo_id))


@job("mint_shares")
def mint_shares(name: str, user_id: str, master_id: str, wallet: str, quantity: int) -> None:
    """Pay and mint with a demo wallet; a refusal of the chain ends it, and nothing is paid."""
    signer = signers.demo_signers(_settings()).get(wallet)
    try:
        if signer is None:
            raise Conflict("This wallet signs for itself.")
        if sender.of_purpose(name) is None:
            wanted = minting.purchase(db.session(), uuid.UUID(user_id), uuid.UUID(master_id), wallet, quantity)
            _fund(name, wanted, signer)
            faults.point("mint-funded")
            sender.send(name, _mint(uuid.UUID(user_id), wanted), signer)
        following.wait(name)
    except Conflict as error:
        with transaction() as session:
            log_system_event(session, "mint_failed", "ipo", name, success=False, error=error.detail)
            session.execute(
                sa.update(outbox.OutboxJob)
                .where(outbox.OutboxJob.dedupe == name, outbox.OutboxJob.done_at.is_(None))
                .values(failed_at=sa.func.now(), last_error=error.detail, runner=None, leased_until=None)
            )


def _creation(ipo: MasterIpo) -> Call:
    """`Factory.createMaster` with the row's terms; the artist's primary wallet gets the proceeds."""
    master = ipo.master
    wallet = account_queries.wallets_of(db.session(), master.artist.user_id)[0].wallet_address
    known = bootstrap.contracts()
    terms = (
        wallet,
        NATIVE if ipo.mint_price_currency == "ETH" else known.stablecoin,
        ipo.mint_price_wei or 0,
        ipo.total_supply,
        _seconds(ipo.scheduled_start_at),
        _seconds(ipo.scheduled_end_at),
        ipo.secondary_royalty_bps,
        ipo.first_minter_bonus_bps or 0,
        ipo.second_minter_bonus_bps or 0,
        ipo.third_minter_bonus_bps or 0,
        _settings().primary_fee_bps,
        ipo.person_cap is not None,
    )
    base = f"{_settings().public_url}/metadata/{master.id}/"
    arguments = (record_key(master.id), terms, _fitting(master.title, 64), master.short_id.upper(), base[:160])
    return Call(known.factory, encode_call("Factory", "createMaster", arguments))


def _fitting(text: str, most: int) -> str:
    """The start of a text that takes at most `most` bytes as UTF-8."""
    return text.encode()[:most].decode(errors="ignore")


def _deployment(receipt: Receipt) -> Deployment:
    """What the factory's own event says; that event, not the sending, is the success."""
    factory = bootstrap.contracts().factory
    made = next(log for log in map(decode_log, receipt.logs) if log.name == "MasterCreated" and log.address == factory)
    block = current().block(receipt.block_number)
    at = dt.datetime.fromtimestamp(block.timestamp if block else 0, dt.UTC)
    values: dict[str, Any] = made.args
    return Deployment(
        str(_settings().chain_id), values["shares"], values["dividends"], receipt.tx_hash, receipt.block_number, at
    )


def _fund(name: str, wanted: Purchase, signer: Signer) -> None:
    """Coins from the development chain's faucet, and leave for the shares' contract to take them."""
    if wanted.currency == "ETH":
        return
    coin = bootstrap.contracts().stablecoin
    steps = {
        "faucet": encode_call("Stablecoin", "faucet", (signer.address, wanted.total)),
        "approve": encode_call("Stablecoin", "approve", (wanted.shares_address, MAX_UNITS)),
    }
    for step, data in steps.items():
        sender.send(f"{name}:{step}", Call(coin, data), signer)
        following.wait(f"{name}:{step}")


def _mint(user_id: uuid.UUID, wanted: Purchase) -> Call:
    value = wanted.total if wanted.currency == "ETH" else 0
    return Call(wanted.shares_address, permits.mint_data(user_id, wanted), value)


def _seconds(moment: dt.datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
