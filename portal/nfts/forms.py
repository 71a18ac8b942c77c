"""Bodies of the market's requests."""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from portal.nfts import wishes
from portal.nfts.wishes import Wish
from portal.web.bodies import Body, Moment, like, member

_PRICE = re.compile(r"0{0,6}[1-9][0-9]{0,28}", re.ASCII)


def _units(value: object) -> object:
    if not isinstance(value, str) or not _PRICE.fullmatch(value):
        raise ValueError("Send the amount in smallest units, more than 0, as a string of digits.")
    return int(value)


class Code(StrEnum):
    ETH = "ETH"
    USDC = "USDC"


class BidKind(StrEnum):
    BUY = "buy"
    OFFER = "offer"


Price = Annotated[int, BeforeValidator(_units, json_schema_input_type=Annotated[str, like(_PRICE.pattern)])]
"""Fewer digits than the largest price of the market, 2**96 - 1, which the service keeps to the unit."""
Wallet = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
Currency = Annotated[Code, member(Code)]


class Listing(Body):
    """What one asks for a share; without `deadline` it stands until it is taken back."""

    price: Price
    currency: Currency
    deadline: Moment | None = None

    def wish(self, nft_id: uuid.UUID) -> Wish:
        return wishes.list_share(nft_id, self.price, self.currency.value, self.deadline)


class Bid(Body):
    """`buy`: price and currency are what the buyer saw. `offer`: what is left with the market until the deadline."""

    wallet: Wallet
    kind: Annotated[BidKind, member(BidKind)]
    price: Price
    currency: Currency
    deadline: Moment | None = None

    def wish(self, nft_id: uuid.UUID) -> Wish:
        if self.kind is BidKind.BUY:
            return wishes.buy(nft_id, self.price, self.currency.value, self.wallet)
        return wishes.make_offer(nft_id, self.price, self.currency.value, self.deadline, self.wallet)


class Fetch(Body):
    """Which wallet fetches what waits for it, in which currency."""

    wallet: Wallet
    currency: Currency
