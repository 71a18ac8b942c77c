"""Work on the chain for an artist's coin: make it, and pay the first buyers their part of it."""

from __future__ import annotations

import uuid

from portal import faults
from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import encode_call
from portal.chain.client import Reverted, current
from portal.chain.enums import ChainTransactionStatus
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.db import db, transaction
from portal.errors import Conflict, Waiting
from portal.masters import launch
from portal.masters.onchain import MADE_ALREADY
from portal.queue import job
from portal.tokens import onchain, queries, service
from portal.tokens.service import CoinMade, Payout, Share

BATCH = 25


@job("deploy_coin")
def deploy_coin(ipo_id: str) -> None:
    """Make the coin of the artist whose first offer this is. May run twice, and stop anywhere."""
    settings, offer = onchain.settings_now(), uuid.UUID(ipo_id)
    with transaction() as session:
        plan = service.fix_plan(session, queries.offer(session, offer), settings)
        artist_id = None if plan is None else plan.artist_id
    if artist_id is None:
        return
    faults.point("coin-planned")
    name = launch.coin_job(artist_id)
    try:
        call = onchain.creation(artist_id, settings)
        db.session().rollback()
        with transaction() as session:
            sender.retire(session, name)
        faults.point("coin-prepared")
        made = _made(artist_id, name, call)
    except Conflict as error:
        launch.note_failure(offer, name, _reason(error))
        return
    faults.point("coin-sent")
    service.record_coin(artist_id, made)
    faults.point("coin-recorded")


def _made(artist_id: uuid.UUID, name: str, call: Call) -> CoinMade:
    """Success is what the chain says: the coin may stand there though our row of sending it was lost."""
    settings = onchain.settings_now()
    try:
        sender.send(name, call, signers.of_role(settings, Role.OPERATOR))
        return onchain.made(artist_id, following.wait(name), settings)
    except Reverted as error:
        if error.reason != MADE_ALREADY:
            raise
        return onchain.standing(artist_id, settings)


@job("share_coins")
def share_coins(ipo_id: str) -> None:
    """Pay the buyers of a closed first offer their coins, each wallet once, some at a time."""
    offer, settings = uuid.UUID(ipo_id), onchain.settings_now()
    onchain.must_be_over(queries.offer(db.session(), offer), settings)
    found = service.payout(offer, settings)
    if found is None:
        return
    try:
        for start in range(0, len(found.shares), BATCH):
            batch = found.shares[start : start + BATCH]
            _pay(found, batch)
            faults.point("coin-shares-paid")
            paid = start + len(batch)
            service.note_paid(found.artist_id, paid, last=paid == len(found.shares))
    except Reverted as error:
        launch.note_failure(offer, launch.share_job(offer), _reason(error))


def payment(coin_id: uuid.UUID, wallet: str) -> str:
    """The purpose of paying a wallet its coins: once for ever."""
    return f"coin-share:{coin_id}:{wallet}"


def _pay(coin: Payout, shares: list[Share]) -> None:
    """All of them are sent before the first one is waited for."""
    treasury = signers.of_role(onchain.settings_now(), Role.TREASURY)
    for share in shares:
        _make_room(payment(coin.coin_id, share.wallet))
        call = Call(coin.address, encode_call("ArtistCoin", "transfer", (share.wallet, share.amount)))
        sender.send(payment(coin.coin_id, share.wallet), call, treasury)
        faults.point("coin-share-sent")
    for share in shares:
        following.wait(payment(coin.coin_id, share.wallet))


def _make_room(purpose: str) -> None:
    """A payment that failed may be tried again once that is final: nothing but its purpose keeps coins from being paid
    twice. Raises Waiting until it is."""
    row = sender.of_purpose(purpose)
    if row is None or row.status is not ChainTransactionStatus.FAILED:
        return
    if row.block_number is not None and row.block_number > current().height("finalized"):
        raise Waiting("A payment failed, and that is not final yet.")
    with transaction() as session:
        sender.retire(session, purpose)


def _reason(error: Conflict) -> str:
    return error.reason or error.detail if isinstance(error, Reverted) else error.detail
