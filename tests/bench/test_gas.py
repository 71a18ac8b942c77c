"""What the calls cost in gas, beside the design's figures."""

from __future__ import annotations

import pytest
from eth_tester import EthereumTester, PyEVMBackend

from tests.chain.evm import Evm
from tests.chain.gas import Gas, table
from tests.chain.world import World

pytestmark = pytest.mark.bench


def test_gas(capsys: pytest.CaptureFixture[str]) -> None:
    measured = Gas(World(Evm(EthereumTester(PyEVMBackend())))).measure()
    with capsys.disabled():
        print("\n" + table(measured))
    assert all(measured.values())
