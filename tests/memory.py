"""A folder for the servers of a test run: in memory where there is room, as copying a database takes a tenth there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 3 * 10**9
"""Bytes that must be free for each process of a run; databases take a tenth of it, the
write-ahead log as much as it takes in the portal (1 GB), so that measurements are those of the portal."""


@pytest.fixture(scope="session")
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gone with the test run. A run that was killed leaves its own behind: the next one takes that away."""
    for left in MEMORY.glob("audifi-tests-*"):
        if not Path("/proc", left.name.rpartition("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield tmp_path_factory.mktemp("servers")
        return
    folder = MEMORY / f"audifi-tests-{os.getpid()}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)
