"""Work on the chain for an offer: deploy its contracts, open, close or cancel it, and mint with a demo wallet.

And, beside the chain, the recording that a master is about."""

from __future__ import annotations

import uuid
from contextlib import suppress
from functools import partial

from flask import current_app

from portal import faults, outbox
from portal.audit.service import log_system_event
from portal.chain import bootstrap, following, sender
from portal.chain import signer as signers
from portal.chain.abi import encode_call
from portal.chain.client import Reverted
from portal.chain.sender import Call, Guard
from portal.chain.signer import Role, Signer
from portal.config import Settings
from portal.db import db, transaction, utcnow
from portal.errors import Conflict
from portal.files import recordings as files
from portal.files.places import Unusable
from portal.masters import ending, launch, minting, onchain, permits, queries, recordings
from portal.masters.enums import IpoStatus
from portal.masters.launch import Deployment, TakenBack
from portal.masters.minting import Purchase
from portal.masters.models import MasterIpo
from portal.masters.onchain import Phase
from portal.money import MAX_UNITS
from portal.queue import job

LAPSED = "permit lapsed"
"""What the contract answers to a permit whose time is over."""


@job("deploy_contract")
def deploy_contract(ipo_id: str) -> None:
    """Put a scheduled offer's contracts on the chain and record them. May run twice, and stop anywhere."""
    offer, name = uuid.UUID(ipo_id), launch.deployment_job(uuid.UUID(ipo_id))
    try:
        version = launch.version_of(offer)
        call = onchain.creation(offer, _settings())
        db.session().rollback()
        faults.point("deploy-prepared")
        made = _made(name, call, partial(launch.must_be_scheduled, ipo_id=offer, version=version))
        faults.point("deploy-made")
        _keep_off_the_market(offer, made.shares)
    except TakenBack:
        return
    except Conflict as error:
        launch.note_failure(offer, name, _reason(error))
        return
    faults.point("deploy-sent")
    launch.record_deployment(offer, made)
    faults.point("deploy-recorded")


def _made(name: str, call: Call, guard: Guard) -> Deployment:
    """Success is what the chain says: the contracts may stand there though our row of sending them was lost."""
    try:
        _send_anew(name, call, guard)
        faults.point("deploy-asked")
        return onchain.deployment(name, following.wait(name))
    except Reverted as error:
        if error.reason != onchain.MADE_ALREADY:
            raise
        return onchain.standing(call)


def _keep_off_the_market(offer: uuid.UUID, shares: str) -> None:
    """New collections are traded from the start: one whose owners may not sell is taken off, before anything shows."""
    ipo = db.session().get_one(MasterIpo, offer, populate_existing=True)
    allowed = ipo.allow_secondary_resale
    db.session().rollback()
    if not allowed:
        factory, name = bootstrap.contracts().factory, launch.market_job(offer)
        _send_anew(name, Call(factory, encode_call("Factory", "setCollection", (shares, False))))
        faults.point("market-sent")
        following.wait(name)


@job("start_ipo")
def start_ipo(ipo_id: str) -> None:
    launch.start_ipo(uuid.UUID(ipo_id), onchain.clock())


@job("close_ipo")
def close_ipo(ipo_id: str) -> None:
    """End an offer that is past its end by the chain's clock, or whose contract is closed or cancelled for good: the
    artist's own wallet may have told it so."""
    offer = uuid.UUID(ipo_id)
    ipo = db.session().get_one(MasterIpo, offer, populate_existing=True)
    shares = _shares(ipo) if ipo.status in (IpoStatus.SCHEDULED, IpoStatus.LIVE) else None
    if shares is None:
        return
    ends_at = ipo.scheduled_end_at
    now, newest, final = onchain.clock(), onchain.phase(shares), onchain.phase(shares, "finalized")
    if final is Phase.CANCELLED:
        ending.record_cancel(offer, now)
    elif newest is Phase.CANCELLED:
        ending.follow_up("close_ipo", offer)
    elif (ends_at is not None and ends_at <= now) or final is Phase.CLOSED:
        ending.record_close(offer, now)
    elif newest is Phase.CLOSED or (ends_at is not None and ends_at <= utcnow()):
        ending.follow_up("close_ipo", offer)


@job("close_contract")
def close_contract(ipo_id: str) -> None:
    """End the sale on the chain; one that is over already stays as it is."""
    offer = uuid.UUID(ipo_id)
    shares = _live(offer)
    if shares is None:
        return
    with suppress(Reverted):
        _tell(offer, "close_contract", shares, "close")
    faults.point("close-sent")
    ending.follow_up("close_ipo", offer)


