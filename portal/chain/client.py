"""A chain behind its JSON-RPC URL: small typed functions, and one way of failing.

Everything that a node can do wrong on the way (down, slow, HTML, half an answer) is `Unavailable`, everything it
says about our request is `Refused` or, where a contract said no, `Reverted`. Nothing is sent again by itself: web3's
own retries would repeat `eth_sendRawTransaction` too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

from flask import current_app

from portal.chain.abi import decode_values
from portal.config import LOOPBACK, Settings
from portal.errors import Conflict, DomainError, Unavailable, Waiting

TIMEOUT_SECONDS = 4.0
FALLBACK_TIP = 10**9  # wei; for nodes without eth_maxPriorityFeePerGas
METHOD_NOT_FOUND = -32601
ERROR_SELECTOR = "0x08c379a0"
Tag = int | str


class Silent(Waiting):
    """No answer, none that can be read, or one from another chain: work waits for the node, however long that takes."""


class Refused(Unavailable):
    """The node answered our request with an error of its own."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"The chain refused: {message}")
        self.number, self.message, self.data = code, message, data


class Reverted(Conflict):
    """A contract said no. `reason` is its sentence, or empty."""

    title = "The contract refused this"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The contract refused: {reason or 'no reason given'}.")
        self.reason = reason


@dataclass(frozen=True)
class Block:
    """A header; `timestamp` in seconds by the chain's clock."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    base_fee: int


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction; `logs` are raw, for `abi.decode_log`."""

    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    contract_address: str | None
    gas_used: int
    gas_price: int
    logs: list[dict[str, Any]]


@dataclass(frozen=True)
class Fees:
    """What to offer per gas, in wei (EIP-1559)."""

    most: int
    tip: int


class Provider(Protocol):
    """What web3's providers have in common."""

    def make_request(self, method: Any, params: Any) -> Any: ...


class Client:
    """One node. It is asked for its chain id before anything else, and again after each failure to reach it."""

    def __init__(self, provider: Provider, chain_id: int) -> None:
        self._provider, self.chain_id, self._known = provider, chain_id, False

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises Unavailable (no answer, garbage, wrong chain), Refused or Reverted."""
        if not self._known:
            self._meet()
        return self._ask(method, params)

    def batch(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """The results of many calls in one go, in order; where a contract said no, its Reverted is the result.

        Raises Unavailable and Refused as `request` does.
        """
        if not self._known:
            self._meet()
        try:
            answers = self._provider.make_batch_request(requests)  # type: ignore[attr-defined]
            found = [_settled(answer) for answer in answers] if isinstance(answers, list) else []
        except DomainError:
            raise
        except Exception as error:
            self._known = False
            raise Silent("The chain does not answer right now.") from error
        if len(found) != len(requests):
            raise Silent("The chain's answer could not be read.")
        return found

    def _meet(self) -> None:
        found = _number(self._ask("eth_chainId", ()))
        if found != self.chain_id:
            raise Silent(f"The node is on chain {found}, this portal on {self.chain_id}.")
        self._known = True

    def _ask(self, method: str, params: Sequence[Any]) -> Any:
        try:
            answer = self._provider.make_request(method, list(params))
        except Exception as error:
            self._known = False
            raise Silent("The chain does not answer right now.") from error
        refusal = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(refusal, dict | None) or not (refusal or "result" in answer):
            self._known = False
            raise Silent("The chain's answer could not be read.")
        if refusal:
            raise _refusal(refusal)
        return answer["result"]

    # --- blocks -------------------------------------------------------------------------------------------

    def block_number(self) -> int:
        return _number(self.request("eth_blockNumber"))

    def block(self, tag: Tag = "latest") -> Block | None:
        """The header at a height or at latest, safe, finalized, pending; None where the node has none yet."""
        return _block(self.request("eth_getBlockByNumber", [_tag(tag), False]))

    def head(self) -> Block:
        """The newest header. Raises Unavailable for a node without one."""
        head = self.block("latest")
        if head is None:
            raise Unavailable("The chain has no block yet.")
        return head

    def height(self, tag: str) -> int:
        """The number of the block at `safe` or `finalized`, -1 while there is none."""
        found = self.block(tag)
        return -1 if found is None else found.number

    def clock(self) -> int:
        """Seconds that the next block will bear, at least: the chain's clock, also where no block came for hours."""
        latest = self.head().timestamp
        try:
            pending = self.request("eth_getBlockByNumber", ["pending", False])
            return max(latest, _number(pending["timestamp"]))
        except (Refused, KeyError, TypeError):
            return max(latest, int(time.time()))

    def get_logs(
        self,
        first: Tag,
        last: Tag,
        addresses: Sequence[str] = (),
        topics: Sequence[str | Sequence[str] | None] = (),
    ) -> list[dict[str, Any]]:
        """Raw logs of a range of blocks, both ends included; no addresses means all."""
        query: dict[str, Any] = {"fromBlock": _tag(first), "toBlock": _tag(last), "topics": list(topics)}
        if addresses:
            query["address"] = list(addresses)
        logs = self.request("eth_getLogs", [query])
        if not isinstance(logs, list):
            raise Unavailable("The chain's answer could not be read.")
        return logs

    # --- calls --------------------------------------------------------------------------------------------

    def call(self, to: str, data: str, tag: Tag = "latest", *, sender: str | None = None, value: int = 0) -> str:
        """0x return data of a read. Raises Reverted."""
        return str(self.request("eth_call", [_transaction(sender, to, data, value), _tag(tag)]))

    def estimate_gas(self, sender: str, to: str | None, data: str, value: int = 0) -> int:
        """Gas that the transaction needs now. Raises Reverted where it would fail."""
        return _number(self.request("eth_estimateGas", [_transaction(sender, to, data, value)]))

    def code(self, address: str) -> str:
        return str(self.request("eth_getCode", [address, "latest"]))

    def balance(self, address: str) -> int:
        """Wei."""
        return _number(self.request("eth_getBalance", [address, "latest"]))

    def nonce(self, address: str) -> int:
        """How many transactions of this account are mined."""
        return _number(self.request("eth_getTransactionCount", [address, "latest"]))

    def fees(self) -> Fees:
        """Twice the base fee and the tip that the node suggests: enough for six full blocks in a row."""
        try:
            tip = _number(self.request("eth_maxPriorityFeePerGas"))
        except Refused as error:
            if error.number != METHOD_NOT_FOUND:
                raise
            tip = FALLBACK_TIP
        return Fees(most=2 * self.head().base_fee + tip, tip=tip)

    # --- transactions -------------------------------------------------------------------------------------

    def send_raw(self, raw: str) -> str:
        """Hand over a signed transaction once; returns the hash that the node names. Raises Refused."""
        return str(self.request("eth_sendRawTransaction", [raw]))

    def receipt(self, tx_hash: str) -> Receipt | None:
        """None while the transaction is not mined."""
        return _receipt(self.request("eth_getTransactionReceipt", [tx_hash]))

    def sent(self, tx_hash: str) -> dict[str, Any] | None:
        """The transaction as the node has it, mined or waiting; None where it has not."""
        found = self.request("eth_getTransactionByHash", [tx_hash])
        if found is not None and not isinstance(found, dict):
            raise Unavailable("The chain's answer could not be read.")
        return found

    def knows(self, tx_hash: str) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.sent(tx_hash) is not None

    def why(self, to: str, data: str, block: int, sender: str, value: int = 0) -> str:
        """Why a mined call failed: a receipt bears no reason, the same call on the block before it tells one."""
        try:
            self.call(to, data, max(block - 1, 0), sender=sender, value=value)
        except Reverted as error:
            return error.reason or "no reason given"
        except Unavailable:
            pass
        return "it failed on chain"


