"""What pages tell wallets that sign for themselves: chain, transactions, and the contracts' words in plain ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from portal.chain.reasons import WHY
from portal.config import LOOPBACK, Settings

Prepared = tuple[str, str, int, str]
"""(title, to, value in wei, 0x calldata) of one transaction to sign."""


def box(settings: Settings, wallet: str, transactions: Sequence[Prepared], after: str) -> dict[str, Any]:
    """Values of the macro `sign_box` (`ui/wallets.html`); `after` is the page that whoever signed came from."""
    return {
        "wallet": wallet.lower(),
        "chain_id": settings.chain_id,
        "rpc": _rpc(settings),
        "next": after,
        "refusals": list(WHY.items()),
        "transactions": [_shown(settings.chain_id, *one) for one in transactions],
    }


def _shown(chain_id: int, title: str, to: str, value: int, data: str) -> dict[str, Any]:
    """`link` opens it in a wallet on this device (EIP-681)."""
    link = f"ethereum:{to}@{chain_id}?value={value}&data={data}"
    return {"title": title, "to": to, "value": value, "data": data, "link": link}


def _rpc(settings: Settings) -> str | None:
    """A node that a wallet may be told of: the one on this machine. Another address may hold a key."""
    return settings.rpc_url if urlsplit(settings.rpc_url).hostname in LOOPBACK else None