@job("cancel_contract")
def cancel_contract(ipo_id: str) -> None:
    """Stop the sale on the chain and open its refunds; a deployment under way is waited for."""
    offer = uuid.UUID(ipo_id)
    ipo = db.session().get_one(MasterIpo, offer, populate_existing=True)
    if ipo.status not in (IpoStatus.SCHEDULED, IpoStatus.LIVE):
        return
    shares = _shares(ipo)
    if shares is None:
        ending.follow_up("cancel_contract", offer)
        return
    try:
        _tell(offer, "cancel_contract", shares, "cancel")
    except Reverted as error:
        if onchain.phase(shares) is not Phase.CANCELLED:
            launch.note_failure(offer, ending.chain_job("cancel_contract", offer), _reason(error))
            return
    faults.point("cancel-sent")
    ending.record_cancel(offer, onchain.clock())


@job("pay_proceeds")
def pay_proceeds(ipo_id: str) -> None:
    """Pay a closed offer's money to its artist and the platform's fee to the treasury, as the contract splits it."""
    offer = uuid.UUID(ipo_id)
    shares = _shares(db.session().get_one(MasterIpo, offer, populate_existing=True))
    if shares is None:
        return
    try:
        _tell(offer, "pay_proceeds", shares, "withdrawProceeds")
    except Reverted as error:
        launch.note_failure(offer, ending.chain_job("pay_proceeds", offer), _reason(error))


@job("mint_shares")
def mint_shares(
    name: str, user_id: str, master_id: str, wallet: str, quantity: int, terms_version: str | None = None
) -> None:
    """Pay and mint with a demo wallet; a refusal of the chain ends it, and nothing is paid."""
    signer = signers.demo_signers(_settings()).get(wallet)
    try:
        if signer is None:
            raise Conflict("This wallet signs for itself.")
        if sender.of_purpose(name) is None:
            wanted = minting.purchase(db.session(), uuid.UUID(user_id), uuid.UUID(master_id), wallet, quantity)
            if wanted.terms_version != terms_version:
                raise Conflict("The terms of this offer have changed. Please read them again before you buy.")
            _fund(name, wanted, signer)
            faults.point("mint-funded")
            _send_mint(name, uuid.UUID(user_id), wanted, signer)
        following.wait(name)
    except Conflict as error:
        with transaction() as session:
            log_system_event(session, "mint_failed", "ipo", name, success=False, error=error.detail)
            outbox.give_up(session, name, error.detail)


# --- with the operator's key ------------------------------------------------------------------------------


def _tell(offer: uuid.UUID, act: str, shares: str, function: str) -> None:
    """Call a function of the shares' contract once and wait until it is seen. Raises Reverted."""
    name = ending.chain_job(act, offer)
    _send_anew(name, Call(shares, encode_call("MasterShares", function)))
    following.wait(name)


def _send_anew(purpose: str, call: Call, guard: Guard | None = None) -> None:
    """Send; a transaction of this purpose that failed before makes room for another try."""
    with transaction() as session:
        sender.retire(session, purpose)
    sender.send(purpose, call, signers.of_role(_settings(), Role.OPERATOR), guard)


def _live(offer: uuid.UUID) -> str | None:
    """The shares' contract of a live offer, else None."""
    ipo = db.session().get_one(MasterIpo, offer, populate_existing=True)
    return _shares(ipo) if ipo.status is IpoStatus.LIVE else None


def _shares(ipo: MasterIpo) -> str | None:
    contract = queries.contract_of(db.session(), ipo.master_id, str(_settings().chain_id))
    return contract.contract_address if contract else None


def _reason(error: Conflict) -> str:
    return error.reason or error.detail if isinstance(error, Reverted) else error.detail


# --- with a demo wallet's key -----------------------------------------------------------------------------


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


def _send_mint(name: str, user_id: uuid.UUID, wanted: Purchase, signer: Signer) -> None:
    """Where the chain's clock went on past the permit's end in the meantime, once more with a fresh permit."""
    try:
        sender.send(name, _mint(user_id, wanted), signer)
        following.wait(name)
    except Reverted as error:
        if error.reason != LAPSED:
            raise
        with transaction() as session:
            sender.retire(session, name)
        sender.send(name, _mint(user_id, wanted), signer)


def _mint(user_id: uuid.UUID, wanted: Purchase) -> Call:
    value = wanted.total if wanted.currency == "ETH" else 0
    return Call(wanted.shares_address, permits.mint_data(user_id, wanted), value)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


@job("prepare_recording")
def prepare_recording(upload_id: str, master_id: str) -> None:
    """Make what an artist sent into what the master's page plays. Running again makes it again."""
    upload = uuid.UUID(upload_id)
    raw = files.opened(db.session(), upload)
    db.session.rollback()
    if raw is None:
        with transaction() as session:
            outbox.finish(session)
        return
    from portal.files.sound import prepared

    try:
        sound = prepared(raw, partial(recordings.note_percent, upload))
    except Unusable as error:
        recordings.refuse(upload, str(error))
        return
    faults.point("recording-prepared")
    recordings.settle(upload, uuid.UUID(master_id), sound.content, sound.milliseconds, sound.peaks)
