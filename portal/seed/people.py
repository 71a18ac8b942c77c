"""Staff, artists with their plans, and fans; each with a wallet where they need one."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from portal.accounts import queries as accounts
from portal.accounts.service import create_person, grant_permission, grant_role, link_wallet
from portal.artists import queries as artist_queries
from portal.artists import service as artists
from portal.chain.signer import of_demo_fan, of_dev_account
from portal.db import transaction
from portal.seed.data import ACTS, STAFF, Act
from portal.seed.field import Field, fan_email, person
from portal.seed.field import fans as fans_of
from portal.subscriptions import queries as subscriptions
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
            user_id = _person(session, clerk.email, clerk.name)
            held = accounts.permissions_of(session, user_id)
            if clerk.role is not None and not held:
                grant_role(session, user_id, clerk.role)
            for permission in sorted(set(clerk.permissions) - held):
                grant_permission(session, user_id, permission)


def _person(session: Session, email: str, name: str) -> uuid.UUID:
    """The person with this address, who may have signed in before they were sown."""
    return (accounts.user_by_email(session, email) or create_person(session, email, name)).id


def acts(field: Field) -> None:
    for number, act in enumerate(ACTS, FIRST_ARTIST_ACCOUNT):
        with transaction() as session:
            user_id = _person(session, act.email, act.name)
            if artist_queries.of_user(session, user_id) is None:
                _act(session, user_id, act)
                link_wallet(session, user_id, of_dev_account(number).address, field.chain_id, "Proceeds")


def _act(session: Session, user_id: uuid.UUID, act: Act) -> None:
    artist = artists.add_artist(session, user_id, act.name, genre=act.genre, short_bio=act.about, palette=act.palette)
    if act.verified:
        artists.verify_artist(session, artist.id)
    start_subscription(session, user_id, act.plan, trial=act.trial)


def fans(field: Field) -> None:
    for number in range(1, field.plan.fans + 1):
        with transaction() as session:
            user_id = _person(session, fan_email(number), f"Fan {number}")
            link_wallet(session, user_id, of_demo_fan(number).address, field.chain_id, "Fan wallet")
            if number in SUBSCRIBERS and not subscriptions.subscriptions_of(session, user_id):
                start_subscription(session, user_id, "pro", trial=SUBSCRIBERS[number])


def follows(field: Field) -> None:
    known = fans_of(field)
    for place, act in enumerate(ACTS):
        slug = person(act.email).slug or ""
        for number, user_id in known.items():
            if (number + place) % NOT_FOLLOWED:
                artists.follow(slug, user_id)
