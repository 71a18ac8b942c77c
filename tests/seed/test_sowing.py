"""The test seed, killed on its way and run again, keeps what it promises; a further run changes nothing."""

from __future__ import annotations

import random
import time

from portal.chain.client import Client as Node
from portal.indexer import service as indexer
from portal.seed import run
from portal.seed.data import PLANS
from portal.seed.field import Field
from portal.seed.waiting import Patience
from tests.onchain import as_worker
from tests.seed import promises
from tests.seed.conftest import Garden, Killed

LONGEST = 700
"""About how often the test seed commits."""


def test_killed_and_run_again_it_keeps_its_promises(garden: Garden, onchain: Node) -> None:
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
    assert not garden.sow()
    with as_worker(garden.app):
        settings = garden.app.config["SETTINGS"]
        run.run_steps(Field(settings, PLANS["test"], Patience(garden.work)))
    assert promises.everything() == before
