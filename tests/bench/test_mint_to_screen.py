"""From a mint on the chain to the counter on a screen: the chain's own receipt, the live line, and the API.

`python -m pytest -m bench -n 0 -s tests/bench/test_mint_to_screen.py` prints milliseconds and, because machines
differ, the ratio to the receipt in the same run. The portal prepares each mint; it is signed here and sent to the
chain past the portal, one at a time and further apart than the live line's coalescing. Nothing is asserted about time.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from portal import demo, live
from portal.chain.abi import encode_call
from portal.embedded.devchain import CHAIN_ID
from portal.embedded.devchain.accounts import COUNT, account
from tests.embedded.running import folder_for, portal
from tests.faults.story import add_staff

pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
MINTS = 30
PATIENCE = 30
GWEI = 10**9


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[demo.Walk]:
    """The demo story up to the open offer."""
    data = folder_for("root", tmp_path / "data")
    with portal("root" if os.getuid() == 0 else "user", data, "--no-demo-data") as running:
        add_staff(data)
        walk = demo.Walk(running.url)
        walk.rpc_url = "http://127.0.0.1:" + (data / "run" / "devchain.port").read_text()
        for step in demo.STORY[: demo.STORY.index(demo.mint)]:
            step(walk)
        yield walk
        for browser in (walk.artist, walk.visitor, walk.fan, walk.staff):
            browser.http.close()
        gc.collect()


def send(walk: demo.Walk, to: str, data: str) -> None:
    """Sign, send, and wait for the receipt."""
    minter = next(one for one in map(account, range(COUNT)) if one.address.lower() == walk.fan.wallet)
    nonce = int(walk.chain("eth_getTransactionCount", minter.address, "latest"), 16)
    fields = {"to": to_checksum_address(to), "data": data, "value": 0, "nonce": nonce, "gas": 500_000}
    fees = {"maxFeePerGas": 50 * GWEI, "maxPriorityFeePerGas": GWEI, "chainId": CHAIN_ID, "type": 2}
    signed = minter.sign_transaction({**fields, **fees})
    sent = walk.chain("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
    while (receipt := walk.chain("eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.002)
    assert int(receipt["status"], 16) == 1


def counted(walk: demo.Walk) -> int:
    """The API's mintedSupply."""
    supply: int = walk.visitor.api("GET", f"/v2/masters/{walk.master['id']}").json()["ipo"]["mintedSupply"]
    return supply


def one_mint(walk: demo.Walk, heard: dict[int, float], supply: int) -> tuple[float, float, float]:
    """Seconds from sending to the receipt, the event, and the API."""
    wanted = {"wallet": walk.fan.wallet, "quantity": 1}
    prepared = walk.fan.api("POST", f"/v2/masters/{walk.master['id']}/ipo/mint-intents", wanted).json()["transaction"]
    start = time.monotonic()
    send(walk, prepared["to"], prepared["data"])
    receipt, shown = time.monotonic(), 0.0
    while not (shown and supply in heard):
        if not shown and counted(walk) == supply:
            shown = time.monotonic()
        assert time.monotonic() - start < PATIENCE
        time.sleep(0.005)
    return receipt - start, heard[supply] - start, shown - start


def line(name: str, times: list[float], receipt: float) -> str:
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    return f"{name}: median {median * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, {median / receipt:.1f} x the receipt"


def test_mint_to_screen(walk: demo.Walk) -> None:
    walk.fan.page("/")
    send(walk, walk.coin(), encode_call("Stablecoin", "faucet", (walk.fan.wallet, 10**12)))
    send(walk, walk.coin(), encode_call("Stablecoin", "approve", (walk.contracts["shares"], 10**12)))
    heard: dict[int, float] = {}

    class Screen(list[dict[str, Any]]):
        """What the live line says, with the time."""

        def append(self, event: dict[str, Any]) -> None:
            heard.setdefault(event["mintedSupply"], time.monotonic())

    screen = demo._listen(walk.fan, f"master:{walk.master['id']}", Screen())
    times = []
    for supply in range(1, MINTS + 1):
        times.append(one_mint(walk, heard, supply))
        time.sleep(live.INTERVAL_SECONDS + 0.05)
    screen.disconnect()
    receipts, events, pages = (list(column) for column in zip(*times, strict=True))
    receipt = statistics.median(receipts)
    print(f"\n{MINTS} mints, load {os.getloadavg()[0]:.1f}")
    for name, column in (("receipt", receipts), ("ipo.mint", events), ("mintedSupply", pages)):
        print(line(name, column, receipt))
    shown = [event - got for event, got in zip(events, receipts, strict=True)]
    print(line("from the receipt to the frame", shown, receipt))
    assert counted(walk) == MINTS
