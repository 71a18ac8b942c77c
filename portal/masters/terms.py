"""What an artist decides about a recording and its offer, before it is a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.errors import FieldError, Invalid
from portal.masters.enums import MasterType

OVER_ALREADY = "This end is over already: nobody could buy."


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


def fault_of_end(starts_at: dt.datetime | None, ends_at: dt.datetime | None, now: dt.datetime) -> str | None:
    """What is wrong with a sale's end, in words: it has to lie ahead and after the start. None for no end."""
    if ends_at is None:
        return None
    if ends_at <= now:
        return OVER_ALREADY
    return "The sale must end after it starts." if starts_at is not None and ends_at <= starts_at else None


def must_lie_ahead(starts_at: dt.datetime | None, ends_at: dt.datetime | None, now: dt.datetime) -> None:
    """Raises Invalid for the end where `fault_of_end` finds something."""
    if (fault := fault_of_end(starts_at, ends_at, now)) is not None:
        raise Invalid(FieldError("ipo.scheduledEndAt", fault))
