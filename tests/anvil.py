"""anvil, a node with a mempool and with reorgs on demand, for the tests that need one; skipped where it is absent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO

import pytest
from flask import Flask

from portal.chain.client import Client, connect

LISTENING = re.compile(r"Listening on (\S+)\n")
ABSENT = "anvil is neither on the PATH nor named by ANVIL: npm install @foundry-rs/anvil@1.7.1"

Start = Callable[..., Client]


def binary() -> str | None:
    """The program that ANVIL names, or the one on the PATH."""
    return os.environ.get("ANVIL") or shutil.which("anvil")


@contextmanager
def running(slots: int = 1) -> Iterator[str]:
    """Yields the URL of a fresh chain 31337. Twice `slots` blocks below the head are final."""
    program = binary()
    if program is None:
        pytest.skip(ABSENT)
    command = [program, "--port", "0", "--chain-id", "31337", "--slots-in-an-epoch", str(slots)]
    command += ["--accounts", "20", "--balance", "1000000"]
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said) as node:  # a full pipe stops it
        try:
            yield f"http://{_address(said, node)}"
        finally:
            node.terminate()


def _address(said: IO[str], node: subprocess.Popen[bytes]) -> str:
    while node.poll() is None:
        if found := LISTENING.search(os.pread(said.fileno(), 10_000, 0).decode()):
            return found[1]
        time.sleep(0.01)
    raise AssertionError("anvil ended before it listened")


@pytest.fixture
def anvil(live_app: Flask) -> Iterator[Start]:
    """`anvil(slots=1)` starts a fresh chain, which `live_app` then uses; returns a client of it."""
    with ExitStack() as stack:

        def start(slots: int = 1) -> Client:
            url = stack.enter_context(running(slots))
            live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], rpc_url=url, embedded=True)
            return connect(live_app.config["SETTINGS"])

        yield start
