"""An offer as its contracts have it: the call that creates them, what came of it, and where the sale stands."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from portal.accounts import queries as account_queries
from portal.chain import bootstrap, sender
from portal.chain.abi import NATIVE, decode_log, decode_result, encode_call, record_key
from portal.chain.client import Receipt, Tag, current
from portal.chain.sender import Call
from portal.config import Settings
from portal.db import db
from portal.errors import Conflict, Waiting
from portal.masters import policies
from portal.masters.enums import IpoStatus
from portal.masters.launch import Deployment, TakenBack
from portal.masters.models import MasterIpo
from portal.money import bps_of

MADE_ALREADY = "made already"
"""What the factory answers to a key that it has taken before."""
WORD = 64  # hexadecimal digits of a 32-byte word
KEY = slice(2 + 8, 2 + 8 + WORD)
TERMS = slice(2 + 8 + WORD, 2 + 8 + 13 * WORD)
"""Where the twelve words of the terms stand in createMaster's calldata: after 0x, selector and key."""


class Phase(IntEnum):
    """What `MasterShares.phase` returns, by the chain's clock."""

    SCHEDULED = 0
    LIVE = 1
    PAUSED = 2
    CLOSED = 3
    CANCELLED = 4


class OtherTerms(Conflict):
    """What stands on the chain is not what was asked for."""


def creation(ipo_id: uuid.UUID, settings: Settings) -> Call:
    """`Factory.createMaster` with the row's terms; the artist's primary wallet gets the proceeds.

    Raises TakenBack for an offer that is not to be deployed, Conflict for an artist without a wallet on this chain.
    """
    known = bootstrap.contracts()
    ipo = db.session().get_one(MasterIpo, ipo_id, populate_existing=True)
    if ipo.status is not IpoStatus.SCHEDULED:
        raise TakenBack("This offer is not waiting for its contracts.")
    master = ipo.master
    terms = (
        payout_wallet(master.artist.user_id, settings),
        NATIVE if ipo.mint_price_currency == "ETH" else known.stablecoin,
        ipo.mint_price_wei or 0,
        ipo.total_supply,
        _seconds(ipo.scheduled_start_at),
        _seconds(ipo.scheduled_end_at),
        ipo.secondary_royalty_bps,
        ipo.first_minter_bonus_bps or 0,
        ipo.second_minter_bonus_bps or 0,
        ipo.third_minter_bonus_bps or 0,
        policies.sale_fee_bps(ipo, settings),
        ipo.person_cap is not None or ipo.terms_version is not None,
    )
    base = f"{settings.public_url}/metadata/{master.id}/"
    arguments = (record_key(master.id), terms, _fitting(master.title, 64), master.short_id.upper(), base[:160])
    return Call(known.factory, encode_call("Factory", "createMaster", arguments))


def deployment(purpose: str, receipt: Receipt) -> Deployment:
    """What the factory's own event says; that event with equal terms is the success, not the sending.

    Raises OtherTerms where the contract has other terms than the transaction of this purpose asked for.
    """
    factory = bootstrap.contracts().factory
    logs = [decode_log(raw) for raw in receipt.logs if raw["address"].lower() == factory]
    made = next((log.args for log in logs if log.name == "MasterCreated"), None)
    row = sender.of_purpose(purpose)
    if made is None or row is None:
        raise OtherTerms("The factory made no contracts.")
    shares, dividends = str(made["shares"]), str(made["dividends"])
    return _deployment(row.data, shares, dividends, receipt.tx_hash, receipt.block_number)


STANDING = """
SELECT tx_hash, block_number, data FROM chain_logs
WHERE chain_id = :chain AND address = :factory AND name = 'MasterCreated' AND topics[2] = :key
"""


def standing(call: Call) -> Deployment:
    """What stands under the key of this creation already, as the indexer read it.

    Raises OtherTerms where it has other terms, Waiting until it was read.
    """
    values = {"chain": str(current().chain_id), "factory": call.to, "key": f"0x{call.data[KEY]}"}
    found = db.session().execute(sa.text(STANDING), values).one_or_none()
    db.session().rollback()
    if found is None:
        raise Waiting("The contracts stand on the chain already, and wait to be read.")
    shares, dividends = (f"0x{word[-40:]}" for word in (found.data[2 : 2 + WORD], found.data[2 + WORD :]))
    return _deployment(call.data, shares, dividends, found.tx_hash, int(found.block_number))


def _deployment(asked: str, shares: str, dividends: str, tx_hash: str, number: int) -> Deployment:
    """Raises OtherTerms where the contract has not the terms in the calldata `asked`."""
    client = current()
    if client.call(shares, encode_call("MasterShares", "terms"))[2:] != asked[TERMS]:
        raise OtherTerms("The contract on the chain has other terms.")
    block = client.block(number)
    return Deployment(
        str(client.chain_id), shares, dividends, tx_hash, number, moment(block.timestamp if block else 0)
    )


@dataclass(frozen=True)
class Proceeds:
    """An offer's money as its contract has it, in smallest units: what waits, and whether it was paid out.

    `artist` is the wallet that it goes to; `fee_bps` the sale's fee that was fixed at the launch.
    """

    artist: str
    waiting: int
    fee_bps: int
    paid: bool

    @property
    def fee(self) -> int:
        """Floored, as `withdrawProceeds` does."""
        return bps_of(self.waiting, self.fee_bps)

    @property
    def net(self) -> int:
        return self.waiting - self.fee


PAID_OUT = 8
"""The flag of `MasterShares.flags` that says so."""


def proceeds(shares: str) -> Proceeds:
    """What `withdrawProceeds` would pay. Raises Unavailable while the chain is silent."""
    (terms,) = _ask(shares, "terms")
    return Proceeds(str(terms[0]), _ask(shares, "escrow")[0], terms[10], bool(_ask(shares, "flags")[0] & PAID_OUT))


def _ask(shares: str, function: str) -> tuple[Any, ...]:
    return decode_result("MasterShares", function, current().call(shares, encode_call("MasterShares", function)))


def phase(shares: str, tag: Tag = "latest") -> Phase | None:
    """Where the sale stands at a block; None where there is no contract yet."""
    answer = current().call(shares, encode_call("MasterShares", "phase"), tag)
    return Phase(decode_result("MasterShares", "phase", answer)[0]) if len(answer) > 2 else None


def clock() -> dt.datetime:
    """The chain's time."""
    return moment(current().clock())


def moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def payout_wallet(user_id: uuid.UUID, settings: Settings) -> str:
    """The artist's first verified wallet on this chain. Raises Conflict where there is none."""
    linked = account_queries.wallets_of(db.session(), user_id)
    usable = [w.wallet_address for w in linked if w.verified and w.chain_id == str(settings.chain_id)]
    if not usable:
        raise Conflict("The artist has no wallet on this chain that the proceeds could go to.")
    return usable[0]


def _fitting(text: str, most: int) -> str:
    """The start of a text that takes at most `most` bytes as UTF-8."""
    return text.encode()[:most].decode(errors="ignore")


def _seconds(at: dt.datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())
