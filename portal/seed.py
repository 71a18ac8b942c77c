"""`flask seed`: staff and demo artists with masters on sale, through the real services, jobs and chain.

Running it again adds only what is missing. The worker carries out the launches, so the offers open a few seconds
after this command ends.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.accounts.service import create_person, grant_role, link_wallet
from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.artists.service import add_artist
from portal.audit.context import Actor, acting_as
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain import bootstrap
from portal.chain.signer import of_dev_account
from portal.config import Settings
from portal.db import db, transaction, utcnow
from portal.masters import launch, service
from portal.masters import queries as master_queries
from portal.masters.enums import IpoStatus, MasterType
from portal.masters.models import Master
from portal.masters.terms import MasterDetails, OfferTerms
from portal.subscriptions.enums import SubscriptionStatus
from portal.subscriptions.models import Subscription, SubscriptionPlan

STAFF = "admin@example.org"
FIRST_ARTIST_ACCOUNT = 12
"""Accounts of the development chain from here on get the artists' proceeds; newcomers choose among those before."""


@dataclass(frozen=True)
class Track:
    """One master: seconds, shares, price in millionths of a USDC, days until the offer ends (None: a draft)."""

    title: str
    seconds: int
    supply: int
    price: int
    days: int | None
    about: str


@dataclass(frozen=True)
class Act:
    name: str
    genre: str
    palette: str
    about: str
    tracks: tuple[Track, ...]


ACTS = (
    Act("Ines Okoro-Vale", "Alternative soul", "brine", "Songs for the last ferry.", (
        Track("Salt on the Wire", 227, 1000, 25_000_000, 20, "Voice, cello, and the harbour at night."),
        Track("Half the Harbour", 252, 600, 18_000_000, None, "The ending is still to be decided."),
        Track("Tidal Rooms", 178, 500, 12_000_000, 30, "Two rooms, one take."),
    )),
    Act("Teo Marchetti Trio", "Jazz", "tram", "Piano, bass and a tram bell.", (
        Track("Late Tram, Line 9", 311, 500, 40_000_000, 2, "Recorded between two stops."),
        Track("Depot Blues", 264, 800, 16_000_000, 40, "Slow, with brushes."),
    )),
    Act("Dub Cartographer", "Dub", "contour", "Maps of low frequencies.", (
        Track("Contour Lines", 348, 1000, 18_000_000, 5, "Echo drawn at ten-metre intervals."),
        Track("Spring Tide Version", 402, 300, 22_000_000, None, "A version of a version."),
    )),
    Act("Paloma y los Fríos", "Cumbia", "calle", "Cumbia with cold hands.", (
        Track("Calle sin Nombre", 203, 1500, 15_000_000, 12, "For a street that the map forgot."),
        Track("Invierno en Valdivia", 219, 750, 9_000_000, 25, "Rain on a tin roof, in 4/4."),
        Track("Paraguas", 187, 400, 11_000_000, None, "The umbrella song."),
    )),
)  # fmt: skip


def sow(app: Flask) -> None:
    """Add what is missing. Needs the chain's contracts, and puts them there first."""
    settings: Settings = app.config["SETTINGS"]
    bootstrap.ensure(app)
    with app.app_context(), acting_as(Actor(identifier="seed")):
        _staff()
        for number, act in enumerate(ACTS):
            user_id = _artist(act, FIRST_ARTIST_ACCOUNT + number, settings)
            for track in act.tracks:
                _master(user_id, act, track, settings)


def _staff() -> None:
    with transaction() as session:
        known = account_queries.user_by_email(session, STAFF)
        user = known or create_person(session, STAFF, "Portal staff")
        if known is None:
            grant_role(session, user.id, UserRole.ADMIN)


def _artist(act: Act, account: int, settings: Settings) -> User:
    """A verified artist on a plan without limits, with a wallet for the proceeds."""
    with transaction() as session:
        email = f"{act.palette}@example.org"
        if (known := account_queries.user_by_email(session, email)) is not None:
            return known
        user = create_person(session, email, act.name)
        artist = add_artist(session, user.id, act.name, genre=act.genre, short_bio=act.about, palette=act.palette)
        _verify(session, artist)
        _unlimited(session, user)
        wallet = of_dev_account(account).address
        link_wallet(session, user.id, wallet, str(settings.chain_id), "Proceeds")
        return user


def _verify(session: Session, artist: Artist) -> None:
    artist.is_verified, artist.verified_at = True, utcnow()
    record(session, "verify_artist", AuditActionCategory.ADMIN, target=("artist", artist.id, artist.slug))


def _unlimited(session: Session, user: User) -> None:
    plan = session.scalars(sa.select(SubscriptionPlan).where(SubscriptionPlan.slug == "enterprise")).one()
    now = utcnow()
    session.add(
        Subscription(
            user_id=user.id,
            plan_id=plan.id,
            status=SubscriptionStatus.ACTIVE,
            current_period_start=now,
            current_period_end=now + dt.timedelta(days=365),
        )
    )
    record(session, "start_subscription", AuditActionCategory.SUBSCRIPTION, target=("user", user.id, plan.slug))


def _master(user: User, act: Act, track: Track, settings: Settings) -> None:
    """Created, its rights confirmed, and launched unless it is to stay a draft."""
    master = _known(user, track.title) or service.create_master_with_ipo(
        user.id,
        MasterDetails(track.title, track.about, act.genre, MasterType.TRACK, duration=track.seconds),
        _terms(track),
        settings,
    )
    if track.days is None:
        return
    service.confirm_rights(user.id, master.id)
    if master.ipo is not None and master.ipo.status is IpoStatus.DRAFT:
        launch.launch_ipo(user.id, master.id)


def _known(user: User, title: str) -> Master | None:
    session = db.session()
    artist = artist_queries.of_user(session, user.id)
    masters = master_queries.of_artist(session, artist.id, public_only=False) if artist else []
    return next((m for m in masters if m.title == title), None)


def _terms(track: Track) -> OfferTerms:
    ends = utcnow() + dt.timedelta(days=track.days) if track.days else None
    return OfferTerms(track.supply, track.price, "USDC", 5000, 1000, (300, 200, 100), True, ends_at=ends)
