"""Rows for tests, made by the services' own functions; each commits (inside the test's outer transaction)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal.accounts.enums import UserRole
from portal.accounts.models import User
from portal.accounts.service import create_person, grant_role
from portal.artists.models import Artist
from portal.artists.service import add_artist
from portal.db import utcnow
from portal.masters.enums import MasterType
from portal.masters.models import Master
from portal.masters.service import add_master, set_offer
from portal.masters.terms import MasterDetails, OfferTerms

_number = itertools.count(1)


def person(session: Session, email: str = "", roles: Iterable[UserRole] = ()) -> User:
    """A person who can sign in."""
    email = email or f"person-{next(_number)}@example.org"
    user = create_person(session, email, email.split("@")[0])
    for role in roles:
        grant_role(session, user.id, role)
    session.commit()
    return user


def artist(session: Session, name: str = "", *, verified: bool = True, user: User | None = None) -> Artist:
    """An artist, with a plan without limits."""
    user = user or person(session)
    made = add_artist(
        session, user.id, name or f"Artist {next(_number)}", genre="Dub", short_bio="Echoes.", palette="brine"
    )
    made.is_verified = verified
    unlimited(session, user)
    session.commit()
    return made


def unlimited(session: Session, user: User) -> None:
    """Put a person on the enterprise plan."""
    session.execute(
        sa.text(
            "INSERT INTO subscriptions (id, user_id, plan_id, status, current_period_start, current_period_end)"
            " SELECT gen_random_uuid(), :user, id, 'active', now(), now() + interval '1 year'"
            " FROM subscription_plans WHERE slug = 'enterprise'"
        ),
        {"user": user.id},
    )


def terms(**changes: Any) -> OfferTerms:
    """1,000 shares at 25.00 USDC, half of the income to holders."""
    values: dict[str, Any] = {
        "total_supply": 1000,
        "mint_price": 25_000_000,
        "currency": "USDC",
        "holders_bps": 5000,
        "royalty_bps": 1000,
        "minter_bonus_bps": (300, 200, 100),
        "allow_resale": True,
    }
    return OfferTerms(**values | changes)


def master(
    session: Session,
    by: Artist | None = None,
    *,
    title: str = "",
    ipo: bool = True,
    rights: bool = True,
    **changes: Any,
) -> Master:
    """A draft master, with an IPO unless told; `changes` go to its terms."""
    by = by or artist(session)
    details = MasterDetails(title or f"Master {next(_number)}", "A recording.", "Dub", MasterType.TRACK)
    offer = terms(**changes) if ipo else None
    made = add_master(session, by, details, offer, current_app.config["SETTINGS"])
    if rights:
        made.rights_confirmed_at, made.rights_confirmed_by = utcnow(), by.user_id
    session.commit()
    return made


def offered(session: Session, master: Master, **changes: Any) -> Master:
    """A draft offer for a master without one."""
    set_offer(master.artist.user_id, master.id, terms(**changes), None, current_app.config["SETTINGS"])
    return session.get_one(Master, master.id)
