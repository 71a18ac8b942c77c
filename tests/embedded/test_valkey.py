"""Valkey wants a password and keeps its data and its address."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from portal.embedded.valkey import Valkey
from tests.embedded.running import WHO, folder_for, run

START_AND_ASK = """
import sys
from redis import Redis
from portal.embedded.valkey import Valkey
with Valkey(sys.argv[1]) as server:
    print(Redis.from_url(server.address).ping())
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as running:
        yield running


@pytest.mark.parametrize("who", WHO)
def test_starts_in_a_private_home(who: str, tmp_path: Path) -> None:
    answer = run(who, "-c", START_AND_ASK, str(folder_for(who, tmp_path / "home")))
    assert answer.stdout == "True\n", answer.stderr


def test_data_and_address_survive_a_kill(server: Valkey) -> None:
    with Redis.from_url(server.address) as client:
        client.set("kept", "42")
        client.execute_command("WAITAOF", 1, 0, 5000)
        assert server.process
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.launch()
        server.wait()
    with Redis.from_url(server.address) as client:
        assert client.get("kept") == b"42"


def test_without_the_password_nothing_is_answered(server: Valkey) -> None:
    with Redis(port=server.port, retry=None) as client, pytest.raises(AuthenticationError):
        client.get("kept")


def test_the_password_is_not_on_the_command_line(server: Valkey) -> None:
    assert server.process
    assert server.password.encode() not in Path(f"/proc/{server.process.pid}/cmdline").read_bytes()


def test_the_next_start_has_the_same_address(tmp_path: Path) -> None:
    addresses = set()
    for _ in range(2):
        with Valkey(tmp_path) as running:
            addresses.add(running.address)
    assert len(addresses) == 1
