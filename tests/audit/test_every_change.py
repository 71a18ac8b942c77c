"""Promise 75: every change has its audit row in the same transaction; when the row cannot be written, nothing is.

Here a story walks through the commands, each first with an audit log that refuses. What the story does not reach,
`tests/recorded.py` watches in every other test of the suite.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from portal.accounts import profile, service, sessions
from portal.accounts.enums import Permission, UserRole
from portal.accounts.models import User, UserSession
from portal.artists.service import become_artist, verify_artist
from portal.audit.context import Actor, acting_as
from portal.audit.models import AuditLog
from portal.config import Settings
from portal.db import db, transaction
from portal.logs import request_id
from portal.masters import archive, ending, launch
from portal.masters import service as masters
from portal.masters.enums import MasterType
from portal.masters.terms import MasterDetails
from portal.revenue import service as revenue
from portal.vstudio import decisions, rooms
from portal.vstudio.decisions import DecisionDetails
from portal.vstudio.rooms import RoomDetails
from tests import factories, recorded
from tests.revenue.helpers import finance, payable_master, report
from tests.vstudio.studio import ENDINGS

REQUEST = "request-of-the-story"
QUIET = recorded.EXEMPT_TABLES - {"user_sessions", "artist_follows", "ledger_entries"}


class Refused(Exception):
    """The audit log took no row."""


@contextmanager
def refusing_log() -> Iterator[None]:
    def refuse(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO audit_logs"):
            raise Refused

    sa.event.listen(Engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        sa.event.remove(Engine, "before_cursor_execute", refuse)


def everything(session: Session) -> dict[str, str]:
    """{table: digest of its rows} of every table that holds business."""
    session.rollback()
    tables = [name for name in db.metadata.tables if name not in QUIET]
    rows = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
    parts = (f"SELECT '{name}', {rows} FROM {name} t" for name in tables)
    found = {row[0]: row[1] for row in session.execute(sa.text(" UNION ALL ".join(parts)))}
    session.rollback()
    return found


class Story:
    """`does(command)` runs it twice: with an audit log that refuses, which must change nothing, and for real."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[str] = []

    def does(self, command: Callable[[], Any]) -> Any:
        before = everything(self.session)
        with refusing_log(), pytest.raises(Refused):
            command()
        assert everything(self.session) == before
        made = command()
        self.session.commit()
        after = everything(self.session)
        assert after["audit_logs"] != before["audit_logs"]
        assert {t for t in after if after[t] != before[t]} != {"audit_logs"}, "it changed something"
        return made


@pytest.fixture
def story(app: Flask, session: Session) -> Iterator[Story]:
    with acting_as(Actor("user", None, "somebody", "192.0.2.1", "A browser")), request_id.bound(REQUEST):
        yield Story(session)


@pytest.fixture
def settings_of(app: Flask) -> Settings:
    found: Settings = app.config["SETTINGS"]
    return found


def within(act: Callable[[Session], Any]) -> Callable[[], Any]:
    """A function that runs inside its caller's transaction, as a command of its own."""

    def command() -> Any:
        with transaction() as session:
            return act(session)

    return command


WALLET = "0x" + "0a" * 20
DETAILS = MasterDetails("Song", "A recording.", "Dub", MasterType.TRACK)


def test_an_artist_and_an_offer(story: Story, settings_of: Settings) -> None:
    user = factories.person(story.session).id
    made = story.does(lambda: become_artist(user, "Echo", genre="Dub", short_bio="Hi.", palette="brine"))
    artist = made.id
    story.does(within(lambda session: verify_artist(session, artist)))
    factories.unlimited(story.session, _user(story, user))
    story.session.commit()
    terms = factories.terms()
    master = story.does(lambda: masters.create_master_with_ipo(user, DETAILS, terms, settings_of)).id
    changed = MasterDetails("Another name", "A recording.", "Dub", MasterType.TRACK)
    story.does(lambda: masters.edit_draft(user, master, changed, terms, settings_of))
    story.does(lambda: masters.set_offer(user, master, factories.terms(total_supply=500), None, settings_of))
    story.does(lambda: masters.confirm_rights(user, master))
    story.does(lambda: service.link_demo_wallet(user, WALLET, "31337", "Proceeds"))
    story.does(lambda: launch.launch_ipo(user, master))
    story.does(lambda: ending.cancel_offer(user, master))
    other = story.does(lambda: masters.create_master_with_ipo(user, DETAILS, None, settings_of)).id
    story.does(lambda: archive.archive_master(user, other))


