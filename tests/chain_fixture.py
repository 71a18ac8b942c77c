"""A real EVM for the tests: one devchain a test session, put back after each test by a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from web3 import HTTPProvider, Web3


@dataclass
class Chain:
    """`rpc_url` for the portal, `w3` for the test."""

    rpc_url: str
    w3: Web3


@pytest.fixture(scope="session")
def devchain(quick_folder: Path) -> Iterator[str]:
    from portal.embedded.devchain import Devchain

    server = Devchain(quick_folder / "devchain")
    yield server.start()
    server.stop()


@pytest.fixture
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A devchain as it was at the start of the test session; for tests that ask for `contracts`, with these on it."""
    if "contracts" in request.fixturenames:
        url = request.getfixturevalue("founded").settings.rpc_url
    else:
        url = request.getfixturevalue("devchain")
    w3 = Web3(HTTPProvider(url))
    snapshot = w3.provider.make_request("evm_snapshot", [])["result"]  # type: ignore[arg-type]
    yield Chain(url, w3)
    w3.provider.make_request("evm_revert", [snapshot])  # type: ignore[arg-type]
