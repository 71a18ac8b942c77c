"""The test seed, killed on its way and run again, keeps what it promises; a further run changes nothing."""

from __future__ import annotations

import random
import time

import pytest

from portal import progress
from portal.chain import client
from portal.chain.client import Client as Node
from portal.indexer import service as indexer
from portal.seed import Patience, Stalled, run, sow
from portal.seed.data import PLANS
from portal.seed.field import Field
from tests.garden import Garden, Killed
from tests.onchain import as_worker
from tests.seed import promises
from tests.seeded import LONGEST


def test_killed_and_run_again_it_keeps_its_promises(seeded: Garden) -> None:
    settings = seeded.app.config["SETTINGS"]
    promises.keep()
    with as_worker(seeded.app):
        assert indexer.differences(31337) == {}
    assert abs(client.connect(settings).clock() - time.time()) < 2
    before = promises.everything()
    assert not seeded.sow(), "a seed that is through has nothing to do"
    with as_worker(seeded.app):
        run.run_steps(Field(settings, PLANS["test"], Patience(seeded.work)))
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


@pytest.mark.walk
def test_a_seed_that_gives_up_leaves_the_past(garden: Garden, onchain: Node) -> None:
    with pytest.raises(Stalled, match="Tidal Rooms becomes live"), as_worker(garden.app):
        sow(garden.app, "test", Patience(lambda: None, seconds=0.2))
    assert abs(onchain.clock() - time.time()) < 3
    assert progress.read(garden.app.config["SETTINGS"].data_dir) is None