def _user(story: Story, user_id: uuid.UUID) -> User:
    return story.session.get_one(User, user_id)


def test_staff_look_at_an_offer(story: Story) -> None:
    artist = factories.artist(story.session, verified=False)
    owner, master = artist.user_id, factories.master(story.session, artist).id
    story.does(lambda: service.link_demo_wallet(owner, WALLET, "31337", "Proceeds"))
    story.does(lambda: launch.launch_ipo(owner, master))
    story.does(lambda: launch.send_back(master, "The cover is missing."))
    story.does(lambda: launch.launch_ipo(owner, master))
    story.does(lambda: launch.approve_master(master))


def test_revenue(story: Story, settings_of: Settings) -> None:
    master = payable_master(story.session)
    owner, master_id, staff = master.artist.user_id, master.id, finance(story.session).id
    first = story.does(lambda: revenue.record_revenue(owner, master_id, report(currency="USDC"), settings_of)).id
    story.does(lambda: revenue.dispute_revenue(staff, first, "charged back"))
    story.does(lambda: revenue.reject_revenue(staff, first, "no money"))
    second = story.does(lambda: revenue.record_revenue(owner, master_id, report("7", "USDC"), settings_of)).id
    story.does(lambda: revenue.verify_revenue(staff, second, "bank 1", settings_of))


def test_a_room(story: Story) -> None:
    artist = factories.artist(story.session)
    owner, master = artist.user_id, factories.master(story.session, artist, ipo=False).id
    room = story.does(lambda: rooms.create_room(owner, master, RoomDetails(title="Half the Harbour"))).id
    asked = DecisionDetails(label="Which ending?", options=ENDINGS)
    decision = story.does(lambda: decisions.add_decision(owner, room, asked)).id
    story.does(lambda: rooms.start(owner, room))
    story.does(lambda: decisions.open_decision(owner, decision))
    story.does(lambda: decisions.close_decision(owner, decision))
    story.does(lambda: decisions.reveal_decision(owner, decision))
    story.does(lambda: decisions.finalize_decision(owner, decision, "a"))
    story.does(lambda: rooms.lock(owner, room))
    story.does(lambda: rooms.complete(owner, room))


def test_a_person(story: Story, settings_of: Settings) -> None:
    user = story.does(within(lambda session: service.create_person(session, "mira@example.org", "Mira"))).id
    story.does(lambda: profile.update(user, "Mira O.", "Hello", None, False))
    story.does(within(lambda session: service.grant_role(session, user, UserRole.PRODUCER)))
    story.does(within(lambda session: service.grant_permission(session, user, Permission.FINANCE_READ)))
    story.does(within(lambda session: service.revoke_permission(session, user, Permission.FINANCE_READ)))
    story.does(lambda: service.link_demo_wallet(user, WALLET, "31337", "Mine"))
    tokens = [service.open_session(story.session, _user(story, user), settings_of) for _ in range(2)]
    story.session.commit()
    keep = story.session.scalars(sa.select(UserSession.id).where(UserSession.user_id == user)).first()
    assert keep is not None
    story.does(lambda: sessions.revoke_others(user, keep))
    left = next(t for t in tokens if service.token_hash(t) == _hash_of(story, keep))
    story.does(lambda: service.sign_out(left))


def _hash_of(story: Story, session_id: uuid.UUID) -> str:
    return str(story.session.scalar(sa.select(UserSession.token_hash).where(UserSession.id == session_id)))


def test_who_and_which_request_and_no_secret(story: Story, settings_of: Settings) -> None:
    user = factories.person(story.session, "mira@example.org")
    token = service.open_session(story.session, user, settings_of)
    story.session.commit()
    with acting_as(Actor("user", user.id, user.email, "192.0.2.1", "A browser")):
        story.does(lambda: service.sign_out(token))
    row = story.session.scalars(sa.select(AuditLog).where(AuditLog.action == "sign_out")).one()
    assert (row.user_id, row.actor_identifier, row.request_id) == (user.id, "mira@example.org", REQUEST)
    assert (row.ip_address, row.user_agent) == ("192.0.2.1", "A browser")
    whole = json.dumps([row.previous_state, row.new_state, row.metadata_, row.description])
    assert token not in whole
    assert service.token_hash(token) not in whole


def test_the_watch_sees_a_change_without_a_record(app: Flask, session: Session) -> None:
    user = factories.person(session).id
    rename = sa.text("UPDATE users SET display_name = 'Nobody' WHERE id = :id")
    with pytest.raises(AssertionError, match="changes users without an audit row"):
        within(lambda session: session.execute(rename, {"id": user}))()
