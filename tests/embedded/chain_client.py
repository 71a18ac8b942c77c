"""JSON-RPC without a library, a few bytes of contract, and signing for the development accounts."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from portal.embedded.devchain import CHAIN_ID
from portal.embedded.devchain.accounts import account

TOPIC = "0x" + "11" * 32
ETHER = 10**18
# Without value: logs its input under the input's first word. With value: reverts with its input.
RUNTIME = "365f5f3734600e575f35365fa1005b365ffd"
CREATION = "0x6012600a5f3960125ff3" + RUNTIME


class RpcError(Exception):
    """An error answer: `code`, `message`, `data`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.data = error["code"], error.get("data")


def post(url: str, body: Any, **headers: str) -> Any:
    """Send JSON, or bytes as they are; the decoded answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


class Client:
    """One chain seen over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, *params: Any) -> Any:
        answer = post(self.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def number(self, method: str, *params: Any) -> int:
        return int(self(method, *params), 16)

    @property
    def height(self) -> int:
        return self.number("eth_blockNumber")

    def raw(self, sender: int = 0, **fields: Any) -> str:
        """A signed transaction; the nonce is the next one unless given."""
        signer = account(sender)
        fields.setdefault("nonce", self.number("eth_getTransactionCount", signer.address, "pending"))
        fees = {} if "gasPrice" in fields else {"maxFeePerGas": 5 * 10**9, "maxPriorityFeePerGas": 10**9}
        if "to" in fields:
            fields["to"] = bytes.fromhex(fields["to"][2:])
        basis = {"chainId": CHAIN_ID, "gas": 200_000, "value": 0, **fees}
        return "0x" + signer.sign_transaction(basis | fields).raw_transaction.hex().removeprefix("0x")

    def send(self, sender: int = 0, **fields: Any) -> dict[str, Any]:
        """Send a transaction and return its receipt."""
        receipt = self("eth_getTransactionReceipt", self("eth_sendRawTransaction", self.raw(sender, **fields)))
        assert isinstance(receipt, dict)
        return receipt

    def deploy(self) -> str:
        """The small contract's address."""
        return str(self.send(data=CREATION)["contractAddress"])
