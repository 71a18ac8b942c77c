"""The test seed, killed on its way and run again, keeps what it promises; a further run changes nothing."""

from __future__ import annotations

import random
import time

import pytest

from portal import progress
from portal.accounts.service import create_person
from portal.chain.client import Client as Node
from portal.db import transaction
from portal.indexer import service as indexer
from portal.seed import Patience, Stalled, run, sow
from portal.seed.data import ACTS, PLANS, STAFF
from portal.seed.field import Field
from tests.onchain import as_worker
from tests.seed import promises
from tests.seed.conftest import Garden, Killed

LONGEST = 700
"""About how often the test seed commits."""


def early_birds() -> None:
    """Somebody signed in as staff and as an artist before the demo data was there."""
    with transaction() as session:
        for email in (STAFF[0].email, ACTS[0].email):
            create_person(session, email, "Early bird")


def test_killed_and_run_again_it_keeps_its_promises(garden: Garden, onchain: Node) -> None:
    with as_worker(garden.app):
        early_birds()
    try:
        garden.sow(die_at=random.randrange(1, LONGEST))
    except Killed:
        assert garden.sow()
    garden.tend()
    promises.keep()
    with as_worker(garden.app):
        assert indexer.differences(31337) == {}
    assert abs(onchain.clock() - time.time()) < 2
    before = promises.everything()
    assert not garden.sow(), "a seed that is through has nothing to do"
    with as_worker(garden.app):
        settings = garden.app.config["SETTINGS"]
        run.run_steps(Field(settings, PLANS["test"], Patience(garden.work)))
    assert promises.everything() == before


@pytest.mark.slow
def test_killed_many_times_it_keeps_its_promises(garden: Garden) -> None:
    deaths = 0
    for _ in range(20):
        try:
            garden.sow(die_at=random.randrange(1, LONGEST // 3))
            break
        except Killed:
            deaths += 1
    else:
        garden.sow()
    garden.tend()
    promises.keep()
    assert deaths


def test_a_seed_that_gives_up_leaves_the_past(garden: Garden, onchain: Node) -> None:
    with pytest.raises(Stalled, match="Tidal Rooms becomes live"), as_worker(garden.app):
        sow(garden.app, "test", Patience(lambda: None, seconds=0.2))
    assert abs(onchain.clock() - time.time()) < 3
    assert progress.read(garden.app.config["SETTINGS"].data_dir) is None
