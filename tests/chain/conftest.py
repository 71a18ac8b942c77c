from __future__ import annotations

import pytest
from eth_tester import EthereumTester, PyEVMBackend

from tests.chain.evm import Evm, wallet
from tests.chain.world import World
from tests.onchain import contracts, onchain, work

__all__ = ["contracts", "onchain", "work"]


@pytest.fixture(scope="session")
def tester() -> EthereumTester:
    """One in-process chain for the session; see `Evm` for why nobody can disturb it."""
    return EthereumTester(PyEVMBackend())


@pytest.fixture
def world(tester: EthereumTester) -> World:
    return World(Evm(tester))


@pytest.fixture
def fan(world: World) -> str:
    return world.evm.fund(wallet("fan"))


@pytest.fixture
def friend(world: World) -> str:
    return world.evm.fund(wallet("friend"))
