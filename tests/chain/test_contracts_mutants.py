"""Bugs put into the sources one at a time: the driver must find each within a few runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from traceback import extract_tb

import pytest
from eth_tester import EthereumTester

from portal.chain import abi
from portal.chain.artifacts import contract_bytecode
from portal.chain.compile import SOURCES, compile_source
from tests.chain.driver import Driver

pytestmark = pytest.mark.slow
RUNS = 120

MUTANTS = {
    "fee rounded up": (
        "Market",
        "fee: uint256 = price * feeBps // BPS",
        "fee: uint256 = (price * feeBps + 9999) // BPS",
    ),
    "fee taken twice": (
        "Market",
        "gets: uint256 = price - royalty - fee",
        "gets: uint256 = price - royalty - fee // 2 * 3",
    ),
    "stale listing sells": (
        "Market",
        "assert moves == (word >> 160) & BITS_48",
        "assert moves >= (word >> 160) & BITS_48",
    ),
    "credit not zeroed": ("Market", "    self.credits[msg.sender][currency] = 0\n", ""),
    "credit forgotten": (
        "Market",
        "self.credits[payee][currency] += amount",
        "self.credits[payee][currency] += amount // 2",
    ),
    "offer paid back twice": (
        "Market",
        "    self.offers[id] = [0, 0, 0]\n    log OfferCancelled",
        "    log OfferCancelled",
    ),
    "offer taken back by anyone": (
        "Market",
        "(deadline != 0 and block.timestamp > deadline)",
        "block.timestamp > deadline",
    ),
    "lapsed offer accepted": ("Market", "    self._check_deadline(word >> 200)\n", ""),
    "deadline a second early": ("Market", "block.timestamp <= deadline,", "block.timestamp < deadline,"),
    "any currency will do": (
        "Market",
        "[1] == self._asked(currency, price)",
        "[1] >> 160 == self._asked(currency, price) >> 160",
    ),
    "parts not paid": ("Market", "    if royalty > 0:\n", "    if royalty > 1000:\n"),
    "delisted currency traded": ("Market", "if currency != empty(address):", "if currency == self:"),
    "delisted collection traded": (
        "Market",
        '    assert staticcall Registry(factory).isCollection(collection), "collection not traded"\n',
        "",
    ),
    "sale still open": ("Market", '    assert closed, "sale not over"\n', ""),
    "fee not kept": ("Market", "price, (word >> 208) & BITS_16, parts", "price, self.feeBps, parts"),
    "mover settled too low": (
        "MasterShares",
        "sender, given & BITS_32, receiver",
        "sender, (given & BITS_32) - 1, receiver",
    ),
    "approval survives": ("MasterShares", "return (word >> 160 << 32) | id", "return id"),
    "batch not split": ("MasterShares", "if moves == 0 and id <", "if moves == 1 and id <"),
    "slots filled before the split": ("MasterShares", "    self._sync(empty(address), msg.value)\n", ""),
    "proceeds paid again": ("MasterShares", "self.state = state | (FLAG_PAID << 208)", "self.state = state"),
    "minters rounded up": (
        "MasterShares",
        "arrived * rates[role] // whole",
        "(arrived * rates[role] + whole - 1) // whole",
    ),
    "move not counted": ("MasterShares", "| ((moves + 1) << 160)", "| (max(moves, 1) << 160)"),
    "carry lost": ("Dividends", "holdersPool + (word & CARRY)", "holdersPool"),
    "claimed again": ("Dividends", "self.accounts[holder][place] = acc\n", "self.accounts[holder][place] = word\n"),
    "refused claim lost": (
        "Dividends",
        "self.accounts[holder][place] += due << 128",
        "self.accounts[holder][place] += 0",
    ),
    "nonce not raised": ("ArtistCoin", "self.nonces[owner] = nonce + 1", "self.nonces[owner] = nonce"),
    "late permit": ("ArtistCoin", '    assert block.timestamp <= deadline, "permit lapsed"\n', ""),
    "allowance not lowered": ("ArtistCoin", "self.allowance[owner][msg.sender] = allowed - amount", "pass"),
}


def mutant(name: str, folder: Path) -> tuple[str, str]:
    """(contract, creation code) of a source with this bug in it."""
    contract, good, bad = MUTANTS[name]
    for source in SOURCES.glob("*.vy"):
        shutil.copy(source, folder)
    text = (folder / f"{contract}.vy").read_text()
    assert text.count(good) == 1, f"{good!r} is not in {contract}.vy once"
    (folder / f"{contract}.vy").write_text(text.replace(good, bad))
    return contract, compile_source(contract, folder)["bytecode"]


def first_failure(tester: EthereumTester, contract: str) -> str:
    for seed in range(RUNS):
        driver = Driver(tester, seed, resale=(seed % 3 == 2) != (contract == "Market"))
        try:
            driver.run(40)
        except AssertionError as error:
            text = str(error) or extract_tb(error.__traceback__)[-1].line
            return f"seed {seed}, step {driver.seen.total()}: {text}"
    return ""


@pytest.mark.parametrize("name", MUTANTS)
def test_the_driver_finds(
    name: str,
    tester: EthereumTester,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    contract, code = mutant(name, tmp_path)
    monkeypatch.setattr(abi, "contract_bytecode", lambda one: code if one == contract else contract_bytecode(one))
    found = first_failure(tester, contract)
    with capsys.disabled():
        print(f"\n{contract:12} {name:30} {found or 'not found'}", end="")
    assert found
