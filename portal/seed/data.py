"""What is sown, as data: people, masters with their offers, sales, income."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.accounts.enums import Permission, UserRole
from portal.revenue.enums import RevenueSourceType


class Aim(StrEnum):
    """The state a master is to reach."""

    DRAFT = "draft"
    PENDING = "pending"
    SCHEDULED = "scheduled"
    LIVE = "live"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class Clerk:
    """Somebody of the platform's staff."""

    email: str
    name: str
    role: UserRole | None = None
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True)
class Offer:
    """Shares, price in millionths of a USDC, and in how many days it opens and ends (None: at once, never)."""

    supply: int
    price: int
    opens: int | None = None
    ends: int | None = None


@dataclass(frozen=True)
class Track:
    """One master; its length in seconds."""

    title: str
    seconds: int
    aim: Aim
    offer: Offer
    moods: tuple[str, ...]
    about: str


@dataclass(frozen=True)
class Act:
    """An artist with a palette of their own, on a plan (`trial`: for its trial days)."""

    name: str
    genre: str
    palette: str
    about: str
    plan: str
    tracks: tuple[Track, ...]
    verified: bool = True
    trial: bool = False

    @property
    def email(self) -> str:
        return f"{self.palette}@example.org"


@dataclass(frozen=True)
class Purchase:
    """Shares that a fan buys, so many days ago."""

    fan: int
    shares: int
    days_ago: int


@dataclass(frozen=True)
class Trade:
    """A share of the master that sold out, from one fan to another, for millionths of a USDC."""

    number: int
    seller: int
    buyer: int
    price: int
    days_ago: int = 0


@dataclass(frozen=True)
class Source:
    """Where income comes from; `cents` are US cents of the three months, the oldest first."""

    kind: RevenueSourceType
    name: str
    cents: tuple[int, int, int]


@dataclass(frozen=True)
class Plan:
    """How much of it: fans, sources of income, and buyers of each offer of today."""

    fans: int
    sources: int
    buyers: int


PLANS = {"dev": Plan(fans=16, sources=2, buyers=5), "test": Plan(fans=12, sources=1, buyers=1)}

ADMIN = Clerk("admin@example.org", "Portal staff", role=UserRole.ADMIN)
FINANCE = Clerk("finance@example.org", "Finance", permissions=(Permission.FINANCE_READ, Permission.FINANCE_VERIFY))
SECURITY = Clerk("security@example.org", "Security", permissions=(Permission.SECURITY_READ,))
STAFF = (ADMIN, FINANCE, SECURITY)

SOLD_OUT, OPEN, CLOSING, CALLED_OFF = "Tidal Rooms", "Salt on the Wire", "Late Tram, Line 9", "Depot Blues"
UNDECIDED, NEXT_VERSION = "Half the Harbour", "Spring Tide Version"

ACTS = (
    Act("Ines Okoro-Vale", "Alternative soul", "brine", "Songs for the last ferry.", "enterprise", (
        Track(SOLD_OUT, 178, Aim.CLOSED, Offer(100, 12_000_000), ("calm", "intimate"), "Two rooms, one take."),
        Track(OPEN, 227, Aim.LIVE, Offer(1000, 25_000_000, ends=20), ("night", "strings"),
              "Voice, cello, and the harbour at night."),
        Track(UNDECIDED, 252, Aim.DRAFT, Offer(600, 18_000_000), ("open",), "The ending is still to be decided."),
    )),
    Act("Teo Marchetti Trio", "Jazz", "tram", "Piano, bass and a tram bell.", "pro", (
        Track(CLOSING, 311, Aim.LIVE, Offer(500, 40_000_000, ends=5), ("late", "trio"), "Recorded between two stops."),
        Track(CALLED_OFF, 264, Aim.CANCELLED, Offer(800, 16_000_000), ("slow",), "Slow, with brushes."),
    )),
    Act("Dub Cartographer", "Dub", "contour", "Maps of low frequencies.", "pro", (
        Track("Contour Lines", 348, Aim.SCHEDULED, Offer(1000, 18_000_000, opens=5, ends=35), ("deep", "echo"),
              "Echo drawn at ten-metre intervals."),
        Track(NEXT_VERSION, 402, Aim.DRAFT, Offer(300, 22_000_000), ("deep",), "A version of a version."),
    )),
    Act("Paloma y los Fríos", "Cumbia", "calle", "Cumbia with cold hands.", "pro", (
        Track("Calle sin Nombre", 203, Aim.SCHEDULED, Offer(1500, 15_000_000, opens=9, ends=39), ("dance",),
              "For a street that the map forgot."),
        Track("Invierno en Valdivia", 219, Aim.ARCHIVED, Offer(750, 9_000_000), ("rain",),
              "Rain on a tin roof, in 4/4."),
        Track("Paraguas", 187, Aim.PENDING, Offer(400, 11_000_000, ends=25), ("dance", "rain"), "The umbrella song."),
    ), verified=False, trial=True),
)  # fmt: skip

FIRST_LAUNCH = 150
"""Days ago that the master that is sold out was launched; its proceeds are paid out `PAYOUT` days ago."""
PAYOUT = 130
FIRST_SALE = tuple(
    Purchase(fan, shares, FIRST_LAUNCH - 1 - fan)
    for fan, shares in enumerate((10, 10, 10, 10, 10, 10, 8, 8, 8, 6, 6, 4), 1)
)
FIRST_TRADES = (
    Trade(12, 2, 5, 14_500_000, 124),
    Trade(45, 5, 8, 16_000_000, 117),
    Trade(70, 8, 3, 15_200_000, 109),
)
FOR_SALE = (
    Trade(3, 1, 0, 21_000_000),
    Trade(15, 2, 0, 18_900_000),
    Trade(33, 4, 0, 19_500_000),
    Trade(62, 7, 0, 17_900_000),
    Trade(98, 12, 0, 24_000_000),
)
"""Nobody has bought these yet."""
ACCEPTED = (Trade(88, 10, 6, 15_500_000),)
BIDS = (Trade(33, 4, 9, 16_000_000), Trade(15, 2, 1, 15_000_000))
LATER_LAUNCH = 3
"""Days ago that the offers of today were launched."""
LATER_SALES = {
    OPEN: (Purchase(2, 10, 2), Purchase(5, 6, 2), Purchase(9, 3, 1), Purchase(12, 8, 1), Purchase(1, 5, 0)),
    CLOSING: (Purchase(3, 4, 2), Purchase(6, 10, 1), Purchase(11, 2, 0)),
    CALLED_OFF: (Purchase(4, 2, 2), Purchase(7, 1, 1)),
}
SOURCES = (
    Source(RevenueSourceType.DISTRIBUTOR, "Streaming", (5_912, 6_595, 7_819)),
    Source(RevenueSourceType.PRO, "Radio", (1_553, 1_421, 2_009)),
)
REPORTED = Source(RevenueSourceType.SYNC, "A film's closing titles", (0, 0, 4_500))
"""Reported by the artist and not verified yet: finance finds it waiting."""
CLAIMS = {1: (1, 2, 3), 2: (2, 5, 8)}
"""After which month (counted from the first) which fans fetch their dividends."""
