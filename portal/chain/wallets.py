"""What pages tell wallets that sign for themselves: chain, transactions, and the contracts' words in plain ones.

The words of a refusal stand in the contracts (`portal/chain/contracts`); here stands what whoever reads it can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from portal.config import LOOPBACK, Settings

REFUSALS = {
    "not enough left": "Others were faster: fewer shares are left than you wanted. Go back to see how many.",
    "not live": "The sale was over or paused before it arrived. Go back to see how it stands.",
    "over the allowance": "That is more than one person may buy of this.",
    "permit lapsed": "It took longer than 15 minutes, so the leave to buy ran out. Prepare it again: one press.",
    "insufficient balance": "This wallet holds too little for the price. Fill it up, or use another wallet.",
    "insufficient allowance": "The contract may not take the coins yet. Prepare it again and sign both transactions.",
    "not listed": "It is not for sale any more: it was sold or taken off just now.",
    "listing changed": "The price was changed just now. Go back to see the new one before you pay.",
    "listing is stale": "The share has moved to another wallet, so this listing is over.",
    "order lapsed": "Its time ran out before it arrived. Nothing was paid; prepare it again, or ask for a new one.",
    "your own share": "This wallet owns the share already.",
    "your own offer": "This wallet made that offer itself.",
    "not your offer": "Only the wallet that made this offer can take it back.",
    "not your listing": "Only the wallet that listed this share can take it off.",
    "no such offer": "This offer was taken back or accepted just now.",
    "not the owner": "This wallet does not own the share any more.",
    "sale not over": "Shares can be resold once the first sale is over.",
    "nothing to withdraw": "Nothing is waiting for this wallet.",
}
"""The contract's words, and what they mean for who reads them."""

Prepared = tuple[str, str, int, str]
"""(title, to, value in wei, 0x calldata) of one transaction to sign."""


def helpful(reason: str) -> str:
    """The contract's words as something that a person can act on; other words stay as they are."""
    return next((text for words, text in REFUSALS.items() if words in reason.lower()), reason)


def box(settings: Settings, wallet: str, transactions: Sequence[Prepared], after: str) -> dict[str, Any]:
    """Values of the macro `sign_box` (`ui/wallets.html`); `after` is the page that whoever signed came from."""
    return {
        "wallet": wallet.lower(),
        "chain_id": settings.chain_id,
        "rpc": _rpc(settings),
        "next": after,
        "refusals": list(REFUSALS.items()),
        "transactions": [_shown(settings.chain_id, *one) for one in transactions],
    }


def _shown(chain_id: int, title: str, to: str, value: int, data: str) -> dict[str, Any]:
    """`link` opens it in a wallet on this device (EIP-681)."""
    link = f"ethereum:{to}@{chain_id}?value={value}&data={data}"
    return {"title": title, "to": to, "value": value, "data": data, "link": link}


def _rpc(settings: Settings) -> str | None:
    """A node that a wallet may be told of: the one on this machine. Another address may hold a key."""
    return settings.rpc_url if urlsplit(settings.rpc_url).hostname in LOOPBACK else None
