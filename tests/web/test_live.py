"""The process's line to open pages: what it has to say is said at once, and a process that ends waits for no more."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from portal.live import INTERVAL_SECONDS, Publisher


class Bus:
    """Takes events; `gate` holds the one that is being handed over."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any, str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def emit(self, kind: str, payload: Any, to: str) -> None:
        self.gate.wait(30)
        self.heard.append((kind, payload["seq"], to))


@pytest.fixture
def bus() -> Bus:
    return Bus()


def test_a_process_that_ends_waits_no_longer_than_it_takes(bus: Bus) -> None:
    publisher = Publisher(bus)
    publisher.put("master:1", "1", {"type": "ipo.mint", "seq": 1})
    start = time.monotonic()
    publisher.flush(30)
    assert bus.heard == [("ipo.mint", 1, "master:1")]
    assert time.monotonic() - start < 15, "it waited for its time limit, with nothing left to say"


def test_what_is_being_handed_over_is_waited_for(bus: Bus) -> None:
    publisher = Publisher(bus)
    bus.gate.clear()
    publisher.put("master:1", "1", {"type": "ipo.mint", "seq": 1})
    publisher.flush(0.2)
    assert bus.heard == []
    bus.gate.set()
    publisher.flush(30)
    assert bus.heard == [("ipo.mint", 1, "master:1")]


def test_one_entity_is_told_the_latest_and_seldom(bus: Bus) -> None:
    publisher = Publisher(bus)
    start = time.monotonic()
    for seq in range(200):
        publisher.put("vstudio:1", "1", {"type": "vstudio.vote", "seq": seq})
        time.sleep(0.002)
    publisher.flush(30)
    told = [seq for _kind, seq, _room in bus.heard]
    assert told == sorted(set(told))
    assert told[-1] == 199
    assert len(told) <= 2 + (time.monotonic() - start) / INTERVAL_SECONDS
