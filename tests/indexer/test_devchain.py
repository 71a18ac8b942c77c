"""The tables against the contracts themselves, on a real EVM."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.chain import signer as signers
from portal.chain.abi import NATIVE, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.chain.ids import ZERO
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.db import db
from portal.indexer import service
from portal.money import MAX_UNITS
from tests.onchain import as_worker, contracts, onchain  # noqa: F401  (fixtures)
from tests.revenue.onchain import DEMO, Recording, ask, deploy, mint, run, wallet

FANS = (DEMO + 1, DEMO + 2, DEMO + 3)
SUPPLY = 12
CLAIMABLE = "SELECT wallet_address, currency, claimable_amount FROM wallet_dividend_balances WHERE claimable_amount > 0"
CARRY = sa.text(
    "SELECT carry_after FROM dividend_events WHERE event_type = 'distribution' AND currency = :code"
    " ORDER BY block_number DESC LIMIT 1"
)

Tables = tuple[dict[int, str], dict[tuple[str, str], int]]
"""Owner by share, and what waits by wallet and currency."""


class Play:
    """Calls on one master's contracts."""

    def __init__(self, app: Flask, node: Node, recording: Recording, contracts: Contracts) -> None:  # noqa: F811
        self.app, self.node, self.recording, self.contracts = app, node, recording, contracts
        self.treasury = signers.of_role(app.config["SETTINGS"], Role.TREASURY)
        coin = contracts.stablecoin
        for function, arguments in (
            ("faucet", (self.treasury.address, 10**12)),
            ("approve", (recording.dividends, MAX_UNITS)),
        ):
            run(app, Call(coin, encode_call("Stablecoin", function, arguments)), self.treasury)

    def move(self, token: int, sender: int, receiver: int) -> None:
        call = encode_call("MasterShares", "transferFrom", (wallet(sender), wallet(receiver), token))
        run(self.app, Call(self.recording.shares, call), signers.of_dev_account(sender))

    def deposit(self, number: int, currency: str, pool: int, part: int) -> None:
        arguments = (number.to_bytes(32), currency, pool, [(wallet(FANS[0]), part)])
        value = pool + part if currency == NATIVE else 0
        call = Call(self.recording.dividends, encode_call("Dividends", "deposit", arguments), value)
        run(self.app, call, self.treasury)

    def claim(self, who: int) -> None:
        run(self.app, Call(self.recording.dividends, encode_call("Dividends", "claimAll")), signers.of_dev_account(who))

    def owners(self) -> dict[int, str]:
        minted = int(str(ask(self.node, self.recording.shares, "MasterShares", "minted")[0]))
        return {
            token: str(ask(self.node, self.recording.shares, "MasterShares", "ownerOf", token)[0])
            for token in range(1, minted + 1)
        }

    def claimable(self) -> dict[tuple[str, str], int]:
        currencies = {"ETH": NATIVE, "USDC": self.contracts.stablecoin}
        asked = {
            (wallet(who), code): self.owed(wallet(who), address)
            for who in (DEMO, *FANS)
            for code, address in currencies.items()
        }
        return {key: amount for key, amount in asked.items() if amount}

    def owed(self, who: str, currency: str) -> int:
        return int(str(ask(self.node, self.recording.dividends, "Dividends", "claimable", who, currency)[0]))

    def indexed(self) -> Tables:
        """What the tables say, once they are where the chain is and equal to a rebuild."""
        with as_worker(self.app):
            service.catch_up()
            assert service.differences(31337) == {}
        session = db.session()
        owners = session.execute(sa.text("SELECT token_id::int, current_owner_wallet FROM master_nfts"))
        balances = session.execute(sa.text(CLAIMABLE))
        found = dict(owners.all()), {(who, currency): int(amount) for who, currency, amount in balances}
        session.close()
        return found


@pytest.mark.walk
def test_owners_and_balances_are_those_of_the_contracts(
    live_app: Flask,
    session: Session,
    contracts: Contracts,  # noqa: F811
    onchain: Node,  # noqa: F811
) -> None:
    dice = random.Random(11)
    recording = deploy(live_app, session, contracts, supply=SUPPLY)
    play = Play(live_app, onchain, recording, contracts)
    for who, count in zip(FANS, (4, 3, 2), strict=True):
        mint(live_app, recording, who, count)
    numbers = {wallet(who): who for who in FANS}
    for step in range(1, 7):
        token, owner = dice.choice(sorted(play.owners().items()))
        play.move(token, numbers[owner], dice.choice(FANS))
        play.deposit(step, (NATIVE, contracts.stablecoin)[step % 2], 1000 + step, step)
        if step % 3 == 0:
            play.claim(FANS[0])
            assert play.indexed() == (play.owners(), play.claimable())
    for code, address in (("ETH", NATIVE), ("USDC", contracts.stablecoin)):
        carry = ask(onchain, recording.dividends, "Dividends", "pool", address)[2]
        assert carry == session.scalar(CARRY, {"code": code})


def test_a_revert_of_the_chain_and_shares_handed_back(
    live_app: Flask,
    session: Session,
    contracts: Contracts,  # noqa: F811
    onchain: Node,  # noqa: F811
) -> None:
    recording = deploy(live_app, session, contracts, supply=SUPPLY)
    play = Play(live_app, onchain, recording, contracts)
    mint(live_app, recording, FANS[0], 2)
    mint(live_app, recording, FANS[1], 1)
    snapshot = onchain.request("evm_snapshot")
    play.move(3, FANS[1], FANS[0])
    assert play.indexed() == (play.owners(), play.claimable())
    onchain.request("evm_revert", [snapshot])
    onchain.request("evm_mine")
    assert play.indexed() == (play.owners(), play.claimable())
    play.deposit(1, NATIVE, 1200, 5)
    cancel = Call(recording.shares, encode_call("MasterShares", "cancel"))
    run(live_app, cancel, signers.of_dev_account(DEMO))
    refund = Call(recording.shares, encode_call("MasterShares", "refund", ([2],)))
    run(live_app, refund, signers.of_dev_account(FANS[0]))
    owners, balances = play.indexed()
    assert owners == {1: wallet(FANS[0]), 2: ZERO, 3: wallet(FANS[1])}
    assert balances == play.claimable()