@cache
def _client(url: str, chain_id: int) -> Client:
    import requests
    from web3.providers.rpc import HTTPProvider  # a second of imports that most processes never need

    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in LOOPBACK  # looking for a proxy takes a third of a local call
    kwargs = {"timeout": TIMEOUT_SECONDS}
    return Client(HTTPProvider(url, kwargs, session, exception_retry_configuration=None), chain_id)


def connect(settings: Settings) -> Client:
    """The node of these settings; one client per process. Raises Unavailable where no URL is set."""
    if not settings.rpc_url:
        raise Unavailable("No chain is set up.")
    return _client(settings.rpc_url, settings.chain_id)


def current() -> Client:
    """The node of the running application."""
    settings: Settings = current_app.config["SETTINGS"]
    return connect(settings)


# --- reading answers --------------------------------------------------------------------------------------


def _number(value: Any) -> int:
    """A quantity: 0x text, or a plain number from an in-process provider."""
    try:
        return int(value, 16) if isinstance(value, str) else int(value)
    except (TypeError, ValueError) as error:
        raise Unavailable("The chain's answer could not be read.") from error


def _tag(tag: Tag) -> str:
    return tag if isinstance(tag, str) else hex(tag)


def _transaction(sender: str | None, to: str | None, data: str, value: int) -> dict[str, str]:
    fields = {"from": sender, "to": to, "data": data, "value": hex(value)}
    return {name: text for name, text in fields.items() if text is not None}


def _block(raw: Any) -> Block | None:
    if raw is None:
        return None
    try:
        return Block(
            _number(raw["number"]),
            str(raw["hash"]),
            str(raw["parentHash"]),
            _number(raw["timestamp"]),
            _number(raw.get("baseFeePerGas") or 0),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unavailable("The chain's answer could not be read.") from error


def _receipt(raw: Any) -> Receipt | None:
    if raw is None:
        return None
    try:
        if raw.get("blockNumber") is None:
            return None
        created = raw.get("contractAddress")
        return Receipt(
            str(raw["transactionHash"]).lower(),
            _number(raw["blockNumber"]),
            str(raw["blockHash"]),
            _number(raw["status"]) == 1,
            created.lower() if created else None,
            _number(raw["gasUsed"]),
            _number(raw.get("effectiveGasPrice") or 0),
            list(raw["logs"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unavailable("The chain's answer could not be read.") from error


def _settled(answer: Any) -> Any:
    """The result in one answer of a batch, or the Reverted that it is."""
    if not answer.get("error"):
        return answer["result"]
    refusal = _refusal(answer["error"])
    if isinstance(refusal, Reverted):
        return refusal
    raise refusal


def _refusal(error: dict[str, Any]) -> Exception:
    """Revert data (code 3, or -32000 with data on some nodes) becomes Reverted, all else Refused."""
    message, data = str(error.get("message", "")), error.get("data")
    data = data.get("data") if isinstance(data, dict) else data
    if error.get("code") == 3 or "revert" in message.lower():
        return Reverted(revert_reason(data) or message.partition("reverted: ")[2])
    return Refused(_number(error.get("code") or 0), message, data)


def revert_reason(data: Any) -> str:
    """The sentence in a revert's data, empty where there is none."""
    if not isinstance(data, str) or not data.startswith(ERROR_SELECTOR):
        return ""
    try:
        return str(decode_values(["string"], bytes.fromhex(data[10:]))[0])
    except ValueError:
        return ""
