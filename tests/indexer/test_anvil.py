"""The indexer on a node of others' making, which reorganises on demand: the tables against the contracts themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.chain import bootstrap
from portal.chain import signer as signers
from portal.chain.abi import NATIVE, decode_result, encode_call
from portal.chain.client import Client
from portal.chain.signer import Role
from portal.db import db
from portal.indexer import reorg, service
from portal.indexer.loop import Follower
from portal.indexer.node import Wire
from tests.anvil import Start, anvil
from tests.onchain import as_worker
from tests.revenue.onchain import DEMO, deploy, wallet

__all__ = ["anvil"]
FANS = [wallet(number) for number in range(DEMO + 1, DEMO + 6)]
GAS = hex(2_000_000)
OWNERS = "SELECT token_id::int, current_owner_wallet FROM master_nfts"
CLAIMABLE = "SELECT wallet_address, claimable_amount FROM wallet_dividend_balances WHERE claimable_amount > 0"
REORGS = "SELECT count(*) FROM system_events WHERE event_type = 'indexer_reorg'"


class Play:
    """Fans buy, hand on and claim, income comes in, as the dice say; straight to the node, past the portal's sender."""

    def __init__(self, app: Flask, session: Session, node: Client, seed: int) -> None:
        self.app, self.node, self.dice = app, node, random.Random(seed)
        contracts = bootstrap.ensure(app)
        db.session.close()
        self.recording = deploy(app, session, contracts, supply=5_000)
        self.follower = Follower(app.config["SETTINGS"])
        self.wire = Wire(app.config["SETTINGS"].rpc_url)
        self.treasury = signers.of_role(app.config["SETTINGS"], Role.TREASURY).address
        node.request("anvil_impersonateAccount", [self.treasury])
        self.deposits = 0
        node.request("anvil_mine", [hex(10)])  # the contracts are final

    # --- what happens ---------------------------------------------------------------------------------

    def step(self) -> None:
        """Up to three transactions in one block."""
        self.node.request("evm_setAutomine", [False])
        for _ in range(self.dice.randint(0, 3)):
            self.send(self.dice.choice([self.mint, self.mint, self.move, self.move, self.deposit, self.claim])())
        self.node.request("evm_mine")
        self.node.request("evm_setAutomine", [True])

    def send(self, transaction: dict[str, str]) -> None:
        self.node.request("eth_sendTransaction", [transaction | {"gas": GAS}])

    def mint(self) -> dict[str, str]:
        count = self.dice.randint(1, 3)
        return self._shares(self.dice.choice(FANS), "mint", count) | {"value": hex(count)}

    def move(self) -> dict[str, str]:
        """Fails on the chain where somebody was quicker in the same block."""
        owners = self.owners()
        if not owners:
            return self.mint()
        token = self.dice.choice(sorted(owners))
        return self._shares(owners[token], "transferFrom", owners[token], self.dice.choice(FANS), token)

    def deposit(self) -> dict[str, str]:
        self.deposits += 1
        pool, part = self.dice.randint(1, 10**6), self.dice.randint(0, 500)
        data = encode_call("Dividends", "deposit", (self.deposits.to_bytes(32), NATIVE, pool, [(FANS[0], part)]))
        return {"from": self.treasury, "to": self.recording.dividends, "data": data, "value": hex(pool + part)}

    def claim(self) -> dict[str, str]:
        return {
            "from": self.dice.choice(FANS), "to": self.recording.dividends, "data": encode_call("Dividends", "claimAll")
        }  # fmt: skip

    def _shares(self, sender: str, function: str, *arguments: object) -> dict[str, str]:
        return {"from": sender, "to": self.recording.shares, "data": encode_call("MasterShares", function, arguments)}

    def reorganise(self, depth: int) -> None:
        """Another history of the same length, or a shorter one; its first block is none that was there before."""
        gift = {"from": FANS[0], "to": FANS[1], "value": hex(self.dice.getrandbits(40)), "gas": GAS}
        if self.dice.random() < 0.6:
            self.node.request("anvil_reorg", [depth, [[gift, 0], [self.mint() | {"gas": GAS}, 0]]])
        else:
            self.node.request("anvil_rollback", [depth])
            self.send(gift)

    # --- what is true ---------------------------------------------------------------------------------

    def _ask(self, contract: str, function: str, address: str, lists: list[tuple[object, ...]]) -> list[Any]:
        calls = [
            {
                "jsonrpc": "2.0", "id": place, "method": "eth_call",
                "params": [{"to": address, "data": encode_call(contract, function, arguments)}, "latest"],
            }
            for place, arguments in enumerate(lists)
        ]  # fmt: skip
        answers = sorted(self.wire.post(calls), key=lambda one: int(one["id"]))
        return [decode_result(contract, function, one["result"], len(lists[0]))[0] for one in answers]

    def owners(self) -> dict[int, str]:
        [minted] = self._ask("MasterShares", "minted", self.recording.shares, [()])
        tokens = range(1, int(minted) + 1)
        if not tokens:
            return {}
        found = self._ask("MasterShares", "ownerOf", self.recording.shares, [(token,) for token in tokens])
        return dict(zip(tokens, found, strict=True))

    def claimable(self) -> dict[str, int]:
        everybody = [wallet(DEMO), *FANS]
        found = self._ask("Dividends", "claimable", self.recording.dividends, [(who, NATIVE) for who in everybody])
        return {who: int(amount) for who, amount in zip(everybody, found, strict=True) if amount}

    def follow(self) -> None:
        while self.follower.round():
            pass

    def tables(self) -> tuple[dict[int, str], dict[str, int]]:
        session = db.session()
        session.rollback()
        owners, balances = session.execute(sa.text(OWNERS)).all(), session.execute(sa.text(CLAIMABLE)).all()
        session.rollback()
        return dict(tuple(row) for row in owners), {who: int(amount) for who, amount in balances}

    def check(self) -> None:
        """The tables are what the contracts say."""
        assert self.follower.at().number == self.node.block_number()
        assert self.tables() == (self.owners(), self.claimable())


