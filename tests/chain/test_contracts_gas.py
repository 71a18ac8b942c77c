"""Gas is the same in every run, so the design's figures are held in the default tests."""

from __future__ import annotations

from tests.chain.gas import FIGURES, Gas
from tests.chain.world import World


def test_no_call_costs_a_tenth_more_than_designed(world: World) -> None:
    measured = Gas(world).measure()
    assert measured.keys() == FIGURES.keys()
    dear = {name: gas for name, gas in measured.items() if FIGURES[name] and gas > 1100 * FIGURES[name]}
    assert dear == {}
