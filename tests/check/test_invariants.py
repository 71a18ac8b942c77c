"""`flask check`. Promise 10: every invariant finds its corruption and names the row, and a clean seed breaks none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa
from click.testing import Result as Outcome

from portal import checking
from portal.checks import ChainCheck
from portal.db import db
from tests.check.conftest import Court
from tests.check.corruptions import CORRUPTIONS
from tests.garden import Garden
from tests.onchain import as_worker


def test_every_invariant_has_a_corruption() -> None:
    checks = checking.every()
    assert sorted(CORRUPTIONS) == [check.name for check in checks]
    assert len(checks) >= 25
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", check.name) and check.sentence.endswith(".") for check in checks)


def test_a_clean_seed_breaks_none(sealed: Garden) -> None:
    with as_worker(sealed.app):
        results = checking.run(sealed.app.config["SETTINGS"])
    assert [(r.check.name, r.findings, r.unchecked) for r in results if not r.holds] == []


def test_each_corruption_is_found_with_its_row(court: Court) -> None:
    """One loop, not a hundred tests: what is slow is to begin a test."""
    missed = {}
    for name, corruption in CORRUPTIONS.items():
        rows, result = court.after(name, corruption)
        named = {finding.id for finding in result.findings}
        if not rows or not rows <= named or result.unchecked or result.broken < len(rows):
            missed[name] = rows, named, result.unchecked
    assert missed == {}


# --- the command ------------------------------------------------------------------------------------------


def check(garden: Garden, *options: str) -> Outcome:
    with as_worker(garden.app):
        return garden.app.test_cli_runner().invoke(args=["check", *options])


@contextmanager
def one_vote_too_many(garden: Garden) -> Iterator[str]:
    """The id of a room whose counter is wrong meanwhile."""
    change = "UPDATE vstudio_sessions SET total_votes = total_votes + :n WHERE status = 'live' RETURNING id"
    with as_worker(garden.app):
        room = db.session.scalar(sa.text(change), {"n": 1})
        db.session.commit()
    try:
        yield str(room)
    finally:
        with as_worker(garden.app):
            db.session.execute(sa.text(change), {"n": -1})
            db.session.commit()


@contextmanager
def silent_node(garden: Garden) -> Iterator[None]:
    config = garden.app.config
    settings = config["SETTINGS"]
    config["SETTINGS"] = replace(settings, rpc_url="http://127.0.0.1:9")
    try:
        yield
    finally:
        config["SETTINGS"] = settings


def test_the_command_names_the_row_and_ends_with_1(sealed: Garden) -> None:
    name = "rooms.total_votes_is_votes"
    with one_vote_too_many(sealed) as room:
        told, machine = check(sealed, "--only", name), check(sealed, "--only", name, "--json")
    assert (told.exit_code, machine.exit_code) == (1, 1)
    assert f"BROKEN       {name}: 1 row" in told.output
    assert f"vstudio_sessions {room}: " in told.output
    assert told.output.endswith("1 invariants: 0 hold, 1 broken, 0 not checked\n")
    [row] = json.loads(machine.output)[name]["rows"]
    assert row["id"] == room
    assert int(row["seen"]) == int(row["should"]) + 1


def test_a_silent_node_is_said_and_never_counted_as_truth(sealed: Garden) -> None:
    with silent_node(sealed):
        asked, not_asked = check(sealed), check(sealed, "--no-chain")
    unchecked = [line for line in asked.output.splitlines() if line.startswith("not checked")]
    assert asked.exit_code == 3
    assert not_asked.exit_code == 0
    assert {"shares.owner_is_chain_owner: The chain does not answer right now."} <= {
        line.removeprefix("not checked  ") for line in unchecked
    }
    on_chain = {check.name for check in checking.every() if isinstance(check, ChainCheck)}
    assert {line.split()[2].rstrip(":") for line in unchecked} <= on_chain
    assert not any(name in not_asked.output for name in on_chain)


def test_what_is_broken_counts_more_than_what_is_not_checked(sealed: Garden) -> None:
    with silent_node(sealed), one_vote_too_many(sealed):
        only = ("--only", "rooms.total_votes_is_votes", "--only", "shares.owner_is_chain_owner")
        assert check(sealed, *only).exit_code == 1


def test_another_block_at_the_node_is_a_reorg_on_its_way(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    with court.connection.begin() as transaction:
        court.connection.execute(sa.text("UPDATE chain_cursors SET head_hash = '0x' || repeat('d', 64)"))
        place = checking.where(court.connection, court.settings)
        result = checking.hold(court.connection, court.checks["shares.owner_is_chain_owner"], court.settings, place)
        transaction.rollback()
    assert place == result.unchecked == checking.MOVING
    assert not result.broken


def test_a_role_that_sees_a_part_is_refused(sealed: Garden) -> None:
    with sealed.app.test_request_context(), pytest.raises(checking.Hidden), checking.one_moment():
        pass


def test_nothing_is_written(sealed: Garden) -> None:
    with (
        as_worker(sealed.app),
        checking.one_moment() as connection,
        pytest.raises(sa.exc.InternalError, match="read-only transaction"),
    ):
        connection.execute(sa.text("UPDATE users SET bio = 'x'"))


def test_names_are_listed_and_unknown_ones_refused(sealed: Garden) -> None:
    listed = check(sealed, "--list")
    assert len(listed.output.splitlines()) == len(checking.every())
    refused = check(sealed, "--only", "shares.are_blue")
    assert (refused.exit_code, "no invariant shares.are_blue" in refused.output) == (2, True)
