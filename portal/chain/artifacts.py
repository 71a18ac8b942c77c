"""The committed build of the contracts: `contracts/artifacts/<name>.json`, made by `portal.chain.compile`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

CONTRACTS = ("Stablecoin", "ArtistCoin", "Factory", "Dividends", "MasterShares", "Market")
ARTIFACTS = Path(__file__).parent / "contracts" / "artifacts"


@cache
def _artifact(name: str) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text())
    return artifact


def contract_abi(name: str) -> list[dict[str, Any]]:
    """The JSON ABI of a contract in `CONTRACTS`. Shared: not to be changed."""
    abi: list[dict[str, Any]] = _artifact(name)["abi"]
    return abi


def contract_bytecode(name: str) -> str:
    """The 0x creation code of a contract, without constructor arguments."""
    code: str = _artifact(name)["bytecode"]
    return code
