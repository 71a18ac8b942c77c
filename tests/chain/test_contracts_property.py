"""Seeded random runs of a master's whole life against the exact oracle."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_tester import EthereumTester

from tests.chain.driver import Driver


def live(tester: EthereumTester, seeds: range, steps: int) -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        driver = Driver(tester, seed)
        try:
            driver.run(steps)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        seen += driver.seen
    every = {(kind, outcome) for kind in Driver.kinds() for outcome in (True, False)}
    assert not every - set(seen), f"never happened: {sorted(every - set(seen))}"


def test_contracts_equal_the_oracle(tester: EthereumTester) -> None:
    live(tester, range(20), 40)


@pytest.mark.slow
def test_contracts_equal_the_oracle_for_long(tester: EthereumTester) -> None:
    live(tester, range(1000, 1200), 50)
