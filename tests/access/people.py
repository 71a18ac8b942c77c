"""One small world for all questions of access: ten kinds of people, and one of each thing that belongs to somebody.

Masters, shares, revenue, wallet and device are the owner's; the room and its decision are the host's, another artist.
Nobody is a newcomer on their own machine here: staff have a second factor, and demo tools do not exist.
"""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.accounts.enums import AccountStatus, Permission, UserRole
from portal.accounts.models import Account, User, UserSession
from portal.accounts.service import grant_permission, link_wallet, open_session
from portal.artists.models import Artist
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.models import AuditLog, SecurityEvent
from portal.config import Settings
from portal.db import db, utcnow
from portal.files import store
from portal.files.places import Picture, Place
from portal.files.store import Sent, Slot
from portal.masters import launch
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master
from portal.outbox import OutboxJob
from portal.revenue import service as revenue
from portal.tokens.models import ArtistToken
from portal.tokens.service import CoinMade, name_coin, record_coin
from portal.vstudio import decisions
from portal.webhooks.models import WebhookLog
from tests import factories
from tests.access import canaries
from tests.conftest import CSRF, Client, browser
from tests.portfolio.mirror import Mirror
from tests.revenue import helpers
from tests.undone import undone
from tests.vstudio import studio

SOMEBODY = ("fan", "other", "owner", "host", "producer", "finance", "security", "admin")
KINDS = ("anonymous", *SOMEBODY, "suspended")
WALLET = "0x" + "ab" * 20
FANS_WALLET = "0x" + "cd" * 20


@dataclass
class World:
    """People by kind, ids by name, and each kind's browser cookie."""

    app: Flask
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Client] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(
        self, kind: str, method: str, path: str, *, keep: bool = False, echoes: bool = False, **sent: Any
    ) -> TestResponse:
        """One request of this kind of person; whatever it changed is undone unless `keep`.

        No answer may have a canary in it, unless it `echoes` what was sent.
        """
        client = self.browsers[kind]
        client.set_cookie("audifi", self.cookies[kind])
        with nullcontext() if keep else undone():
            answer = client.open(path, method=method, buffered=True, **sent)
        hits = [] if echoes else canaries.found(answer.text, kind, self.tokens)
        assert not hits, f"{method} {path} tells {kind}: {hits}"
        return answer

    def undone(self) -> AbstractContextManager[None]:
        """Whatever happens inside is put back."""
        return undone()


def build(app: Flask, session: Session) -> World:
    world = World(app)
    _people(world, session)
    _things(world, session)
    canaries.plant(app, session, world.people)
    for kind in KINDS:
        _browser(world, kind)
    session = db.session()
    session.execute(
        sa.update(User).where(User.id == world.people["suspended"]).values(status=AccountStatus.SUSPENDED)
    )
    session.commit()
    return world


def far_from_home(settings: Settings) -> Settings:
    """The same portal reached from elsewhere: no newcomer's tools, and limits that a test's crowd does not reach."""
    many = 1_000_000
    limits = dict.fromkeys(("api_per_person", "api_per_network", "votes_per_person", "votes_per_network"), many)
    patient = {"step_up_seconds": 1800}  # a slow machine takes minutes for the whole table
    return replace(settings, bind="0.0.0.0:5000", sign_in_tries=many, code_tries=many, **patient, **limits)


def _people(world: World, session: Session) -> None:
    roles = {"producer": [UserRole.PRODUCER], "admin": [UserRole.ADMIN]}
    for kind in (*SOMEBODY, "suspended"):
        user = factories.person(session, f"{kind}@people.example", roles.get(kind, []))
        user.two_factor_enabled = True
        world.people[kind] = user.id
    for permission in (Permission.FINANCE_READ, Permission.FINANCE_VERIFY):
        grant_permission(session, world.people["finance"], permission)
    grant_permission(session, world.people["security"], Permission.SECURITY_READ)
    names = {"other": "Another Artist", "owner": "Ines Okoro-Vale", "host": "Host Of Rooms"}
    for kind, name in names.items():
        factories.artist(session, name, user=session.get_one(User, world.people[kind]))
    session.commit()


def artist_of(world: World, session: Session, kind: str) -> Artist:
    return session.scalars(sa.select(Artist).where(Artist.user_id == world.people[kind])).one()


