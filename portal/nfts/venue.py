"""The market on the chain, asked before anything is signed: leave to move shares and coins, balances, the call itself.

Nothing here writes, and no transaction is open while the node is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.chain import bootstrap
from portal.chain.abi import NATIVE, decode_result, encode_call
from portal.chain.client import Refused, Reverted, current
from portal.chain.reasons import UNAPPROVED, UNPAID, helpful
from portal.config import Settings
from portal.errors import Conflict, Unavailable
from portal.masters.intents import Unsigned
from portal.money import CURRENCIES, format_units
from portal.nfts.prices import NATIVE_COIN

APPROVE_SHARE, APPROVE_COINS = "approveShare", "approveCoins"
"""Names of the transactions that may have to come first."""
Step = tuple[str, Unsigned]


@dataclass(frozen=True)
class Venue:
    """Where shares are traded. `coins`: code -> token (the empty address for ETH); `fee_bps` of orders made now."""

    market: str
    coins: Mapping[str, str]
    chain_id: int
    fee_bps: int

    def unsigned(self, function: str, arguments: tuple[Any, ...], value: int = 0) -> Unsigned:
        """A call of the market."""
        return Unsigned(self.market, encode_call("Market", function, arguments), value, self.chain_id)


@dataclass(frozen=True)
class Needs:
    """What a wallet has to have for a call: `pays` (currency, smallest units), `gives` (collection, token id)."""

    wallet: str
    pays: tuple[str, int] | None = None
    gives: tuple[str, int] | None = None


def known(settings: Settings) -> Venue:
    """By settings and database alone. It ends the read transaction that is open. Raises Unavailable."""
    found = bootstrap.known()
    if found is None or not found.market:
        raise Unavailable("The market is being set up. Please try again in a moment.")
    coins = {NATIVE_COIN: NATIVE, "USDC": found.stablecoin}
    return Venue(found.market, coins, settings.chain_id, settings.trading_fee_bps)


def asked(settings: Settings) -> Venue:
    """As `known`, with the fee that the contract takes now."""
    place = known(settings)
    return replace(place, fee_bps=_ask("Market", place.market, "feeBps"))


def roles(shares: str) -> list[str]:
    """Wallets of the artist and the first three minters, as the contract has them; the empty address for nobody."""
    return [_ask("MasterShares", shares, "roleWallet", role) for role in range(4)]


# --- before the call --------------------------------------------------------------------------------------


def approvals(place: Venue, needs: Needs) -> list[Step]:
    """The transactions that have to come first: leave to move the share, and to take the coins."""
    steps = []
    if needs.gives and not _may_move(place, needs.wallet, *needs.gives):
        collection, number = needs.gives
        data = encode_call("MasterShares", "approve", (place.market, number))
        steps.append((APPROVE_SHARE, Unsigned(collection, data, 0, place.chain_id)))
    currency, amount = needs.pays or (NATIVE_COIN, 0)
    coin = None if currency == NATIVE_COIN else place.coins[currency]
    if coin and _ask("Stablecoin", coin, "allowance", needs.wallet, place.market) < amount:
        data = encode_call("Stablecoin", "approve", (place.market, amount))
        steps.append((APPROVE_COINS, Unsigned(coin, data, 0, place.chain_id)))
    return steps


def _may_move(place: Venue, wallet: str, collection: str, number: int) -> bool:
    approved = _ask("MasterShares", collection, "getApproved", number) == place.market
    return approved or bool(_ask("MasterShares", collection, "isApprovedForAll", wallet, place.market))


def missing(place: Venue, needs: Needs) -> int:
    """How much of what is to be paid the wallet does not have, in smallest units; fees of the network not counted."""
    currency, amount = needs.pays or (NATIVE_COIN, 0)
    return max(0, amount - _balance(place, needs.wallet, currency))


def must_afford(place: Venue, needs: Needs, network_fee: int | None) -> None:
    """Raises Conflict that says how much of which currency the wallet lacks."""
    currency, amount = needs.pays or (NATIVE_COIN, 0)
    lacks, fee = missing(place, needs), network_fee or 0
    if lacks:
        raise Conflict(
            f"This wallet has too little money: it needs {_told(amount, currency)}, and {_told(lacks, currency)} are"
            " missing."
        )
    native = (amount if currency == NATIVE_COIN else 0) + fee
    left = native - current().balance(needs.wallet)
    if left > 0:
        raise Conflict(f"This wallet has too little ETH for the network's fee: {_told(left, NATIVE_COIN)} are missing.")


def must_succeed(call: Unsigned, wallet: str, before: list[Step]) -> None:
    """Try the very call from this wallet at the newest block. Raises Conflict with helpful words.

    What only lacks a leave that one of the transactions `before` gives is good.
    """
    names = {name for name, _ in before}
    try:
        current().call(call.to, call.data, sender=wallet, value=call.value)
    except Reverted as error:
        reason = error.reason.lower()
        unpaid = APPROVE_COINS in names and any(words in reason for words in UNPAID)
        if not unpaid and not (APPROVE_SHARE in names and UNAPPROVED in reason):
            raise Conflict(helpful(error.reason) or error.detail) from error
    except Refused as error:
        if "insufficient" not in error.message.lower():
            raise
        raise Conflict(helpful(error.message)) from error


def _balance(place: Venue, wallet: str, currency: str) -> int:
    if currency == NATIVE_COIN:
        return current().balance(wallet)
    return int(_ask("Stablecoin", place.coins[currency], "balanceOf", wallet))


def _told(amount: int, currency: str) -> str:
    return f"{format_units(amount, CURRENCIES[currency].decimals)} {currency}"


def _ask(contract: str, address: str, function: str, *arguments: Any) -> Any:
    answer = current().call(address, encode_call(contract, function, arguments))
    return decode_result(contract, function, answer)[0]
