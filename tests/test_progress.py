"""What the first page says while the demo data is being added."""

from __future__ import annotations

import os
import time
from pathlib import Path

from portal import progress
from portal.progress import FRESH_SECONDS, Progress
from tests.conftest import Client


def test_what_was_noted_is_read_until_it_is_over(tmp_path: Path) -> None:
    assert progress.read(tmp_path) is None
    progress.note(tmp_path, Progress(3, 16))
    assert progress.read(tmp_path) == Progress(3, 16)
    progress.note(tmp_path, None)
    progress.note(tmp_path, None)
    assert progress.read(tmp_path) is None


def test_a_seed_that_is_gone_says_nothing(tmp_path: Path) -> None:
    progress.note(tmp_path, Progress(3, 16))
    long_ago = time.time() - FRESH_SECONDS - 1
    os.utime(tmp_path / "run" / "seed-progress", (long_ago, long_ago))
    assert progress.read(tmp_path) is None
    (tmp_path / "run" / "seed-progress").write_text("half a l")
    assert progress.read(tmp_path) is None


def test_the_first_page_tells_how_far_it_is(client: Client) -> None:
    data_dir = client.application.config["SETTINGS"].data_dir
    progress.note(data_dir, Progress(7, 16))
    assert b"Demo data is being added: step 7 of 16" in client.get("/").data
    progress.note(data_dir, None)
    assert b"Demo data" not in client.get("/").data
