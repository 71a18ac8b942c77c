"""What an artist decides about a recording and its offer, before it is a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.masters.enums import MasterType


@dataclass(frozen=True)
class OfferTerms:
    """What the artist decides about an IPO. Price in smallest units, parts in bps."""

    total_supply: int
    mint_price: int
    currency: str
    holders_bps: int
    royalty_bps: int
    minter_bonus_bps: tuple[int, int, int]
    allow_resale: bool
    person_cap: int | None = None
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None


@dataclass(frozen=True)
class MasterDetails:
    title: str
    description: str | None
    genre: str | None
    master_type: MasterType
    isrc: str | None = None
    mood_tags: tuple[str, ...] = ()
    duration: int | None = None


@dataclass(frozen=True)
class Partner:
    """Somebody who shares in a recording; `bps` of everything that it earns, out of the artist's part."""

    name: str
    role: str
    bps: int
