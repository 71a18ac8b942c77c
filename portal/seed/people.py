"""Staff, artists with their plans, and fans; each with a wallet where they need one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.accounts import queries as accounts
from portal.accounts.models import User
from portal.accounts.service import create_person, grant_permission, grant_role, link_wallet
from portal.artists import service as artists
from portal.chain.signer import of_demo_fan, of_dev_account
from portal.db import transaction
from portal.seed.data import ACTS, STAFF, Act, Clerk
from portal.seed.field import Field, fan_email, person
from portal.seed.field import fans as fans_of
from portal.subscriptions.service import start_subscription

FIRST_ARTIST_ACCOUNT = 12
"""Accounts of the development chain from here on get the artists' proceeds; newcomers choose among those before."""
SUBSCRIBERS = {1: False, 4: True, 9: False}
"""Fans on the Pro plan, and whether they are trying it."""
NOT_FOLLOWED = 3
"""Every third pair of fan and artist is left out, so that the artists differ."""


def staff(field: Field) -> None:
    for clerk in STAFF:
        with transaction() as session:
            if accounts.user_by_email(session, clerk.email) is None:
                _clerk(session, clerk)


def _clerk(session: Session, clerk: Clerk) -> None:
    person = create_person(session, clerk.email, clerk.name)
    if clerk.role is not None:
        grant_role(session, person.id, clerk.role)
    for permission in clerk.permissions:
        grant_permission(session, person.id, permission)


def acts(field: Field) -> None:
    for number, act in enumerate(ACTS, FIRST_ARTIST_ACCOUNT):
        with transaction() as session:
            if accounts.user_by_email(session, act.email) is None:
                _act(session, act, of_dev_account(number).address, field.chain_id)


def _act(session: Session, act: Act, wallet: str, chain_id: str) -> User:
    person = create_person(session, act.email, act.name)
    artist = artists.add_artist(
        session, person.id, act.name, genre=act.genre, short_bio=act.about, palette=act.palette
    )
    if act.verified:
        artists.verify_artist(session, artist.id)
    start_subscription(session, person.id, act.plan, trial=act.trial)
    link_wallet(session, person.id, wallet, chain_id, "Proceeds")
    return person


def fans(field: Field) -> None:
    for number in range(1, field.plan.fans + 1):
        with transaction() as session:
            if accounts.user_by_email(session, fan_email(number)) is None:
                person = create_person(session, fan_email(number), f"Fan {number}")
                link_wallet(session, person.id, of_demo_fan(number).address, field.chain_id, "Fan wallet")
                if number in SUBSCRIBERS:
                    start_subscription(session, person.id, "pro", trial=SUBSCRIBERS[number])


def follows(field: Field) -> None:
    known = fans_of(field)
    for place, act in enumerate(ACTS):
        slug = person(act.email).slug or ""
        for number, user_id in known.items():
            if (number + place) % NOT_FOLLOWED:
                artists.follow(slug, user_id)
