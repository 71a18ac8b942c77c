"""The node as the indexer needs it: whole ranges of logs and headers at once, read by a fast parser.

Answers are judged, not believed: every fault on the way is `Unavailable`, and `Lie` is an answer that no honest node
of this chain gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3

from portal.chain.client import Block, Client, Refused
from portal.config import LOOPBACK, Settings
from portal.errors import Unavailable

TIMEOUT_SECONDS = 8.0
ADDRESSES_AT_ONCE = 500
HEADERS_AT_ONCE = 200
END_OF_TIME = 2**34  # seconds: the year 2514; PostgreSQL would take more
MOST_BLOCKS = 2**63
TOO_MANY = 429
NAMES = ("safe", "finalized")
HASH = re.compile(r"0x[0-9a-f]{64}")


class HttpRefused(OSError):
    """The node does not take the request as it is."""


class Apart(Exception):
    """The node does not take several questions in one request."""


class Lie(Unavailable):
    """The node says what cannot be true of this chain; nothing it says is taken."""


@dataclass(frozen=True)
class Tips:
    """The newest block, and the heights up to which nothing changes any more, in the node's view."""

    head: Block
    safe: int
    finalized: int


class Wire:
    """JSON-RPC over kept connections. Whatever is no whole JSON answer with status 200 raises."""

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=2, timeout=timeout, retries=False)

    def make_request(self, method: Any, params: Any) -> Any:
        return self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    def post(self, body: Any) -> Any:
        answer = self._pool.request(
            "POST", self._url, body=orjson.dumps(body), headers={"Content-Type": "application/json"}, redirect=False
        )
        if 400 <= answer.status < 500 and answer.status != TOO_MANY:
            raise HttpRefused(f"HTTP {answer.status}")
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}")
        return orjson.loads(answer.data)


class Node(Client):
    """A node that is followed."""

    def __init__(self, url: str, chain_id: int, finality_blocks: int, timeout: float = TIMEOUT_SECONDS) -> None:
        self._wire = Wire(url, timeout)
        self._depth = finality_blocks
        self._whole = True
        super().__init__(self._wire, chain_id)

    def verify(self) -> None:
        """Raises Lie for another chain's node, Unavailable where it does not answer."""
        try:
            found = int(self._wire.make_request("eth_chainId", [])["result"], 16)
        except Exception as error:
            raise Unavailable("The chain does not answer right now.") from error
        self._must_be(found)

    def _must_be(self, found: int) -> None:
        if found != self.chain_id:
            raise Lie(f"the node is on chain {found}, not {self.chain_id}")

    def tips(self) -> Tips:
        """Head, safe and finalized; a node without those names is trusted after `finality_blocks`.

        Raises Lie for another chain's node, Unavailable where it does not answer.
        """
        if self._whole:
            try:
                return self._tips_at_once()
            except Apart:
                pass
        self.verify()
        found = self._tips(sound(self.head()), self._height("safe"), self._height("finalized"))
        self._whole = False
        return found

    def _tips_at_once(self) -> Tips:
        """All four questions in one request. Raises Apart where the node wants them one by one."""
        asked = [("eth_chainId", []), *(("eth_getBlockByNumber", [tag, False]) for tag in ("latest", *NAMES))]
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(asked)
        ]
        try:
            answers = {one["id"]: one for one in self._wire.post(calls)}
            chain, head, safe, finalized = (answers[number] for number in range(len(asked)))
            found, newest = int(chain["result"], 16), _header(head["result"])
            heights = _named(safe), _named(finalized)
        except HttpRefused as error:
            raise Apart from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise Unavailable("The chain does not answer right now.") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Apart from error
        self._must_be(found)
        return self._tips(newest, *heights)

    def _tips(self, head: Block, safe: int | None, finalized: int | None) -> Tips:
        trusted = head.number - self._depth
        final = max(trusted if finalized is None else finalized, 0)
        return Tips(head, max(trusted if safe is None else safe, final), final)

    def _height(self, tag: str) -> int | None:
        try:
            return self.height(tag)
        except Refused:
            return None

    def header(self, number: int) -> Block:
        """Raises Unavailable where the node has no such block now."""
        found = self.block(number)
        if found is None or found.number != number:
            raise Unavailable(f"The node has no block {number}.")
        return sound(found)

    def headers(self, numbers: Sequence[int]) -> list[Block]:
        """Many headers in a few calls, in the order asked for."""
        return [
            header
            for start in range(0, len(numbers), HEADERS_AT_ONCE)
            for header in self._batch(numbers[start : start + HEADERS_AT_ONCE])
        ]

    def _batch(self, numbers: Sequence[int]) -> list[Block]:
        if len(numbers) == 1:
            return [self.header(numbers[0])]
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": "eth_getBlockByNumber", "params": [hex(number), False]}
            for number in numbers
        ]
        try:
            found = {one["id"]: one["result"] for one in self._wire.post(calls)}
            return [_numbered(found[number], number) for number in numbers]
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise Unavailable("The chain does not answer right now.") from error
        except (KeyError, TypeError, ValueError, AttributeError):
            return [self.header(number) for number in numbers]

    def logs(self, first: int, last: int, addresses: Sequence[str]) -> list[Any]:
        """Raw logs of a range that is final."""
        return self._logs({"fromBlock": hex(first), "toBlock": hex(last)}, addresses)

    def logs_of(self, block: Block, addresses: Sequence[str]) -> list[Any]:
        """Raw logs of one block by its hash: a node that lost the block in a reorg refuses instead of guessing."""
        return self._logs({"blockHash": block.hash}, addresses)

    def _logs(self, place: dict[str, str], addresses: Sequence[str]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(addresses), ADDRESSES_AT_ONCE):
            query = place | {"address": list(addresses[start : start + ADDRESSES_AT_ONCE])}
            logs = self.request("eth_getLogs", [query])
            if not isinstance(logs, list):
                raise Unavailable("The chain's answer could not be read.")
            found += logs
        return found


def sound(block: Block) -> Block:
    """The block with its hashes in lower case. Raises Unavailable for hashes, numbers and times that are none."""
    own, parent = block.hash.lower(), block.parent_hash.lower()
    counted = 0 <= block.timestamp < END_OF_TIME and 0 <= block.number < MOST_BLOCKS
    if not (counted and HASH.fullmatch(own) and HASH.fullmatch(parent)):
        raise Unavailable("The chain's answer could not be read.")
    return Block(block.number, own, parent, block.timestamp, block.base_fee)


def _header(raw: Any) -> Block:
    return sound(Block(int(raw["number"], 16), raw["hash"], raw["parentHash"], int(raw["timestamp"], 16), 0))


def _named(answer: Any) -> int | None:
    """The height of a named block: -1 while there is none, None where the node does not know the name."""
    if "error" in answer:
        return None
    return -1 if answer["result"] is None else _header(answer["result"]).number


def _numbered(raw: Any, number: int) -> Block:
    found = _header(raw)
    if found.number != number:
        raise ValueError("another block")
    return found


def is_near(url: str) -> bool:
    """A node on this machine may be asked more often."""
    return urlsplit(url).hostname in LOOPBACK


def connect(settings: Settings) -> Node:
    """The node of these settings. Raises Unavailable where none is set."""
    if not settings.rpc_url:
        raise Unavailable("No chain is set up.")
    return Node(settings.rpc_url, settings.chain_id, settings.finality_blocks)
