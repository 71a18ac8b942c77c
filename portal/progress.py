"""How far the demo data has come: one small file in the data folder, written by the seed and read by the first page.

A file, because the page must neither wait for it nor fail without it; one that nobody has touched for a while is of
a seed that is gone, and says nothing.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

FRESH_SECONDS = 120


@dataclass(frozen=True)
class Progress:
    """Step `step` of `of` is running."""

    step: int
    of: int


def note(data_dir: Path, progress: Progress | None) -> None:
    """Say how far it is; None when it is over. A data folder that cannot be written is not worth a failure."""
    with contextlib.suppress(OSError):
        if progress is None:
            _file(data_dir).unlink(missing_ok=True)
            return
        fresh = _file(data_dir).with_suffix(".new")
        fresh.parent.mkdir(mode=0o700, exist_ok=True)
        fresh.write_text(f"{progress.step} {progress.of}")
        fresh.replace(_file(data_dir))


def read(data_dir: Path) -> Progress | None:
    """What was noted last, if somebody is still at it."""
    with contextlib.suppress(OSError, ValueError):
        if time.time() - _file(data_dir).stat().st_mtime < FRESH_SECONDS:
            return Progress(*map(int, _file(data_dir).read_text().split()))
    return None


def _file(data_dir: Path) -> Path:
    return data_dir / "run" / "seed-progress"
