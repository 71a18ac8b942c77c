"""Steps of a master's own life: its offer, its shares, its royalties, its dividends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.chain.abi import NATIVE
from tests.chain.evm import Result
from tests.chain.stage import Stage, Step
from tests.chain.world import ref


class MasterSteps(Stage):
    def debt(self) -> tuple[str, str]:
        """(wallet, currency): somebody who is owed money, or anybody."""
        owed = [key for key in self.oracle.earned if key[0] in self.wallets and self.oracle.due(*key) > 0]
        if owed and self.chance(0.8):
            return self.random.choice(owed)
        return self.wallet(), self.currency()

    def royalties(self, currency: str) -> int:
        return self.oracle.unsplit[currency] + sum(self.oracle.pots[currency])

    def shares_call(self, who: str, function: str, *args: Any, value: int = 0) -> Callable[[], Result]:
        return lambda: self.master.run(who, function, *args, value=value)

    def dividends_call(self, who: str, function: str, *args: Any) -> Callable[[], Result]:
        return lambda: self.master.pay(who, function, *args)

    # ------------------------------------------------------------ steps

    def step_mint(self) -> Step:
        who, quantity = self.wallet(), self.random.choice([1, 1, 2, 3, 4, 5, 10, 11])
        sent = self.payment(quantity * self.terms["price"], self.terms["currency"])
        return self.shares_call(who, "mint", quantity, value=sent), lambda o: o.mint(who, quantity, sent)

    def step_mint_with_permit(self) -> Step:
        who, quantity = self.wallet(), self.random.choice([1, 1, 2, 4, 10])
        allowance, deadline = self.random.choice([2, 5, 30]), self.evm.now + self.random.choice([-1, 0, 9, 9])
        sent = self.payment(quantity * self.terms["price"], self.terms["currency"])
        signed_for = self.random.choice([who] * 9 + [self.world.artist])
        signature = self.master.permit(signed_for, allowance, ref(3), deadline)
        good = signed_for == who and deadline >= self.evm.now
        return (
            self.shares_call(who, "mintWithPermit", quantity, allowance, ref(3), deadline, signature, value=sent),
            lambda o: o.mint_with_permit(who, quantity, allowance, good, sent),
        )

    def step_transfer(self) -> Step:
        id, receiver = self.token(), self.random.choice([*self.wallets * 3, NATIVE])
        owner = self.oracle.owner.get(id, self.wallet())
        who = self.random.choice([owner, owner, self.wallet()])
        sender = self.random.choice([owner] * 9 + [self.wallet()])
        return (
            self.shares_call(who, "transferFrom", sender, receiver, id),
            lambda o: o.transfer(who, sender, receiver, id),
        )

    def step_approve(self) -> Step:
        id, approved = self.token(), self.wallet()
        who = self.random.choice([self.oracle.owner.get(id, self.wallet()), self.wallet()])
        if self.chance(0.3):
            operator, allowed = self.random.choice([approved, self.market.address]), self.chance(0.8)
            call = self.shares_call(who, "setApprovalForAll", operator, allowed)
            return call, lambda o: o.approve_all(who, operator, allowed)
        return self.shares_call(who, "approve", approved, id), lambda o: o.approve(who, approved, id)

    def step_deposit(self) -> Step:
        currency, number = self.currency(), self.random.choice([1, 2, self.random.randrange(3, 10_000)])
        who = self.random.choice([self.world.depositor] * 9 + [self.wallet()])
        pool = self.random.choice([0, 1, 1000, 1000, 10**9 + 7])
        parties = [*self.wallets, self.oracle.artist, self.oracle.treasury]
        parts = [(self.random.choice(parties), self.random.choice([0, 1, 500])) for _ in range(2)]
        if self.chance(0.05):
            parts.append((NATIVE, 5))
        sent = self.payment(pool + sum(amount for _, amount in parts), currency)

        def deposit() -> Result:
            args = (ref(number), currency, pool, parts)
            return self.evm.call(who, self.master.dividends, "Dividends", "deposit", *args, value=sent)

        return deposit, lambda o: o.deposit(who, number, currency, pool, parts, sent)

    def step_claim(self) -> Step:
        who, currency = self.debt()
        return self.dividends_call(who, "claim", currency), lambda o: o.claim(who, currency)

    def step_claim_all(self) -> Step:
        who, _ = self.debt()
        return self.dividends_call(who, "claimAll"), lambda o: o.claim_all(who)

    def step_claim_for(self) -> Step:
        who, currency = self.debt()
        call = self.dividends_call(self.fans[0], "claimFor", who, currency)
        return call, lambda o: o.claim_for(who, currency)

    def step_claim_for_many(self) -> Step:
        who, currency = self.debt()
        holders = [who, *(self.wallet() for _ in range(self.random.choice([0, 2, 5, 50])))]
        return (
            self.dividends_call(self.fans[0], "claimForMany", holders, currency),
            lambda o: o.claim_for_many(holders, currency),
        )

    def step_claim_many(self) -> Step:
        (who, _), times = self.debt(), self.random.choice([0, 1, 2, 31])
        masters = [self.master.dividends] * times
        return (
            lambda: self.world.run("claimMany", masters, who, sender=self.fans[1]),
            lambda o: o.claim_many(times, who),
        )

    def step_set_paused(self) -> Step:
        who = self.random.choice([self.oracle.artist, self.world.operator, self.fans[0]])
        paused = self.oracle.paused if self.chance(0.2) else not self.oracle.paused
        return self.shares_call(who, "setPaused", paused), lambda o: o.set_paused(who, paused)

    def step_close(self) -> Step:
        often = 0.4 if self.oracle.minted > 3 else 0.05
        who = self.world.operator if self.chance(often) else self.fans[0]
        return self.shares_call(who, "close"), lambda o: o.close(who)

    def step_cancel(self) -> Step:
        who = self.random.choice([self.world.operator, self.oracle.artist, self.fans[1]])
        who = who if self.oracle.minted > 1 else self.fans[0]
        return self.shares_call(who, "cancel"), lambda o: o.cancel(who)

    def step_refund(self) -> Step:
        who = self.oracle.owner.get(self.token(), self.wallet())
        mine = [id for id, owner in self.oracle.owner.items() if owner == who]
        ids = self.random.sample(mine, min(len(mine), self.random.choice([0, 1, 3])))
        if self.chance(0.1):
            ids = [*ids, self.token()]
        return self.shares_call(who, "refund", ids), lambda o: o.refund(who, ids)

    def step_withdraw_proceeds(self) -> Step:
        who = self.random.choice([self.oracle.artist, self.world.operator, self.manager()])
        return self.shares_call(who, "withdrawProceeds"), lambda o: o.withdraw_proceeds(who)

    def step_set_artist(self) -> Step:
        who = self.oracle.artist if self.chance(0.3) else self.wallet()
        artist = self.random.choice([*self.wallets, self.world.artist, NATIVE])
        return self.shares_call(who, "setArtist", artist), lambda o: o.set_artist(who, artist)

    def step_sync_royalty(self) -> Step:
        currency = self.currency()
        return self.shares_call(self.fans[0], "syncRoyalty", currency), lambda o: o.sync_royalty(currency)

    def step_arrive(self) -> Step:
        who, currency = self.random.choice(self.fans), self.random.choice([NATIVE, NATIVE, *self.coins[3:]])
        amount = self.random.choice([1, 999, 10**12, 10**30])
        if currency == NATIVE:
            send = lambda: self.evm.send(who, self.master.shares, value=amount)  # noqa: E731
        else:
            send = lambda: self.evm.call(  # noqa: E731
                who, currency, "Stablecoin", "transfer", self.master.shares, amount
            )
        amount = amount if currency != NATIVE else min(amount, 10**12)
        return send, lambda o: o.arrive(who, currency, amount)

    def step_withdraw_royalty(self) -> Step:
        who, currency = self.wallet(), self.currency()
        waiting = [(holder, coin) for coin in self.currencies if self.royalties(coin) for holder in self.oracle.roles()]
        if waiting and self.chance(0.8):
            who, currency = self.random.choice(waiting)
        call = self.shares_call(who, "withdrawRoyalty", currency)
        return call, lambda o: o.withdraw_royalty(who, currency)
