"""The vote's transaction against a bare INSERT, in the same run: only the ratio means something."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.db import db
from portal.vstudio.models import VstudioVote
from tests.vstudio import studio

pytestmark = pytest.mark.bench
VOTES = 400


def rate(app: Flask, clients: int, act: Callable[[uuid.UUID], object], people: list[uuid.UUID]) -> float:
    """Acts a second by so many clients, each with a connection of its own."""

    def run(user: uuid.UUID) -> None:
        with app.app_context():
            act(user)
            db.session.remove()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(run, people[:clients]))
        start = time.perf_counter()
        list(pool.map(run, people[clients:]))
        return (len(people) - clients) / (time.perf_counter() - start)


def some_people(session: Session, count: int) -> list[uuid.UUID]:
    ids = [uuid.uuid4() for _ in range(count)]
    statement = sa.text("INSERT INTO users (id, email, display_name) VALUES (:id, :email, 'Fan')")
    session.execute(statement, [{"id": one, "email": f"{one}@example.org"} for one in ids])
    session.commit()
    return ids


@pytest.mark.parametrize("clients", [1, 8])
def test_votes_a_second(live_app: Flask, session: Session, clients: int, capsys: pytest.CaptureFixture[str]) -> None:
    held = studio.room(session)
    decision, bare = studio.poll(held), studio.poll(held)
    people = some_people(session, VOTES + clients)
    row = {"decision_point_id": bare.id, "vstudio_session_id": held.id, "option_selected": "a"}

    def insert(user: uuid.UUID) -> None:
        db.session.execute(sa.insert(VstudioVote).values(id=uuid.uuid4(), user_id=user, **row))
        db.session.commit()

    floor = rate(live_app, clients, insert, people)
    whole = rate(live_app, clients, lambda user: studio.vote(user, decision), people)
    with capsys.disabled():
        print(
            f"\nvote transaction, {clients} client(s): {whole:,.0f}/s; bare INSERT {floor:,.0f}/s;"
            f" ratio {whole / floor:.2f}"
        )
    assert studio.counted(held.id)["total_votes"] == len(people)
