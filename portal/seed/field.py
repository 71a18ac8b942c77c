"""What every step is handed: settings, how much to sow, how to wait; and who and what is there already."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from portal.accounts.models import User
from portal.artists.models import Artist
from portal.audit.context import Actor, acting_as
from portal.config import Settings
from portal.db import transaction
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterIpo
from portal.seed.data import ACTS, Act, Clerk, Plan
from portal.seed.waiting import Patience


@dataclass(frozen=True)
class Field:
    """One run of the seed."""

    settings: Settings
    plan: Plan
    patience: Patience

    @property
    def chain_id(self) -> str:
        return str(self.settings.chain_id)


@dataclass(frozen=True)
class Person:
    """Somebody who was sown before; `slug` of an artist."""

    id: uuid.UUID
    email: str
    slug: str | None


@dataclass(frozen=True)
class Sown:
    """A master and its offer as they are now."""

    id: uuid.UUID
    title: str
    status: MasterStatus
    offer_id: uuid.UUID
    offer: IpoStatus


def fan_email(number: int) -> str:
    return f"fan{number:02}@example.org"


def fans(field: Field) -> dict[int, uuid.UUID]:
    """Number -> person, of this run's fans."""
    emails = {fan_email(number): number for number in range(1, field.plan.fans + 1)}
    with transaction() as session:
        rows = session.execute(sa.select(User.email, User.id).where(User.email.in_(emails)))
        return {emails[email]: user_id for email, user_id in rows}


def person(email: str) -> Person:
    with transaction() as session:
        columns = sa.select(User.id, User.email, Artist.slug).outerjoin(Artist, Artist.user_id == User.id)
        return Person(*session.execute(columns.where(User.email == email)).one())


def sown(title: str) -> Sown | None:
    """The demo artist's master of that title; one that somebody else calls the same is none."""
    columns = sa.select(Master.id, Master.title, Master.status, MasterIpo.id, MasterIpo.status)
    mine = columns.join(MasterIpo).join(Artist, Artist.id == Master.artist_id).join(User, User.id == Artist.user_id)
    with transaction() as session:
        wanted = mine.where(Master.title == title, User.email == act_of(title).email).order_by(Master.created_at)
        row = session.execute(wanted.limit(1)).one_or_none()
        return None if row is None else Sown(*row)


def there(title: str) -> Sown:
    """As `sown`, of a master that an earlier step made."""
    found = sown(title)
    assert found is not None, title
    return found


def act_of(title: str) -> Act:
    """The artist of a master."""
    return next(act for act in ACTS if any(track.title == title for track in act.tracks))


def owner_of(title: str) -> Person:
    return person(act_of(title).email)


@contextmanager
def acting(who: Person | Clerk) -> Iterator[None]:
    """Audit rows inside name this person; a clerk acts as staff."""
    kind = "admin" if isinstance(who, Clerk) else "user"
    with acting_as(Actor(kind, person(who.email).id, who.email)):
        yield
