"""Every night the database's invariants are looked at; one that stays broken is a critical event that staff see."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.admin.jobs import check_invariants
from portal.audit.enums import SecuritySeverity
from portal.audit.models import SecurityEvent, SystemEvent
from portal.db import db
from portal.outbox import OutboxJob
from tests import factories
from tests.onchain import as_worker

NAME = "artists.follower_count_is_follows"


def nightly(app: Flask, *again: str) -> SystemEvent:
    """Carries the job out as a worker does; returns what it wrote."""
    with as_worker(app):
        db.session.execute(sa.text("UPDATE periodic SET next_at = now() + interval '1 day'"))
        db.session.commit()
        check_invariants(again)
        statement = sa.select(SystemEvent).where(SystemEvent.event_type == "check_invariants")
        found = db.session.scalars(statement.order_by(SystemEvent.created_at.desc())).first()
        assert found is not None
        return found


def test_the_clock_asks_for_it(live_app: Flask, session: Session) -> None:
    assert session.scalar(sa.text("SELECT every_seconds FROM periodic WHERE name = 'check_invariants'")) == 86400


def test_what_stays_broken_is_a_critical_event_with_its_name_and_row(live_app: Flask) -> None:
    assert nightly(live_app).success
    with as_worker(live_app):
        artist = factories.artist(db.session())
        artist.follower_count = 7
        db.session.commit()
        artist_id = artist.id
    named = f"{NAME}: 1, first artists {artist_id}"
    told = nightly(live_app)
    assert (told.success, told.error_message) == (False, named)
    assert db.session.scalars(sa.select(SecurityEvent)).all() == []
    later = sa.select(OutboxJob.payload).where(OutboxJob.job == "check_invariants")
    assert db.session.scalar(later) == {"again": [NAME]}
    nightly(live_app, NAME)
    (event,) = db.session.scalars(sa.select(SecurityEvent)).all()
    assert (event.severity, event.event_data) == (
        SecuritySeverity.CRITICAL,
        {"rule": "invariants", "indicators": [named]},
    )
