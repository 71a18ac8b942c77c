"""What the calls that people make cost in gas, in the situations that the design's figures are for.

Wallets hold shares already and tokens have moved once, unless it says otherwise: the first time costs more
because a storage word that was empty is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.chain.abi import NATIVE
from tests.chain.evm import Result, wallet
from tests.chain.steps_coin import permit_of
from tests.chain.storage import give
from tests.chain.world import ETHER, PRICE, TERMS, Master, World, ref

FIGURES = {  # thousands of gas, from the design
    "create two clones": 458,
    "mint": 90,
    "mint, new wallet": 107,
    "mint ten": 108,
    "mint with permit": 0,
    "deposit, native": 85,
    "deposit, ERC-20": 118,
    "transfer, nothing to settle": 62,
    "transfer, first of a batch": 86,
    "transfer, inside a batch": 0,
    "transfer, settles 1": 73,
    "transfer, settles 2": 88,
    "transfer, settles 3": 103,
    "transfer, settles 4": 119,
    "claim, native": 51,
    "claim, ERC-20": 79,
    "list": 95,
    "buy": 146,
    "buy, ERC-20": 0,
    "offer": 0,
    "accept": 147,
    "accept, ERC-20": 0,
    "refund": 79,
    "permit": 81,
}


@dataclass
class Gas:
    """`measured` maps each name of FIGURES to gas; a figure of 0 has no counterpart in the design."""

    world: World
    measured: dict[str, int] = field(default_factory=dict)

    def measure(self) -> dict[str, int]:
        evm = self.world.evm
        self.ann, self.bob = evm.fund(wallet("ann")), evm.fund(wallet("bob"))
        evm.fund(self.world.treasury, 1)
        self.mints()
        self.dividends()
        self.trades(NATIVE, "")
        self.trades(self.world.coin(), ", ERC-20")
        self.refunds()
        self.permits()
        return self.measured

    def take(self, name: str, done: Result) -> Result:
        assert done.ok, (name, done.reason)
        self.measured[name] = done.gas
        return done

    def mints(self) -> None:
        world = self.world
        terms = TERMS | {"artist": world.artist}
        texts = "Night Bus", "NIGHT", "https://x.example/m/"
        self.take("create two clones", world.run("createMaster", ref(77), terms, *texts))
        master = world.master()
        master.mint(self.ann, 3)
        self.take("mint, new wallet", master.mint(self.bob))
        self.take("mint", master.mint(self.ann))
        self.take("mint ten", master.mint(self.ann, 10))
        closed = world.master(permitRequired=True)
        until = world.evm.now + 60
        for _ in range(2):
            for who in (self.ann, self.bob):
                args = 3, 30, ref(1), until, closed.permit(who, 30, ref(1), until)
                done = closed.run(who, "mintWithPermit", *args, value=3 * PRICE)
        self.take("mint with permit", done)

    def spread(self, **terms: int) -> Master:
        """All shares with ann and bob, each of which has moved; none in a batch but ann's last."""
        master = self.world.master(**{"supply": 12, "price": 1} | terms)
        for who in (self.ann, self.bob, self.bob, self.ann, self.ann, self.ann):
            master.mint(who)
        master.mint(self.ann, 6)
        for id in (1, 4, 5, 6):
            for sender, receiver in ((self.ann, self.bob), (self.bob, self.ann)):
                assert master.run(sender, "transferFrom", sender, receiver, id).ok
        return master

    def transfer(self, master: Master, id: int) -> Result:
        done = master.run(self.ann, "transferFrom", self.ann, self.bob, id)
        assert master.run(self.bob, "transferFrom", self.bob, self.ann, id).ok
        return done

    def dividends(self) -> None:
        world, master = self.world, self.spread()
        coins = [world.coin() for _ in range(3)]
        self.take("transfer, nothing to settle", self.transfer(master, 4))
        self.take("transfer, first of a batch", self.transfer(master, 7))
        self.take("transfer, inside a batch", self.transfer(master, 10))
        for coin in coins:
            give(world.evm, coin, world.depositor, ETHER, master.dividends)
            give(world.evm, coin, self.ann, 1)
        currencies = [NATIVE, *coins]
        for many in range(1, 5):
            for number, currency in enumerate(currencies[:many]):
                for again in range(2):
                    name = "deposit, native" if currency == NATIVE else "deposit, ERC-20"
                    done = master.deposit(100 * many + 10 * number + again, 12_000, currency=currency)
                    self.take(name, done)
                    self.transfer(master, 5) if not again else None
            self.take(f"transfer, settles {many}", self.transfer(master, 5))
        self.take("claim, native", master.pay(self.ann, "claim", NATIVE))
        self.take("claim, ERC-20", master.pay(self.ann, "claim", coins[0]))

    def trades(self, currency: str, suffix: str) -> None:
        world, master, market = self.world, self.spread(), self.world.market()
        for who in (self.ann, self.bob):
            master.run(who, "setApprovalForAll", market.address, True)
            if suffix:
                give(world.evm, currency, who, ETHER, market.address)
        if suffix:
            give(world.evm, currency, world.treasury, 1)
            give(world.evm, currency, master.shares, 1)
        price = 10**9
        order, sent = (currency, price), 0 if suffix else price
        listed = market.run(self.ann, "list", master.shares, 4, *order, 0)
        self.take("list", listed) if not suffix else None
        market.run(self.ann, "list", master.shares, 5, *order, 0)
        market.run(self.bob, "buy", master.shares, 5, *order, value=sent)
        self.take("buy" + suffix, market.run(self.bob, "buy", master.shares, 4, *order, value=sent))
        for id in (1, 6):
            offered = market.run(self.bob, "offer", master.shares, id, *order, 0, value=sent)
        self.take("offer", offered) if not suffix else None
        self.take("accept" + suffix, market.run(self.ann, "accept", 1))

    def refunds(self) -> None:
        master = self.world.master()
        master.mint(self.bob)
        for _ in range(4):
            master.mint(self.ann)
        master.run(self.world.artist, "cancel")
        master.run(self.ann, "refund", [2])
        self.take("refund", master.run(self.ann, "refund", [4]))

    def permits(self) -> None:
        world, signer = self.world, self.world.signer
        saver = signer.address.lower()
        coin = world.artist_coin((saver, 1000))
        typed = permit_of(coin, world.evm.chain_id, saver, self.bob, 5, 0, world.evm.now)
        signed = signer.sign_typed_data(full_message=typed)
        args = saver, self.bob, 5, world.evm.now, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)
        self.take("permit", world.evm.call(self.ann, coin, "ArtistCoin", "permit", *args))


def table(measured: dict[str, int]) -> str:
    """One line for each call: gas, the design's figure, their ratio."""
    lines = [f"{'call':30} {'gas':>8} {'design':>8} {'ratio':>6}"]
    for name, gas in measured.items():
        figure = FIGURES[name]
        beside = f"{figure * 1000:8,} {gas / figure / 1000:6.2f}" if figure else "       –"
        lines.append(f"{name:30} {gas:8,} {beside}")
    return "\n".join(lines)
