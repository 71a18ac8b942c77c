"""A purchase as transactions for the buyer's own wallet to sign: first leave to take the coins, then the mint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from portal.chain import bootstrap
from portal.chain.abi import decode_result, encode_call
from portal.chain.client import current
from portal.config import Settings
from portal.db import transaction
from portal.errors import Unavailable
from portal.masters import minting, permits, policies
from portal.masters.minting import Purchase
from portal.masters.models import MasterIpo
from portal.money import bps_of


@dataclass(frozen=True)
class Unsigned:
    """A transaction without a signature: 0x calldata, value in wei."""

    to: str
    data: str
    value: int
    chain_id: int


@dataclass(frozen=True)
class MintIntent:
    """What to sign and what it costs, in smallest units; the sale's `fee` is part of the price, the artist pays it."""

    purchase: Purchase
    mint: Unsigned
    approval: Unsigned | None
    fee: int


def mint_intent(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    wallet: str,
    quantity: int,
    settings: Settings,
    terms_seen: str | None = None,
) -> MintIntent:
    """Asking accepts the offer's terms, which is kept; the permit in the transaction binds them.

    Raises what `minting.purchase` and `permits.issue` raise, Conflict where others than the terms in force were seen,
    and Unavailable while the chain is silent.
    """
    with transaction() as session:
        wanted = minting.purchase(session, user_id, master_id, wallet, quantity)
        minting.accept_terms(session, user_id, wanted, "intent", terms_seen)
        fee_bps = policies.sale_fee_bps(session.get_one(MasterIpo, wanted.ipo_id), settings)
    value = wanted.total if wanted.currency == "ETH" else 0
    data = permits.mint_data(user_id, wanted)
    return MintIntent(
        wanted,
        Unsigned(wanted.shares_address, data, value, int(wanted.chain_id)),
        approval(wanted),
        bps_of(wanted.total, fee_bps),
    )


def approval(wanted: Purchase) -> Unsigned | None:
    """The ERC-20 `approve` that has to come first; None for native coin and where enough is allowed already."""
    if wanted.currency == "ETH":
        return None
    known = bootstrap.known()
    if known is None:
        raise Unavailable("The chain is being set up. Please try again in a moment.")
    coin = known.stablecoin
    asked = encode_call("Stablecoin", "allowance", (wanted.wallet, wanted.shares_address))
    allowed = decode_result("Stablecoin", "allowance", current().call(coin, asked))[0]
    if allowed >= wanted.total:
        return None
    data = encode_call("Stablecoin", "approve", (wanted.shares_address, wanted.total))
    return Unsigned(coin, data, 0, int(wanted.chain_id))
