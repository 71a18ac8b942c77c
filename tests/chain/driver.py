"""Random steps on the whole stage, drawn uniformly from a seed."""

from __future__ import annotations

from tests.chain.checks import Checks
from tests.chain.oracle import ACCEPT, CALL_BACK, CALL_BACK_WITH_GAS, CANCELLED, CLOSED, REFUSE
from tests.chain.steps_coin import CoinSteps
from tests.chain.steps_market import MarketSteps
from tests.chain.steps_master import MasterSteps

OFTEN = ["transfer", "deposit", "deposit", "claim", "arrive", "withdraw_royalty"]


class Stages(MasterSteps, MarketSteps, CoinSteps, Checks):
    """All steps and all checks; whoever drives it picks the steps."""

    def opening(self) -> None:
        """In a run about resale the sale is over after a few mints."""
        for box in self.boxes:
            self.behave(box, self.random.choice([ACCEPT, REFUSE, CALL_BACK, CALL_BACK_WITH_GAS]))
        if self.resale:
            for _ in range(3):
                self.step("mint")
            if self.oracle.phase < CLOSED:
                self.must(lambda: self.master.run(self.world.operator, "close"), lambda o: o.close(self.world.operator))

    def ending(self) -> None:
        self.check_views()
        self.check_logs()
        self.drain()


class Driver(Stages):
    """A run is mostly about resale or mostly about the sale, with a few steps of the rest."""

    def run(self, steps: int) -> None:
        self.opening()
        for _ in range(steps):
            self.weather()
            self.step(self.kind())
            self.check()
        self.ending()

    def kind(self) -> str:
        """What is likely to go through now gets more turns; every kind has one at any time."""
        weights = (25, 65, 10) if self.resale else (84, 8, 8)
        steps = self.random.choices([MasterSteps, MarketSteps, CoinSteps], weights)[0]
        more = {MasterSteps: self.timely, MarketSteps: self.timely_orders, CoinSteps: list}[steps]()
        return self.random.choice([*steps.kinds(), *more])

    def timely(self) -> list[str]:
        if self.oracle.phase == CANCELLED:
            return [*OFTEN, *["refund"] * 8]
        if self.oracle.phase == CLOSED:
            return [*OFTEN, "withdraw_proceeds", "withdraw_proceeds"]
        over = ["cancel"] if self.oracle.minted > 3 else []
        return [*OFTEN, *over, *["mint_with_permit" if self.terms["permitRequired"] else "mint"] * 6]

    def timely_orders(self) -> list[str]:
        oracle = self.oracle
        if oracle.phase != CLOSED:
            return []
        if not oracle.traded:
            return ["set_collection"] * 8 + ["list"] * 6 + ["offer", "buy", "accept"]
        kinds = ["list"] * 4 + ["offer"] * 3 + ["set_collection"]
        if oracle.live_listings():
            kinds += ["buy"] * 8 + ["move_listed"] * 2 + ["list_again", "cancel_listing", "set_fee", "set_fee"]
        kinds += ["accept"] * 6 + ["cancel_offer"] if oracle.offers else []
        return kinds + (["withdraw"] * 8 if +oracle.credits else [])
