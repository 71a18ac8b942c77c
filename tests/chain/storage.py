"""The contracts' storage words, read where they lie: what a view would say, at a hundredth of its price.

The slots are the compiler's; `test_contracts_build` holds them against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from eth_utils import keccak

from portal.chain.abi import NATIVE
from tests.chain.evm import Evm

SLOTS: dict[str, dict[str, int]] = {
    "Stablecoin": {"totalSupply": 0, "balanceOf": 1, "allowance": 2},
    "ArtistCoin": {"totalSupply": 5, "balanceOf": 6, "allowance": 7, "nonces": 8},
    "Factory": {"operator": 0, "treasury": 1, "isCurrency": 4, "isCollection": 5},
    "Dividends": {"link": 0, "tokens": 1, "places": 5, "pools": 6, "accounts": 10},
    "MasterShares": {"state": 14, "owners": 15, "accounts": 16, "approvals": 17, "slots": 19, "pots": 20, "held": 21},
    "Market": {"feeBps": 0, "lastOffer": 1, "credits": 2, "listings": 3, "offers": 4},
}
ADDRESS = 2**160 - 1


def number(key: int | str) -> int:
    return int(key, 16) if isinstance(key, str) else key


def address(word: int) -> str:
    return f"0x{word & ADDRESS:040x}"


@cache
def place(contract: str, name: str, *keys: int | str) -> int:
    """Where a variable lies, or its entry under these keys: keccak(slot, key), nested."""
    slot = SLOTS[contract][name]
    for key in keys:
        slot = int.from_bytes(keccak(slot.to_bytes(32) + number(key).to_bytes(32)))
    return slot


def coins_of(evm: Evm, coin: str, who: str) -> int:
    return evm.word(coin, place("Stablecoin", "balanceOf", who))


def held(evm: Evm, currency: str, who: str) -> int:
    return evm.balance(who) if currency == NATIVE else coins_of(evm, currency, who)


def give(evm: Evm, coin: str, who: str, amount: int, *spenders: str) -> None:
    """Stablecoins out of nothing, spendable by these contracts without end."""
    supply = place("Stablecoin", "totalSupply")
    evm.poke(coin, place("Stablecoin", "balanceOf", who), coins_of(evm, coin, who) + amount)
    evm.poke(coin, supply, evm.word(coin, supply) + amount)
    for spender in spenders:
        evm.poke(coin, place("Stablecoin", "allowance", who, spender), 2**256 - 1)


class SharesWords:
    def __init__(self, evm: Evm, at: str) -> None:
        self.evm, self.at = evm, at

    def word(self, name: str, *keys: int | str, offset: int = 0) -> int:
        return self.evm.word(self.at, place("MasterShares", name, *keys) + offset)

    @property
    def minted(self) -> int:
        return self.word("state") >> 160 & 0xFFFFFF

    @property
    def burned(self) -> int:
        return self.word("state") >> 184 & 0xFFFFFF

    @property
    def flags(self) -> int:
        return self.word("state") >> 208

    def token(self, id: int) -> tuple[str, int]:
        """(owner, moves); the empty address where nobody owns it."""
        word = next(filter(None, (self.word("owners", below) for below in range(id, id - 10, -1))))
        return address(word), word >> 160

    def approved(self, id: int, moves: int) -> str:
        return address(self.word("approvals", moves << 32 | id))

    def account(self, who: str) -> tuple[int, int]:
        """(balance, minted in all)."""
        word = self.word("accounts", who)
        return word & 0xFFFFFFFF, word >> 32

    def roles(self) -> list[str]:
        return [address(self.word("slots", role)) for role in (1, 2, 3)]

    def pots(self, currency: str) -> list[int]:
        return [self.word("pots", currency, offset=role) for role in range(4)]

    def held(self, currency: str) -> int:
        return self.word("held", currency)


class DividendsWords:
    def __init__(self, evm: Evm, at: str) -> None:
        self.evm, self.at = evm, at

    def word(self, name: str, *keys: int | str, offset: int = 0) -> int:
        return self.evm.word(self.at, place("Dividends", name, *keys) + offset)

    def pool(self, currency: str) -> tuple[int, int, int]:
        """(deposited, earned by one share, carry)."""
        where = self.word("places", currency)
        word = self.word("pools", offset=where - 1) if where else 0
        return word >> 138, word >> 20 & (2**118 - 1), word & 0xFFFFF

    def claimable(self, currency: str, balances: Mapping[str, int]) -> Callable[[str], int]:
        """What each wallet is owed, given its shares."""
        where, (_, acc, _) = self.word("places", currency), self.pool(currency)

        def due(who: str) -> int:
            word = self.word("accounts", who, offset=where - 1)
            return (word >> 128) + (acc - (word & (2**128 - 1))) * balances[who]

        return due if where else lambda who: 0


class MarketWords:
    def __init__(self, evm: Evm, at: str) -> None:
        self.evm, self.at = evm, at

    def word(self, name: str, *keys: int | str, offset: int = 0) -> int:
        return self.evm.word(self.at, place("Market", name, *keys) + offset)

    def credit(self, who: str, currency: str) -> int:
        return self.word("credits", who, currency)

    @property
    def last_offer(self) -> int:
        return self.word("lastOffer")

    def listing(self, shares: str, id: int) -> tuple[str, str, int, int, int, int] | None:
        """(seller, currency, price, fee, moves, deadline)."""
        word, asked = (self.word("listings", shares, id, offset=at) for at in (0, 1))
        if not word:
            return None
        return address(word), address(asked), asked >> 160, word >> 208 & 0xFFFF, word >> 160 & (2**48 - 1), word >> 224

    def offer(self, id: int) -> tuple[str, int, str, int, int, int] | None:
        """(bidder, token, currency, price, fee, deadline)."""
        word, asked = (self.word("offers", id, offset=at) for at in (0, 1))
        if not word:
            return None
        return address(word), word >> 160 & 0xFFFFFF, address(asked), asked >> 160, word >> 184 & 0xFFFF, word >> 200
