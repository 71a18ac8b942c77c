"""Seconds from `python wsgi.py` to the first page: on an empty data folder, and on one that is there.

`python -m pytest -m bench -n 0 -s tests/bench/test_startup.py` prints them with the machine's load. Targets on two
quiet cores: 5 s for a first start, 3 s for a later one; nothing is asserted about time.
"""

from __future__ import annotations

import os
import socket
import statistics
import time
import urllib.request
from pathlib import Path

import pytest

from tests.embedded.running import Portal, folder_for

pytestmark = pytest.mark.bench
RUNS = 3
PATIENCE = 120


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def seconds_to_the_first_page(data: Path) -> float:
    """Start, get the home page as a visitor who does not wait to be asked, stop."""
    port, start = free_port(), time.monotonic()
    running = Portal("root" if os.getuid() == 0 else "user", data, "--port", str(port))
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as page:
                    assert page.status == 200
                    return time.monotonic() - start
            except OSError:
                assert time.monotonic() - start < PATIENCE, running.said
                time.sleep(0.01)
    finally:
        running.process.terminate()
        running.process.wait(PATIENCE)


def test_first_and_later_starts(tmp_path: Path) -> None:
    first, later = [], []
    for run in range(RUNS):
        data = folder_for("root", tmp_path / f"data-{run}")
        first.append(seconds_to_the_first_page(data))
        later.append(seconds_to_the_first_page(data))
        print(f"start {run + 1}: first {first[-1]:.2f} s, later {later[-1]:.2f} s (load {os.getloadavg()[0]:.1f})")
    print(f"median: first {statistics.median(first):.2f} s, later {statistics.median(later):.2f} s")
    assert len(first) == len(later) == RUNS
