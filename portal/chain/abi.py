"""The contracts as the portal sees them: committed artifacts, calls in, logs out.

Logs are decoded by slicing 32-byte words at fixed places, which is two orders of magnitude faster than a
general decoder and gives the same values; `eth_abi` serves calls and the dynamic types. The event list is
frozen under `ABI_VERSION` (`master_contracts.abi_version`): a changed event is a new version.
"""

from __future__ import annotations

from binascii import Error as HexError
from binascii import unhexlify
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

from eth_hash.auto import keccak

from portal.chain.artifacts import CONTRACTS, contract_abi, contract_bytecode
from portal.errors import Unavailable

ABI_VERSION = "1.0"
NATIVE = "0x" + "0" * 40  # native coin, wherever a currency is named

Value: TypeAlias = int | str | bytes | tuple[Any, ...]


class MalformedLog(ValueError):
    """A log that is not, word for word, what one of our contracts emits."""


# ---------------------------------------------------------------- calls


def _type_of(item: Mapping[str, Any]) -> str:
    """The canonical type of an ABI item: structs become tuples."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(map(_type_of, item["components"])) + ")" + kind.removeprefix("tuple")


def _signature(item: Mapping[str, Any]) -> str:
    return f"{item['name']}({','.join(map(_type_of, item['inputs']))})"


@cache
def _function(contract: str, function: str, arity: int | None) -> dict[str, Any]:
    found = [
        item
        for item in contract_abi(contract)
        if item["type"] == "function" and item["name"] == function and (arity is None or len(item["inputs"]) == arity)
    ]
    if not found:
        raise LookupError(f"{contract} has no function {function} of {arity} arguments")
    return found[0]


def _plain(item: Mapping[str, Any], value: Any) -> Any:
    """A value as eth_abi takes it: structs by position, bytes as bytes."""
    kind: str = item["type"]
    if kind.endswith("]"):
        element = {**item, "type": kind[: kind.rindex("[")]}
        return [_plain(element, one) for one in value]
    if kind == "tuple":
        fields = item["components"]
        ordered = [value[field["name"]] for field in fields] if isinstance(value, Mapping) else value
        return tuple(_plain(field, one) for field, one in zip(fields, ordered, strict=True))
    if kind.startswith("bytes") and isinstance(value, str):
        return unhexlify(value.removeprefix("0x"))
    return value


def _encode(inputs: Sequence[Mapping[str, Any]], args: Sequence[Any]) -> str:
    values = [_plain(item, value) for item, value in zip(inputs, args, strict=True)]
    from eth_abi.abi import encode

    return encode([_type_of(item) for item in inputs], values).hex()


def selector(contract: str, function: str, arity: int | None = None) -> str:
    """The 0x selector of a function; `arity` picks among overloads (`safeTransferFrom`)."""
    return "0x" + keccak(_signature(_function(contract, function, arity)).encode())[:4].hex()


def encode_call(contract: str, function: str, args: Sequence[Any] = ()) -> str:
    """0x calldata. A struct is a tuple or a mapping by field name; bytes are bytes or 0x text."""
    inputs = _function(contract, function, len(args))["inputs"]
    return selector(contract, function, len(args)) + _encode(inputs, args)


def encode_deploy(contract: str, args: Sequence[Any] = ()) -> str:
    """0x creation code with its constructor arguments."""
    constructors = [item for item in contract_abi(contract) if item["type"] == "constructor"]
    inputs = constructors[0]["inputs"] if constructors else []
    return contract_bytecode(contract) + _encode(inputs, args)


class Unreadable(Unavailable, ValueError):
    """A node's answer to a call that its contract never gives: garbage, or that of a node that lags behind it."""


def decode_result(contract: str, function: str, data: str, arity: int | None = None) -> tuple[Any, ...]:
    """The values that an `eth_call` of the function returned, as a tuple; structs are tuples.

    Addresses are lower-case 0x text, bytes32 are bytes. Raises Unreadable where the data does not fit.
    """
    outputs = _function(contract, function, arity)["outputs"]
    try:
        return decode_values([_type_of(item) for item in outputs], unhexlify(data.removeprefix("0x")))
    except (ValueError, HexError) as error:
        raise Unreadable(f"{contract}.{function} did not return that: {error}") from error


