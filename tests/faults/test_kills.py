"""kill -9 at random moments of the demo story, and the supervisor's restarts, do not change its outcome.

`AUDIFI_TEST_SEED=n` repeats a run; the seed and every kill are printed.
"""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.running import Portal, folder_for, portal
from tests.faults.story import add_staff, all_is_counted_once, nothing_is_left, walk_under_fire

WORKING = ("worker-1", "indexer", "relay", "valkey")
EVERYBODY = (*WORKING, "web", "devchain", "postgres")
# The Socket.IO client leaves the socket of a line that was cut to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_for("root", tmp_path_factory.mktemp("home") / "data")


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Portal]:
    with portal("root" if os.getuid() == 0 else "user", data, "--no-demo-data") as whole:
        add_staff(data)
        yield whole


def the_story_is_the_same(running: Portal, data: Path, victims: tuple[str, ...], kills: int) -> None:
    seed = int(os.environ.get("AUDIFI_TEST_SEED") or random.randrange(10**6))
    walk = walk_under_fire(running, data, victims, kills, seed)
    nothing_is_left(data)
    all_is_counted_once(walk, data)
    gc.collect()


@pytest.mark.walk
def test_five_kills(running: Portal, data: Path) -> None:
    the_story_is_the_same(running, data, WORKING, 5)


@pytest.mark.slow
@pytest.mark.parametrize("run", range(4))
def test_five_kills_of_anybody(running: Portal, data: Path, run: int) -> None:
    the_story_is_the_same(running, data, EVERYBODY, 5)
