"""The indexer, cold, against what the same machine can do at all: reading the same logs, and copying the same rows.

`python -m pytest -m bench -n 0 -s tests/bench/test_indexer.py` indexes 100,000 logs (20,000 mints, 60,000 transfers,
20,000 claims of dividends) from a node of another process and prints each figure, and its ratio to the serial sum of
the limits in the same run. Nothing is asserted about time.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from portal.chain.abi import NATIVE, decode_log
from portal.chain.ids import ZERO
from portal.db import db, utcnow
from portal.indexer import service
from portal.indexer.loop import LONGEST_STEP, Follower
from portal.masters.enums import DividendDistributionModel
from portal.masters.models import DividendContract, MasterContract
from tests import factories
from tests.bench.prepared_node import FINAL, served
from tests.indexer.fake_chain import Event, FakeChain, digest
from tests.onchain import as_worker

pytestmark = pytest.mark.bench
MASTERS, SHARES, WALLETS = 20, 1_000, 5_000
MOVES, CLAIMS = 60_000, 20_000
LOGS_IN_BLOCK = 50
EARNED = 10**12
FACTORY = "0x" + "fa" * 20
WRITTEN = (
    "chain_logs", "master_nfts", "nft_transfers", "nft_ownership_snapshots", "dividend_events", "dividend_claims",
    "wallet_dividend_balances",
)  # fmt: skip
@dataclass
class History:
    """Masters on a chain, and who holds what."""

    chain: FakeChain = field(default_factory=FakeChain)
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    waiting: list[list[Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shares = [digest("shares", number)[:42] for number in range(MASTERS)]
        self.dividends = [digest("dividends", number)[:42] for number in range(MASTERS)]
        self.wallets = [digest("wallet", number)[:42] for number in range(WALLETS)]
        self.owners: dict[tuple[int, int], str] = {}
        self.count = 0

    def put(self, *events: Event) -> None:
        """One transaction; a block is full at LOGS_IN_BLOCK logs."""
        self.waiting.append(list(events))
        self.count += len(events)
        if sum(map(len, self.waiting)) >= LOGS_IN_BLOCK:
            self.mine()

    def mine(self) -> None:
        self.chain.mine(*self.waiting)
        self.waiting = []

    def move(self, master: int, token: int, to: str) -> None:
        sender, self.owners[master, token] = self.owners.get((master, token), ZERO), to
        args = {"sender": sender, "receiver": to, "tokenId": token}
        self.put(Event("MasterShares", self.shares[master], "Transfer", args))

    def claim(self, master: int, wallet: str) -> None:
        args = {"holder": wallet, "token": NATIVE, "amount": 1}
        self.put(Event("Dividends", self.dividends[master], "DividendClaimed", args))


def launch(history: History) -> None:
    for number in range(MASTERS):
        args = {"shares": history.shares[number], "dividends": history.dividends[number], "key": b"\1" * 32}
        history.put(Event("Factory", FACTORY, "MasterCreated", args))
    history.mine()


def sell_out(history: History) -> None:
    for token in range(1, SHARES + 1):
        for master in range(MASTERS):
            history.move(master, token, history.dice.choice(history.wallets))


def pay(history: History, master: int) -> None:
    """One deposit for all shares."""
    place = {"ref": bytes([master + 1]) * 32, "token": NATIVE}
    pool = EARNED * SHARES
    paid = {"totalAmount": pool, "holdersPool": pool, "perShare": EARNED, "unminted": 0, "carry": 0}
    address = history.dividends[master]
    history.put(
        Event("Dividends", address, "RevenueDeposited", {**place, "amount": pool, "timestamp": 0}),
        Event("Dividends", address, "DividendsDistributed", place | paid),
    )


def trade_and_claim(history: History) -> None:
    holders = [(master, owner) for (master, _), owner in history.owners.items()]
    acts = [True] * MOVES + [False] * CLAIMS
    history.dice.shuffle(acts)
    for moves in acts:
        if moves:
            master, token = history.dice.randrange(MASTERS), history.dice.randint(1, SHARES)
            history.move(master, token, history.dice.choice(history.wallets))
        else:
            history.claim(*history.dice.choice(holders))


def told() -> History:
    """The whole history; its first and last blocks and the deposits are a few logs more than the 100,000."""
    history = History()
    launch(history)
    sell_out(history)
    for master in range(MASTERS):
        pay(history, master)
    trade_and_claim(history)
    for _ in range(FINAL + 1):
        history.mine()
    return history


def record(history: History) -> None:
    """What the launch jobs wrote."""
    session = db.session()
    for shares, dividends in zip(history.shares, history.dividends, strict=True):
        master = factories.master(session, total_supply=SHARES)
        place: dict[str, Any] = {"chain_id": "31337", "deployed_at_block": 1, "deployed_at": utcnow()}
        session.add(
            MasterContract(master_id=master.id, contract_address=shares, contract_total_supply=SHARES, **place)
        )
        model = DividendDistributionModel.PER_MASTER
        session.add(
            DividendContract(master_id=master.id, contract_address=dividends, distribution_model=model, **place)
        )
    session.commit()
    db.session.remove()


# --- the limits -------------------------------------------------------------------------------------------


def reading(follower: Follower, last: int) -> float:
    """Seconds to download all logs in ranges and decode each."""
    start = time.perf_counter()
    for first in range(0, last + 1, LONGEST_STEP):
        for raw in follower.node.logs(first, min(first + LONGEST_STEP - 1, last), [FACTORY]):
            decode_log(raw)
    return time.perf_counter() - start


def indexing(follower: Follower, last: int) -> float:
    """Seconds from nothing to all tables."""
    start = time.perf_counter()
    while follower.round():
        pass
    assert follower.at().number == last
    return time.perf_counter() - start


def copying(tables: tuple[str, ...]) -> float:
    """Seconds for COPY of the rows that these tables hold now, into twins with the same keys and indexes."""
    url = db.engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg://", "postgresql://")
    taken = 0.0
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in tables:
            with cursor.copy(f"COPY {table} TO STDOUT") as out:
                rows = b"".join(out)
            cursor.execute(f"CREATE TEMPORARY TABLE twin_{table} (LIKE {table} INCLUDING ALL)")
            start = time.perf_counter()
            with cursor.copy(f"COPY twin_{table} FROM STDIN") as into:
                into.write(rows)
            taken += time.perf_counter() - start
        connection.rollback()
    return taken


# --- the figures ------------------------------------------------------------------------------------------


def test_cold(live_app: Flask, tmp_path: Path) -> None:
    history = told()
    blocks = history.chain.blocks
    headers = [orjson.dumps(block.header()) for block in blocks]
    logs = [orjson.dumps(block.logs)[1:-1] for block in blocks]
    with served(tmp_path, headers, logs) as url, as_worker(live_app):
        settings = replace(live_app.config["SETTINGS"], rpc_url=url, factory_address=FACTORY)
        live_app.config["SETTINGS"] = settings
        record(history)
        follower, last = Follower(settings), blocks[-1].number
        read, indexed = reading(follower, last), indexing(follower, last)
        copied, copied_all = copying(WRITTEN[:1]), copying(WRITTEN)
        check(history)
    print(f"\n{history.count:,} logs in {len(blocks):,} blocks, load {os.getloadavg()[0]:.1f}")
    for name, seconds in (("read and decode", read), ("COPY of the logs", copied), ("COPY of all rows", copied_all)):
        print(f"{name}: {history.count / seconds:,.0f} logs/s")
    for name, seconds in (("the logs", copied), ("all rows that follow from them", copied_all)):
        limit = read + seconds
        print(f"indexed: {history.count / indexed:,.0f} logs/s, {limit / indexed:.2f} of reading and copying {name}")


def check(history: History) -> None:
    session = db.session()
    assert session.scalar(sa.text("SELECT count(*) FROM chain_logs")) == history.count
    assert session.scalar(sa.text("SELECT count(*) FROM quarantined_logs")) == 0
    owners = session.execute(sa.text("SELECT contract_address, token_id::int, current_owner_wallet FROM master_nfts"))
    expected = {(history.shares[master], token): owner for (master, token), owner in history.owners.items()}
    assert {(address, token): owner for address, token, owner in owners} == expected
    assert session.scalar(sa.text("SELECT sum(total_claimed)::int FROM wallet_dividend_balances")) == CLAIMS
    session.rollback()
    assert service.differences(31337) == {}
