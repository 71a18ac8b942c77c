"""Seals over the audit log: what a superuser does to it is found and named, and nothing that commits late is lost."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.audit import heads, leaves, sealing
from portal.audit.context import Actor, acting_as
from portal.audit.enums import AuditActionCategory
from portal.audit.service import forget, record
from portal.audit.verifying import Report, verify
from portal.config import Settings
from portal.crypto.keyring import KeyFault, Keyring
from portal.db import db, transaction, use_database
from portal.embedded.postgres import Postgres
from tests.factories import person

Sql = Callable[..., Any]
_numbers = itertools.count()


@pytest.fixture
def worker(live_app: Flask) -> Settings:
    """Of an application that works as the worker's role, as the sealer does."""
    found: Settings = live_app.config["SETTINGS"]
    use_database(found.for_worker())
    return found


@pytest.fixture
def root(worker: Settings, postgres: Postgres) -> Iterator[Sql]:
    """`root(sql, …)` runs a statement as the superuser, past every right and trigger."""
    url = postgres.url("postgres", str(make_url(worker.database_url).database)).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")

        def do(sql: str, *values: Any) -> Any:
            cursor = connection.execute(sql, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else None

        yield do


def write(count: int = 1, **about: Any) -> list[uuid.UUID]:
    """That many rows, each in a transaction of its own; returns their ids."""
    for _ in range(count):
        with transaction() as session:
            record(session, f"act_{next(_numbers)}", AuditActionCategory.ADMIN, **about)
    ids = db.session.scalars(sa.text("SELECT id FROM audit_logs ORDER BY created_at DESC LIMIT :n"), {"n": count}).all()
    db.session.rollback()
    return list(ids)[::-1]


@pytest.fixture
def sealed(worker: Settings, live_app: Flask) -> list[uuid.UUID]:
    """Three seals of three rows each."""
    ids = []
    for _ in range(3):
        ids += write(3)
        assert sealing.seal(worker) == 3
    return ids


def clean(report: Report) -> bool:
    return report.findings == []


# --- sealing ----------------------------------------------------------------------------------------------


def test_what_was_sealed_verifies(worker: Settings, sealed: list[uuid.UUID]) -> None:
    write(2)
    report = verify(worker)
    assert clean(report)
    assert (report.seals, report.rows, report.waiting) == (3, 9, 2)


def test_nothing_new_makes_no_seal(worker: Settings, sealed: list[uuid.UUID]) -> None:
    assert sealing.seal(worker) == 0
    assert verify(worker).seals == 3


def test_many_rows_become_several_seals(worker: Settings, live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    write(10)
    assert sealing.seal(worker) == 10
    report = verify(worker)
    assert clean(report)
    assert (report.seals, report.rows) == (3, 10)


def test_rows_of_one_moment_stay_together(worker: Settings, root: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    write(5)
    root("UPDATE audit_logs SET created_at = (SELECT min(created_at) FROM audit_logs)")
    assert sealing.seal(worker) == 5
    assert clean(verify(worker))


def test_the_clock_seals_and_verifies(session: Session, live_app: Flask) -> None:
    names = session.scalars(sa.text("SELECT name FROM periodic WHERE name LIKE '%audit%' ORDER BY name")).all()
    assert names == ["seal_audit_log", "verify_audit_log"]


# --- what a superuser does --------------------------------------------------------------------------------


def test_every_edited_row_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """Promise 74: edited by a superuser."""
    changes = (
        "action = 'nothing'",
        "actor_identifier = 'somebody else'",
        "new_state = '{\"price\": 1}'",
        "created_at = created_at + interval '1 microsecond'",
        "success = false",
        "ip_address = '192.0.2.1'",
        "user_id = NULL, request_id = 'forged'",
        "changed_fields = '[\"price\"]'",
        "description = 'Nothing happened'",
    )
    for row, change in zip(sealed, changes, strict=True):
        root(f"UPDATE audit_logs SET {change} WHERE id = %s", row)
    assert verify(worker).findings == [
        f"row {row} (place {number % 3} of seal {number // 3 + 1}) was changed" for number, row in enumerate(sealed)
    ]


def test_a_deleted_row_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """Promise 74: deleted."""
    root("DELETE FROM audit_logs WHERE id = %s", sealed[4])
    assert verify(worker).findings == [f"row {sealed[4]} (place 1 of seal 2) was deleted"]


def test_a_row_deleted_with_its_leaf_leaves_a_gap(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    for gone in (sealed[4], sealed[8]):
        root("DELETE FROM audit_logs WHERE id = %s", gone)
        root("DELETE FROM audit_leaves WHERE audit_id = %s", gone)
    deleted = "the row at place {} of seal {} was deleted together with its leaf"
    assert verify(worker).findings == [deleted.format(1, 2), deleted.format(2, 3)]


def test_an_inserted_row_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """Promise 74: inserted."""
    copied = "actor_type, action_category, action, created_at"
    forged = f"INSERT INTO audit_logs ({copied}) SELECT {copied} FROM audit_logs WHERE id = %s RETURNING id"
    ((row,),) = root(forged, sealed[3])
    assert verify(worker).findings == [f"row {row} was inserted into the time of seal 2 after it had been sealed"]
    assert sealing.seal(worker) == 0, "no later seal takes a forged row up"


def test_two_rows_that_changed_places_are_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """Promise 74: reordered."""
    one, other = sealed[1], sealed[5]
    root(
        "UPDATE audit_logs a SET created_at = b.created_at FROM audit_logs b"
        " WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))",
        one, other, other, one,
    )  # fmt: skip
    findings = verify(worker).findings
    assert [f.split()[1] for f in findings] == [str(one), str(other)]


def test_leaves_that_changed_places_are_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    root("UPDATE audit_leaves SET position = position + 10 WHERE audit_id = %s", sealed[0])
    root("UPDATE audit_leaves SET position = 0 WHERE audit_id = %s", sealed[1])
    root("UPDATE audit_leaves SET position = 1 WHERE audit_id = %s", sealed[0])
    named = {f.split()[1] for f in verify(worker).findings}
    assert named == {str(sealed[0]), str(sealed[1])}


def test_a_tail_that_was_cut_off_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """Promise 74: the tail cut off, with its leaves and its seal."""
    root("DELETE FROM audit_logs WHERE id = ANY (%s)", sealed[6:])
    root("DELETE FROM audit_leaves WHERE seal_number = 3")
    root("DELETE FROM audit_seals WHERE number = 3")
    cut = f"seal 3 was cut off with its 3 rows, the last of them row {sealed[8]}"
    assert verify(worker).findings == [cut]
    write(3)
    sealing.seal(worker)
    assert verify(worker).findings == [f"seal 3 is not the one that was exported, whose last row was {sealed[8]}"]


def test_a_truncated_log_names_every_row(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    root("TRUNCATE audit_logs")
    findings = verify(worker).findings
    assert [f.split()[1] for f in findings] == [str(row) for row in sealed]


def test_a_missing_seal_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    root("DELETE FROM audit_seals WHERE number = 2")
    findings = verify(worker).findings
    assert "seal 2 is missing: the next one that is there is seal 3" in findings
    assert f"row {sealed[3]} belongs to seal 2, which is gone" in findings


def test_every_changed_seal_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    for number, change in ((1, "row_count = 4"), (2, "merkle_root = repeat('0', 64)"), (3, "signature = 'forged'")):
        root(f"UPDATE audit_seals SET {change} WHERE number = %s", number)
    findings = verify(worker).findings
    assert {f"seal {number} was changed" for number in (1, 2, 3)} <= set(findings)


def test_a_forged_leaf_needs_the_key(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    """With every right, and knowing how it is done, but not the key."""
    root("UPDATE audit_logs SET action = 'nothing' WHERE id = %s", sealed[0])
    ((plain, actor, subject),) = root(
        f"SELECT {leaves.PLAIN}, l.actor_commitment, l.subject_commitment FROM audit_logs a"
        " JOIN audit_leaves l ON l.audit_id = a.id WHERE a.id = %s",
        sealed[0],
    )
    forged = leaves.leaf(b"?" * 32, 1, 0, plain, actor, subject)
    root("UPDATE audit_leaves SET leaf = %s WHERE audit_id = %s", forged, sealed[0])
    assert f"row {sealed[0]} (place 0 of seal 1) was changed" in verify(worker).findings


def test_a_changed_head_in_the_data_folder_is_named(worker: Settings, sealed: list[uuid.UUID]) -> None:
    path = heads.file(worker)
    path.write_text(path.read_text().replace('"hash": "', '"hash": "0'))
    assert len([f for f in verify(worker).findings if "exported head" in f]) == 3


def test_another_key_cannot_say_anything(worker: Settings, sealed: list[uuid.UUID]) -> None:
    with pytest.raises(KeyFault, match="There is no key"):
        verify(replace(worker, seal_keys=Keyring({"other": b"x" * 32}).text()))


def test_the_command_names_the_row(worker: Settings, sealed: list[uuid.UUID], root: Sql, live_app: Flask) -> None:
    """Promise 74: `flask audit verify` says which row and ends with an error."""
    assert live_app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0
    root("UPDATE audit_logs SET action = 'nothing' WHERE id = %s", sealed[7])
    done = live_app.test_cli_runner().invoke(args=["audit", "verify"])
    assert done.exit_code == 1
    assert done.stdout.startswith(f"row {sealed[7]} (place 1 of seal 3) was changed\n9 rows in 3 seals")


# --- heads ------------------------------------------------------------------------------------------------


def test_heads_leave_the_database(worker: Settings, sealed: list[uuid.UUID]) -> None:
    exported = heads.exported(worker)
    assert [head["number"] for head in exported] == [1, 2, 3]
    assert exported[2]["lastRow"] == str(sealed[8])
    assert heads.file(worker).stat().st_mode & 0o777 == 0o600


def test_a_lost_or_torn_export_is_made_up_for(worker: Settings, sealed: list[uuid.UUID]) -> None:
    path = heads.file(worker)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2])[:-20])
    sealing.seal(worker)
    assert [head["number"] for head in heads.exported(worker)] == [1, 2, 3]
    assert clean(verify(worker))


# --- forgetting -------------------------------------------------------------------------------------------


def about(user: User) -> dict[str, Any]:
    return {"target": ("user", user.id, user.email), "before": {"email": ""}, "after": {"email": user.email}}


def acted(user: User) -> Actor:
    return Actor("user", user.id, user.email, "192.0.2.7", "A browser")


def test_forgetting_a_person_keeps_the_seals_whole(worker: Settings, session: Session, root: Sql) -> None:
    gone, stays = person(session, "gone@example.org"), person(session, "stays@example.org")
    with acting_as(acted(gone)):
        write(1, **about(gone))
        write(1, target=("master", uuid.uuid4(), "Song"), after={"title": "Song"})
    with acting_as(acted(stays)):
        write(1, **about(gone))
        write(1, **about(stays))
    sealing.seal(worker)
    forget_as_worker(worker, gone.id)
    (everything,) = root("SELECT string_agg(a::text, ' ') FROM audit_logs a")
    assert "gone@example.org" not in everything[0]
    assert "stays@example.org" in everything[0]
    assert "Song" in everything[0]
    assert clean(verify(worker))
    assert sealing.seal(worker) == 1, "the record of it"
    assert clean(verify(worker))


def forget_as_worker(worker: Settings, person_id: uuid.UUID, targets: tuple[uuid.UUID, ...] = ()) -> None:
    engine = sa.create_engine(worker.worker_database_url)
    with Session(engine) as connected:
        forget(connected, person_id, targets)
        connected.commit()
    engine.dispose()


def test_the_keys_are_gone_and_the_commitments_stay(worker: Settings, session: Session, root: Sql) -> None:
    user = person(session)
    thing = uuid.uuid4()
    with acting_as(acted(user)):
        (row,) = write(1, target=("artist", thing, user.email), after={"name": user.email})
    sealing.seal(worker)
    forget_as_worker(worker, user.id, (thing,))
    kept = "SELECT actor_key, subject_key, actor_commitment IS NOT NULL FROM audit_leaves WHERE audit_id = %s"
    found = root(kept, row)
    assert found == [(None, None, True)]
    assert clean(verify(worker))


def test_emptying_a_row_without_a_record_is_named(worker: Settings, sealed: list[uuid.UUID], root: Sql) -> None:
    root("UPDATE audit_leaves SET actor_key = NULL WHERE audit_id = %s", sealed[2])
    root("UPDATE audit_logs SET actor_identifier = NULL, user_agent = NULL WHERE id = %s", sealed[2])
    (found,) = verify(worker).findings
    assert found == f"row {sealed[2]} (place 2 of seal 1) was emptied, and no record tells of anonymising"


def test_an_emptied_row_cannot_be_filled_again(worker: Settings, session: Session, root: Sql) -> None:
    user = person(session)
    with acting_as(acted(user)):
        (row,) = write(1)
    sealing.seal(worker)
    forget_as_worker(worker, user.id)
    root("UPDATE audit_logs SET actor_identifier = 'somebody else' WHERE id = %s", row)
    (found,) = verify(worker).findings
    assert "was changed after it had been emptied" in found


def test_the_web_cannot_forget(live_app: Flask, session: Session) -> None:
    user_id = person(session).id
    session.rollback()
    refusal = pytest.raises(sa.exc.ProgrammingError, match="permission denied for function audit_forget")
    with live_app.test_request_context(), refusal:
        forget(db.session(), user_id)
    db.session.rollback()


# --- while others write -----------------------------------------------------------------------------------


def test_a_row_that_commits_late_is_sealed_in_its_turn(worker: Settings, session: Session, live_app: Flask) -> None:
    """Its time is earlier than that of a row which was there to be sealed first."""
    with psycopg.connect(worker.database_url.replace("+psycopg", "")) as slow:
        early = slow.execute(
            "INSERT INTO audit_logs (actor_type, action_category, action) VALUES ('user', 'ipo', 'slow') RETURNING id"
        ).fetchone()
        write(2)
        assert sealing.horizon(patience=0.1) is None
        thread = threading.Timer(0.3, slow.commit)
        thread.start()
        assert sealing.seal(worker) == 3
        thread.join()
    first = db.session.scalar(sa.text("SELECT audit_id FROM audit_leaves WHERE seal_number = 1 AND position = 0"))
    assert early == (first,)
    assert clean(verify(worker))


def test_nothing_is_lost_while_many_write(worker: Settings, live_app: Flask, root: Sql) -> None:
    over = threading.Event()

    def scribble() -> None:
        with live_app.app_context():
            while not over.is_set():
                with transaction() as session:
                    record(session, "scribble", AuditActionCategory.ADMIN)
                    session.execute(sa.text("SELECT pg_sleep(random() * 0.02)"))
                    if next(_numbers) % 5 == 0:
                        session.rollback()
            db.session.remove()

    writers = [threading.Thread(target=scribble) for _ in range(4)]
    for writer in writers:
        writer.start()
    rounds = [sealing.seal(worker) for _ in range(12)]
    over.set()
    for writer in writers:
        writer.join()
    rounds.append(sealing.seal(worker))
    assert sum(rounds) == root("SELECT count(*) FROM audit_logs")[0][0] > 20
    report = verify(worker)
    assert clean(report)
    assert report.waiting == 0


def test_two_sealers_make_one_chain(worker: Settings, live_app: Flask) -> None:
    write(6)

    def seal() -> None:
        with live_app.app_context():
            sealing.seal(worker)
            db.session.remove()

    both = [threading.Thread(target=seal) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    report = verify(worker)
    assert clean(report)
    assert (report.seals, report.rows) == (1, 6)
    assert len(heads.exported(worker)) == 1


# --- arithmetic -------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.data())
def test_a_root_changes_with_every_leaf_and_with_their_order(count: int, data: st.DataObject) -> None:
    made = [number.to_bytes(32, "big") for number in range(1, count + 1)]
    whole = leaves.root(made)
    place = data.draw(st.integers(0, count - 1))
    assert leaves.root([*made[:place], bytes(32), *made[place + 1 :]]) != whole
    assert leaves.root(made[:place] + made[place + 1 :]) != whole
    assert leaves.root([*made, made[-1]]) != whole
    assert leaves.root(made[::-1]) != whole or len(made) == 1


def test_heads_are_plain_lines(worker: Settings, sealed: list[uuid.UUID]) -> None:
    lines = Path(heads.file(worker)).read_text().splitlines()
    assert {"number", "rows", "lastRow", "hash", "key", "signature", "until"} == set(json.loads(lines[0]))