@pytest.fixture
def play(live_app: Flask, session: Session, anvil: Start) -> Iterator[Callable[..., Play]]:
    with as_worker(live_app):
        yield lambda seed, slots: Play(live_app, session, anvil(slots), seed)
        db.session.remove()


def _wander(play: Play, rounds: int) -> None:
    """A few blocks, a reorg of any depth that is not final yet, a few more."""
    reorgs = 0
    for seed in range(rounds):
        play.dice.seed(seed)
        for _ in range(play.dice.randint(1, 4)):
            play.step()
        play.follow()
        at = play.follower.at()
        if at.number > at.finalized:
            play.reorganise(play.dice.randint(1, at.number - at.finalized))
            reorgs += 1
        for _ in range(play.dice.randint(1, 2)):
            play.step()
        play.follow()
        play.check()
        if seed % 20 == 1:
            assert service.differences(31337) == {}
    assert service.differences(31337) == {}
    assert db.session().scalar(sa.text(REORGS)) == reorgs


def test_reorgs_of_anvil_leave_what_the_contracts_say(play: Callable[..., Play]) -> None:
    _wander(play(0, slots=4), 2)


@pytest.mark.slow
def test_two_hundred_reorgs_of_anvil(play: Callable[..., Play]) -> None:
    _wander(play(0, slots=4), 200)


def test_a_reorg_of_anvil_below_its_final_block_stops_everything(play: Callable[..., Play]) -> None:
    playing = play(1, slots=1)
    for _ in range(6):
        playing.step()
    playing.follow()
    before, at = playing.tables(), playing.follower.at()
    playing.node.request("anvil_reorg", [5, []])
    playing.follow()
    halted = playing.follower.at()
    assert str(halted.halted).startswith(reorg.TOO_DEEP)
    assert (halted.number, halted.hash, playing.tables()) == (at.number, at.hash, before)
    assert db.session().scalar(sa.text("SELECT count(*) FROM security_events WHERE severity = 'critical'")) == 1
