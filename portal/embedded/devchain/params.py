"""Reading JSON-RPC parameters; whatever is not as specified raises BadParams."""

import re
from collections.abc import Sequence
from typing import Any

from portal.embedded.devchain.chain import Chain
from portal.embedded.devchain.evm import GAS_LIMIT, Call

HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
MAX_FILTERS = 10_000


class BadParams(Exception):
    """A parameter cannot be read; the text says which and why."""


def data(value: Any, size: int | None = None, name: str = "data") -> bytes:
    """Bytes from 0x-prefixed hex, of exactly `size` if given."""
    if not isinstance(value, str) or not HEX.fullmatch(value):
        raise BadParams(f"{name}: 0x-prefixed hex of whole bytes expected")
    if size is not None and len(value) != 2 + 2 * size:
        raise BadParams(f"{name}: {size} bytes expected")
    return bytes.fromhex(value[2:])


def address(value: Any) -> bytes:
    """An address's 20 bytes."""
    return data(value, 20, "address")


def quantity(value: Any, name: str = "quantity") -> int:
    """A number from 0x-prefixed hex, or a plain number as some clients send."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and QUANTITY.fullmatch(value):
        return int(value, 16)
    raise BadParams(f"{name}: 0x-prefixed hex number expected")


def block_number(chain: Chain, tag: Any) -> int:
    """A block's number from a tag, a number or {"blockNumber"} or {"blockHash"}; it may lie beyond the head."""
    if isinstance(tag, dict):
        if "blockHash" in tag:
            number = chain.store.number_of(data(tag["blockHash"], 32, "blockHash"))
            return chain.height + 1 if number is None else number
        tag = tag.get("blockNumber")
    named = {"latest": chain.height, "pending": chain.height, "earliest": 0, "safe": chain.final}
    named["finalized"] = chain.final
    return named[tag] if isinstance(tag, str) and tag in named else quantity(tag, "block")


def call(value: Any) -> Call:
    """A call object; fees and nonce in it are ignored, since calls are free."""
    if not isinstance(value, dict):
        raise BadParams("call: an object expected")
    given = {name: content for name, content in value.items() if content is not None}
    return Call(
        sender=address(given["from"]) if "from" in given else bytes(20),
        to=address(given["to"]) if "to" in given else b"",
        value=quantity(given.get("value", 0), "value"),
        data=data(given.get("input", given.get("data", "0x")), name="input"),
        gas=min(quantity(given.get("gas", GAS_LIMIT), "gas"), GAS_LIMIT),
    )


def one_or_many(value: Any, size: int, name: str) -> list[bytes]:
    """Nothing for null, else one or several values of `size` bytes, as log filters give them."""
    if value is None:
        return []
    many = value if isinstance(value, list) else [value]
    if len(many) > MAX_FILTERS:
        raise BadParams(f"{name}: at most {MAX_FILTERS}")
    return [data(one, size, name) for one in many]


def topics(value: Any) -> Sequence[Sequence[bytes]]:
    """A log filter's topics by position; an empty list stands for any."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 4:
        raise BadParams("topics: a list of at most 4 expected")
    return [one_or_many(wanted, 32, "topic") for wanted in value]


def block_range(chain: Chain, wanted: dict[str, Any]) -> tuple[int, int]:
    """First and last block of a log filter; what lies beyond the head is cut off."""
    if wanted.get("blockHash") is not None:
        if "fromBlock" in wanted or "toBlock" in wanted:
            raise BadParams("give blockHash or a range of blocks, not both")
        number = chain.store.number_of(data(wanted["blockHash"], 32, "blockHash"))
        if number is None:
            raise BadParams("unknown block")
        return number, number
    first = block_number(chain, wanted.get("fromBlock") or "latest")
    last = block_number(chain, wanted.get("toBlock") or "latest")
    if first > last:
        raise BadParams(f"invalid block range: from {first} to {last}")
    return first, min(last, chain.height)
