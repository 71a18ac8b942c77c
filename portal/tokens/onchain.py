"""A coin as its contract has it: the call that creates it, and what came of it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app

from portal.chain import bootstrap
from portal.chain import signer as signers
from portal.chain.abi import DecodedLog, decode_log, decode_result, encode_call, record_key
from portal.chain.client import Receipt, Tag, current
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.config import Settings
from portal.db import db
from portal.errors import Conflict, Waiting
from portal.masters import onchain as masters
from portal.masters import queries as master_queries
from portal.masters.models import MasterIpo
from portal.money import BPS
from portal.tokens import queries
from portal.tokens.models import CoinPlan
from portal.tokens.service import CoinMade, supply_units

BLOCKS_AT_ONCE = 1_000
"""What every node gives of one address in one answer."""


class OtherCoin(Conflict):
    """What stands on the chain is not what was asked for."""


def distribution_wallet(settings: Settings) -> str:
    """Where the buyers', the liquidity's and the community's parts wait: the treasury's account."""
    return signers.of_role(settings, Role.TREASURY).address


def creation(artist_id: uuid.UUID, settings: Settings) -> Call:
    """`Factory.createCoin` for a fixed plan. Raises Conflict for an artist without a wallet on this chain."""
    plan = queries.plan_of(db.session(), artist_id)
    if plan is None or plan.ipo_id is None:
        raise Conflict("Nobody planned this coin.")
    parts = _parts(plan, supply_units(settings), masters.payout_wallet(plan.artist.user_id, settings), settings)
    arguments = (record_key(artist_id), plan.name, plan.symbol, parts)
    return Call(bootstrap.contracts().factory, encode_call("Factory", "createCoin", arguments))


def _parts(plan: CoinPlan, supply: int, artist: str, settings: Settings) -> list[tuple[str, int]]:
    """(wallet, amount) of each part, in the order of the plan; the artist's takes what rounding leaves."""
    kept = distribution_wallet(settings)
    others = [supply * part // BPS for part in (plan.participants_bps, plan.liquidity_bps, plan.community_bps)]
    return [(artist, supply - sum(others)), *((kept, amount) for amount in others)]


def made(artist_id: uuid.UUID, receipt: Receipt, settings: Settings) -> CoinMade:
    """Success is what the chain says: the contract of this key stands there with the whole supply. Raises OtherCoin."""
    return _stands(_address(artist_id), receipt.tx_hash, receipt.block_number, settings)


def standing(artist_id: uuid.UUID, settings: Settings) -> CoinMade:
    """What stands under the artist's key already, though our record of making it was lost.

    Raises OtherCoin where it is called otherwise or has another supply, Waiting while its logs are not to be had.
    """
    plan = queries.plan_of(db.session(), artist_id)
    called = (plan.name, plan.symbol) if plan else ("", "")
    first = queries.first_deployment(db.session(), artist_id, str(settings.chain_id))
    db.session().rollback()
    address = _address(artist_id)
    if (_read(address, "name"), _read(address, "symbol")) != called:
        raise OtherCoin("The coin on the chain is called otherwise.")
    given = _given_out(address, first)
    return _stands(address, given.tx_hash, given.block_number, settings)


def _given_out(address: str, first: int) -> DecodedLog:
    """The coin's first log, of the transaction that made it: a coin is made after its artist's first shares, so the
    search begins at their block."""
    last = current().block_number()
    for start in range(first, last + 1, BLOCKS_AT_ONCE):
        for raw in current().get_logs(start, min(start + BLOCKS_AT_ONCE - 1, last), [address]):
            return decode_log(raw)
    raise Waiting("The coin stands on the chain already, and its logs are waited for.")


def _stands(address: str, tx_hash: str, number: int, settings: Settings) -> CoinMade:
    if len(current().code(address)) <= 2:
        raise OtherCoin("The factory made no coin.")
    supply = int(_read(address, "totalSupply"))
    if supply != supply_units(settings):
        raise OtherCoin("The coin on the chain has another supply.")
    block = current().block(number)
    at = masters.moment(block.timestamp if block else 0)
    return CoinMade(str(settings.chain_id), address, supply, tx_hash, number, at)


def _address(artist_id: uuid.UUID) -> str:
    """Where the coin of this artist is or will be."""
    factory = bootstrap.contracts().factory
    asked = current().call(factory, encode_call("Factory", "predictCoin", (record_key(artist_id),)))
    return str(decode_result("Factory", "predictCoin", asked)[0])


def _read(address: str, function: str) -> Any:
    return decode_result("ArtistCoin", function, current().call(address, encode_call("ArtistCoin", function)))[0]


def must_be_over(offer: MasterIpo, settings: Settings) -> None:
    """Who bought is known for good: what a closed sale minted is final on the chain and written here.

    Raises Waiting until it is. A sale that is over by the clock may have sold in blocks that nobody has read yet, or
    that a reorg takes away.
    """
    contract = master_queries.contract_of(db.session(), offer.master_id, str(settings.chain_id))
    if contract is None:
        return
    address, written = contract.contract_address, offer.minted_supply
    db.session().rollback()
    if {_minted(address, "latest"), _minted(address, "finalized")} != {written}:
        raise Waiting("The last purchases of the sale are not final yet.")


def _minted(shares: str, tag: Tag) -> int:
    """How many were minted by this block; 0 where the contract was not there yet."""
    answer = current().call(shares, encode_call("MasterShares", "minted"), tag)
    return int(decode_result("MasterShares", "minted", answer)[0]) if len(answer) > 2 else 0


def settings_now() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