def decode_values(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """ABI-encoded values of these types. Raises `ValueError` where the data does not fit."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return tuple(decode(kinds, data))
    except DecodingError as error:
        raise ValueError(str(error)) from error


def record_key(record: UUID) -> str:
    """The factory's key (and CREATE2 salt) of a master or an artist: keccak of the id's 16 bytes."""
    return "0x" + keccak(record.bytes).hex()


def mint_permit(shares: str, chain_id: int, wallet: str, allowance: int, terms: str, deadline: int) -> dict[str, Any]:
    """EIP-712 typed data of a `MintPermit`, as `eth_signTypedData_v4` and eth-account take it.

    `allowance` is how many the wallet may have minted in all; `terms` a 0x bytes32, the content hash of the
    accepted policy; `deadline` in seconds by the chain's clock.
    """
    return {
        "types": {
            "EIP712Domain": _fields(name="string", version="string", chainId="uint256", verifyingContract="address"),
            "MintPermit": _fields(wallet="address", allowance="uint256", terms="bytes32", deadline="uint256"),
        },
        "primaryType": "MintPermit",
        "domain": {"name": "AudiFi", "version": "1", "chainId": chain_id, "verifyingContract": shares},
        "message": {"wallet": wallet, "allowance": allowance, "terms": terms, "deadline": deadline},
    }


def _fields(**types: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


# ---------------------------------------------------------------- events


def _uint(word: bytes) -> int:
    return int.from_bytes(word)


def _address(word: bytes) -> str:
    if any(word[:12]):
        raise MalformedLog("an address of more than 20 bytes")
    return "0x" + word[12:].hex()


def _bool(word: bytes) -> bool:
    number = int.from_bytes(word)
    if number > 1:
        raise MalformedLog("a boolean that is neither 0 nor 1")
    return bool(number)


def _word(word: bytes) -> str:
    return "0x" + word.hex()


_READERS: dict[str, Callable[[bytes], Value]] = {
    "uint256": _uint,
    "address": _address,
    "bool": _bool,
    "bytes32": _word,
}


def _reader(kind: str) -> tuple[Callable[[bytes], Value], int] | None:
    """(reader, size in bytes) of a static type, None for a dynamic one."""
    if kind in _READERS:
        return _READERS[kind], 32
    element, bracket, count = kind.removesuffix("]").partition("[")
    if not bracket or not count or element not in _READERS:
        return None
    one, size = _READERS[element], 32 * int(count)
    return lambda words: tuple(one(words[at : at + 32]) for at in range(0, size, 32)), size


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    indexed: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event's layout. `reads` holds (name, reader, from, to) over topics and data laid end to end."""

    name: str
    topic0: str
    fields: tuple[Field, ...]
    topics: int
    size: int | None
    reads: tuple[tuple[str, Callable[[bytes], Value], int, int], ...]
    dynamic: tuple[Field, ...]


def event_of(item: Mapping[str, Any]) -> Event:
    """The layout of an event's JSON ABI item. `size` is None where the data is of a dynamic type."""
    fields = tuple(Field(part["name"], _type_of(part), part["indexed"]) for part in item["inputs"])
    indexed = [field for field in fields if field.indexed]
    plain = [field for field in fields if not field.indexed]
    dynamic = any(_reader(field.type) is None for field in plain)
    reads, place = [], 32
    for field in indexed + ([] if dynamic else plain):
        reader, size = _reader(field.type) or (_word, 32)
        reads.append((field.name, reader, place, place + size))
        place += size
    return Event(
        name=item["name"],
        topic0="0x" + keccak(_signature(item).encode()).hex(),
        fields=fields,
        topics=1 + len(indexed),
        size=None if dynamic else place,
        reads=tuple(reads),
        dynamic=tuple(plain) if dynamic else (),
    )


@cache
def _layouts() -> dict[tuple[str, int], Event]:
    """Every event by (topic0, number of topics): ERC-20 and ERC-721 share topic0 of Transfer and Approval."""
    found = [event_of(item) for name in CONTRACTS for item in contract_abi(name) if item["type"] == "event"]
    return {(event.topic0, event.topics): event for event in found}


def _events() -> dict[str, Event]:
    return {event.topic0: event for event in sorted(_layouts().values(), key=lambda event: event.topics)}


# By topic0, for filters. Of the two Transfer and Approval layouts it names the ERC-721 one;
# `decode_log` tells them apart.
EVENTS: dict[str, Event] = _events()


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """One log with its place on the chain; `args` in the event's order, see `decode_log`."""

    name: str
    address: str
    args: dict[str, Value]
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


def decode_args(event: Event, words: bytes) -> dict[str, Value]:
    """The arguments in `words`: topics and data laid end to end. Raises `MalformedLog`."""
    if event.size is not None and len(words) != event.size:
        raise MalformedLog(f"{event.name} of {len(words)} bytes, not {event.size}")
    args = {name: read(words[start:end]) for name, read, start, end in event.reads}
    if event.dynamic:
        kinds = [field.type for field in event.dynamic]
        try:
            values = decode_values(kinds, words[32 * event.topics :])
        except (ValueError, OverflowError) as error:
            raise MalformedLog(f"{event.name}: {error}") from error
        args.update(zip((field.name for field in event.dynamic), values, strict=True))
    return args


def decode_log(raw: Mapping[str, Any]) -> DecodedLog:
    """One log as `eth_getLogs` gives it (0x text throughout), decoded.

    Addresses become lower-case 0x text, bytes32 0x text, numbers int, fixed arrays tuples. An ERC-20
    Transfer has sender, receiver, amount; an ERC-721 one sender, receiver, tokenId. Raises `MalformedLog`
    for an event that is not ours and for topics, data or place that do not fit it.
    """
    try:
        topics = raw["topics"]
        event = _layouts().get((topics[0], len(topics)))
        if event is None:
            raise MalformedLog(f"unknown event {topics[0]} with {len(topics)} topics")
        words = unhexlify("".join([topic[2:] for topic in topics]) + raw["data"][2:])
        return DecodedLog(
            event.name,
            raw["address"].lower(),
            decode_args(event, words),
            int(raw["blockNumber"], 16),
            raw["blockHash"],
            raw["transactionHash"],
            int(raw["logIndex"], 16),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, MalformedLog):
            raise
        raise MalformedLog(f"not a log: {error!r}") from error
