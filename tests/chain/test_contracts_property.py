"""Seeded random runs of a master's whole life, its resale and its artist's coin against the exact oracle."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_tester import EthereumTester

from tests.chain.driver import Driver


def live(tester: EthereumTester, seeds: range, steps: int) -> Counter[tuple[str, bool]]:
    """Runs about the sale and about the resale in turn; counts the steps by kind and outcome."""
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        driver = Driver(tester, seed, resale=seed % 2 == 1)
        try:
            driver.run(steps)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        seen += driver.seen
    every = {(kind, outcome) for kind in Driver.kinds() for outcome in (True, False)}
    assert not every - set(seen), f"never happened: {sorted(every - set(seen))}"
    return seen


def test_contracts_equal_the_oracle(tester: EthereumTester) -> None:
    live(tester, range(30), 40)


@pytest.mark.slow
def test_contracts_equal_the_oracle_for_long(tester: EthereumTester, capsys: pytest.CaptureFixture[str]) -> None:
    seen = live(tester, range(1000, 1200), 50)
    with capsys.disabled():
        print("\nsteps accepted and refused")
        for kind in Driver.kinds():
            print(f"{kind:20} {seen[kind, True]:5} {seen[kind, False]:5}")
