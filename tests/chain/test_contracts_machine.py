"""The same steps and checks under Hypothesis, which shrinks what fails to a few steps."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from eth_tester import EthereumTester
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.chain.driver import Stages
from tests.chain.steps_coin import CoinSteps
from tests.chain.steps_market import MarketSteps
from tests.chain.steps_master import MasterSteps

DRAWS = st.randoms(use_true_random=False)


def machine(tester: EthereumTester) -> type[RuleBasedStateMachine]:
    class Life(RuleBasedStateMachine):
        stage: Stages | None = None

        @initialize(seed=st.integers(0, 999), resale=st.booleans())
        def begin(self, seed: int, resale: bool) -> None:
            self.stage = Stages(tester, seed, resale)
            self.stage.opening()

        def act(self, draws: Random, kind: str) -> None:
            assert self.stage
            self.stage.random = draws
            self.stage.weather()
            self.stage.step(kind)

        @rule(draws=DRAWS, kind=st.sampled_from(MasterSteps.kinds()))
        def sell(self, draws: Random, kind: str) -> None:
            self.act(draws, kind)

        @rule(draws=DRAWS, kind=st.sampled_from(MarketSteps.kinds()))
        def trade(self, draws: Random, kind: str) -> None:
            self.act(draws, kind)

        @rule(draws=DRAWS, kind=st.sampled_from(CoinSteps.kinds()))
        def save(self, draws: Random, kind: str) -> None:
            self.act(draws, kind)

        @invariant()
        def holds(self) -> None:
            if self.stage:
                self.stage.check()

        def teardown(self) -> None:
            if self.stage:
                self.stage.ending()

    return Life


def play(tester: EthereumTester, examples: int, steps: int) -> None:
    chosen: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    plan = settings(max_examples=examples, stateful_step_count=steps, derandomize=True, **chosen)
    run_state_machine_as_test(lambda: machine(tester)(), settings=plan)


def test_any_order_of_steps_equals_the_oracle(tester: EthereumTester) -> None:
    play(tester, examples=10, steps=15)


@pytest.mark.slow
def test_any_long_order_of_steps_equals_the_oracle(tester: EthereumTester) -> None:
    play(tester, examples=150, steps=40)