def _things(world: World, session: Session) -> None:
    owner = world.people["owner"]
    link_wallet(session, owner, WALLET, "31337", "Main")
    second = link_wallet(session, owner, "0x" + "ef" * 20, "31337", "Second")
    link_wallet(session, world.people["fan"], FANS_WALLET, "31337", "Main")
    session.add(Account(user_id=owner, provider="magic_link", provider_account_id="spare@people.example"))
    session.commit()
    way = session.scalars(sa.select(Account.id).where(Account.provider_account_id == "spare@people.example")).one()
    device = open_session(session, session.get_one(User, owner), world.app.config["SETTINGS"])
    session.commit()
    assert device
    held = sa.select(UserSession.id).where(UserSession.user_id == owner)
    portrait = store.fill(session, Slot(owner, Place.PORTRAIT), Sent(Picture(b"RIFF\0\0\0\0WEBP", 1, 1), 1000))
    session.commit()
    world.ids["cid"] = str(portrait.cid)
    world.ids |= {"way": str(way), "wallet": str(second.id), "device": str(session.scalars(held).one())}
    _masters(world, session)
    _room(world, session)
    _records(world, session)


def _records(world: World, session: Session) -> None:
    """What staff look at: a person, a row of the log, an alert, a job, a webhook."""
    hook = WebhookLog(provider_name="stripe", event_type="invoice.paid", event_id="evt_1")
    session.add(hook)
    said = {"event_type": SecurityEventType.FAILED_LOGIN, "severity": SecuritySeverity.LOW, "title": "Refused"}
    alert = session.scalar(sa.insert(SecurityEvent).values(**said).returning(SecurityEvent.id))
    session.commit()
    first = {"record": AuditLog.id, "job": OutboxJob.id}
    world.ids |= {name: str(session.scalars(sa.select(column).limit(1)).one()) for name, column in first.items()}
    world.ids |= {"hook": str(hook.id), "alert": str(alert), "stranger": str(uuid.uuid4())}
    clerk = factories.person(session, "clerk@people.example", [UserRole.PRODUCER]).id
    grant_permission(session, clerk, Permission.FINANCE_READ)
    session.commit()
    world.ids |= {"clerk": str(clerk), "role": "producer", "permission": "finance:read"}


def _masters(world: World, session: Session) -> None:
    artist = artist_of(world, session, "owner")
    draft = factories.master(session, artist, title="Not Yet")
    live = factories.master(session, artist, title="Salt on the Wire")
    live.status, live.ipo.status = MasterStatus.LIVE, IpoStatus.LIVE
    mirror = Mirror(session, live)
    mirror.mint(WALLET, 1)
    mirror.mint(FANS_WALLET, 1)
    waiting = factories.master(session, artist, title="Waiting")
    waiting.status, waiting.ipo.status = MasterStatus.PENDING, IpoStatus.DRAFT
    session.commit()
    offered = factories.master(session, artist, title="Offered").id
    launch.launch_ipo(world.people["owner"], offered)
    world.ids |= {"draft": str(draft.id), "offered": str(offered), "live": str(live.id), "waiting": str(waiting.id)}
    world.ids |= {"nft": str(mirror.tokens[1].id), "readable": f"salt-on-the-wire-{live.short_id}"}
    settings: Settings = world.app.config["SETTINGS"]
    coin = CoinMade("31337", "0x" + "c0" * 20, 10**24, "0x" + "c1" * 32, 7, utcnow())
    name_coin(world.people["owner"], "Salt", "SALT", settings)
    record_coin(artist.id, coin)
    world.ids["coin"] = str(session.scalars(sa.select(ArtistToken.id)).one())
    data = helpers.report(currency="USD")
    world.ids["event"] = str(revenue.record_revenue(world.people["owner"], live.id, data, settings).id)


def _room(world: World, session: Session) -> None:
    held = studio.room(session, artist_of(world, session, "host"))
    sketch = studio.room(session, artist_of(world, session, "host"), live=False)
    revealed = studio.poll(held, label="Was it the third take?")
    decisions.close_decision(held.owner_id, revealed.id)
    decisions.reveal_decision(held.owner_id, revealed.id)
    decision = studio.poll(held)
    unopened = studio.poll(held, opened=False, label="And the cover?")
    master = session.scalars(sa.select(Master.id).where(Master.artist_id == held.artist_id)).first()
    world.ids |= {"room": str(held.id), "sketch": str(sketch.id), "hosts": str(master)}
    world.ids |= {"decision": str(decision.id), "unopened": str(unopened.id), "revealed": str(revealed.id)}


def _browser(world: World, kind: str) -> None:
    client = world.browsers[kind] = browser(world.app)
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = CSRF
        if kind != "anonymous":
            session = db.session()
            user = session.get_one(User, world.people[kind])
            token = world.tokens[kind] = open_session(session, user, world.app.config["SETTINGS"])
            cookie["_user_id"], cookie["_fresh"] = token, True
            session.commit()
    kept = client.get_cookie("audifi")
    assert kept is not None
    world.cookies[kind] = kept.value
