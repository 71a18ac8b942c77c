"""From raw logs to rows: each is one of our events, word for word, or it is named as bad. Nothing here can fail.

A node may send anything: logs twice, out of order, of strangers, or no logs at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from portal.chain.abi import DecodedLog, MalformedLog, decode_log
from portal.indexer.follow import Followed, Kind, events_of

PLACE = re.compile(r"0x[0-9a-f]{64} 0x[0-9a-f]{64} 0x[0-9a-f]{40}")
WORDS = re.compile(r"(0x[0-9a-f]{64} ){1,4}0x([0-9a-f]{2})*")
MOST_INDEX = 2**31 - 1

ARGUMENTS = (
    "sender",
    "receiver",
    "wallet",
    "token_id",
    "count",
    "amount",
    "currency",
    "ref",
    "per_share",
    "unminted",
    "carry",
    "royalty",
    "figures",
)
"""Columns of a staged log that come from its arguments."""

Source = str | tuple[str, ...]
ORDER = {"sender": "seller", "ref": "collection", "token_id": "tokenId"}
ASKED = {"ref": "collection", "token_id": "tokenId", "amount": "price", "currency": "currency"}

MEANING: Mapping[tuple[Kind, str], Mapping[str, Source]] = {
    (Kind.SHARES, "Transfer"): {"sender": "sender", "receiver": "receiver", "token_id": "tokenId"},
    (Kind.SHARES, "Minted"): {"wallet": "minter", "token_id": "firstId", "count": "count", "amount": "price"},
    (Kind.COIN, "Transfer"): {"sender": "sender", "receiver": "receiver", "amount": "amount"},
    (Kind.DIVIDENDS, "RevenueDeposited"): {"ref": "ref", "currency": "token", "amount": "amount"},
    (Kind.DIVIDENDS, "DividendsDistributed"): {
        "ref": "ref",
        "currency": "token",
        "amount": "totalAmount",
        "per_share": "perShare",
        "unminted": "unminted",
        "carry": "carry",
    },
    (Kind.DIVIDENDS, "Credited"): {"ref": "ref", "wallet": "who", "currency": "token", "amount": "amount"},
    (Kind.DIVIDENDS, "DividendClaimed"): {"wallet": "holder", "currency": "token", "amount": "amount"},
    (Kind.FACTORY, "MasterCreated"): {"sender": "shares", "receiver": "dividends", "ref": "key"},
    (Kind.SHARES, "RoyaltyReceived"): {"wallet": "sender", "amount": "amount"},
    (Kind.SHARES, "RoyaltyCredited"): {"currency": "currency", "figures": ("artist", "first", "second", "third")},
    (Kind.SHARES, "RoyaltyWithdrawn"): {"wallet": "who", "currency": "currency", "amount": "amount"},
    (Kind.MARKET, "Listed"): ORDER | ASKED | {"figures": ("feeBps", "moves", "deadline")},
    (Kind.MARKET, "Cancelled"): ORDER,
    (Kind.MARKET, "Offered"): ASKED | {"sender": "bidder", "figures": ("id", "feeBps", "deadline")},
    (Kind.MARKET, "OfferCancelled"): {"figures": ("id",)},
    (Kind.MARKET, "Accepted"): {"figures": ("id",)},
    (Kind.MARKET, "Sold"): ORDER
    | ASKED
    | {"receiver": "buyer", "royalty": "parts", "figures": ("parts", "fee", "sellerGets")},
    (Kind.MARKET, "Held"): {"wallet": "who", "currency": "currency", "amount": "amount"},
    (Kind.MARKET, "Withdrawn"): {"wallet": "who", "currency": "currency", "amount": "amount"},
}
"""Which argument of which event goes where; a tuple's numbers make one array. Events without a line are kept in
`chain_logs` only."""

_SOURCES = {key: tuple(where.get(column) for column in ARGUMENTS) for key, where in MEANING.items()}
NULL = "\\N"
TOPICS, DATA = 7, 8
"""Where they stand in a row of `chain_logs`."""
_NOTHING = "\t".join([NULL] * len(ARGUMENTS))


class Entry(NamedTuple):
    """One log of ours, with its rows of `staged_logs` (the start of it, up to its figures) and `chain_logs` as COPY
    takes them: written where the log is read, which goes on beside the database's work on what was read before."""

    block_number: int
    log_index: int
    block_hash: str
    tx_hash: str
    tx_index: int
    address: str
    kind: Kind
    event: str
    staged: str
    stored: str

    @property
    def key(self) -> tuple[str, int]:
        return self.block_hash, self.log_index

    @property
    def topics(self) -> list[str]:
        return self.stored.split("\t")[TOPICS].strip("{}").split(",")

    @property
    def data(self) -> str:
        return self.stored.split("\t")[DATA]


@dataclass(frozen=True)
class Bad:
    """A log that cannot be read or cannot be true; `raw` as it came, whatever it is."""

    raw: Any
    reason: str


def read(raws: Iterable[Any], followed: Followed, blocks: range) -> tuple[list[Entry], list[Bad]]:
    """(our logs in the chain's order, each once; the others), for an answer about these blocks."""
    found: dict[tuple[str, int], Entry] = {}
    bad: list[Bad] = []
    for raw in raws:
        try:
            entry = _entry(raw, followed, blocks)
            if found.setdefault(entry.key, entry) != entry:
                raise MalformedLog("another log has this place")
        except MalformedLog as error:
            bad.append(Bad(raw, str(error)))
    return sorted(found.values()), bad


def _entry(raw: Any, followed: Followed, blocks: range) -> Entry:
    if not isinstance(raw, Mapping):
        raise MalformedLog("not a log")
    log = decode_log(raw)
    block_hash, tx_hash = _text(log.block_hash).lower(), _text(log.tx_hash).lower()
    kind = followed.kinds.get(log.address)
    if kind is None:
        raise MalformedLog("a contract that nobody asked for")
    topics, data = [_text(topic).lower() for topic in raw["topics"]], _text(raw["data"]).lower()
    if (topics[0], len(topics)) not in events_of(kind):
        raise MalformedLog(f"no contract of {kind} emits {log.name} like this")
    if log.block_number not in blocks:
        raise MalformedLog(f"block {log.block_number} was not asked for")
    if not (PLACE.fullmatch(f"{block_hash} {tx_hash} {log.address}") and WORDS.fullmatch(" ".join([*topics, data]))):
        raise MalformedLog("its place, topics or data are not hexadecimal")
    index, tx_index = log.log_index, _number(raw.get("transactionIndex", "0x0"))
    if not (0 <= index <= MOST_INDEX and 0 <= tx_index <= MOST_INDEX):
        raise MalformedLog("no such index")
    number, name = log.block_number, log.name
    # Nothing needs escaping: what came so far is hexadecimal text and numbers, and names from the ABI.
    staged = f"{number}\t{tx_hash}\t{index}\t{log.address}\t{kind}\t{name}\t{_arguments(log, kind, followed)}"
    stored = (
        f"{followed.chain_id}\t{block_hash}\t{index}\t{number}\t{tx_hash}\t{tx_index}\t{log.address}\t"
        f"{{{','.join(topics)}}}\t{data}\t{name}\n"
    )
    return Entry(number, index, block_hash, tx_hash, tx_index, log.address, kind, name, staged, stored)


def _arguments(log: DecodedLog, kind: Kind, followed: Followed) -> str:
    """The ARGUMENTS of a log, as COPY takes them."""
    sources = _SOURCES.get((kind, log.name))
    if sources is None:
        return _NOTHING
    args: dict[str, Any] = log.args
    if kind is Kind.SHARES and not 1 <= args.get("tokenId", 1) <= followed.supplies.get(log.address, MOST_INDEX):
        raise MalformedLog("a share beyond the supply")
    return "\t".join([NULL if source is None else _column(source, args, followed) for source in sources])


def _column(source: Source, args: Mapping[str, Any], followed: Followed) -> str:
    """One argument as text, or several numbers as an array; one that is several itself stands there one by one."""
    if isinstance(source, str):
        return _value(source, args[source], followed)
    values = [args[name] for name in source]
    flat = [number for value in values for number in (value if isinstance(value, tuple) else (value,))]
    return "{" + ",".join(map(str, flat)) + "}"


def _value(name: str, value: Any, followed: Followed) -> str:
    if name in ("token", "currency"):
        return followed.symbol(value)
    return str(sum(value)) if name == "parts" else str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedLog("not a log: text expected")
    return value


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise MalformedLog("not a log: no such index") from error


def raw_of(entry: Entry) -> dict[str, Any]:
    """The log as a node gives it."""
    return {
        "address": entry.address,
        "topics": entry.topics,
        "data": entry.data,
        "blockNumber": hex(entry.block_number),
        "blockHash": entry.block_hash,
        "transactionHash": entry.tx_hash,
        "transactionIndex": hex(entry.tx_index),
        "logIndex": hex(entry.log_index),
    }


def place_of(bad: Bad) -> tuple[str, int, str, str]:
    """(block hash, log index, transaction, address) of a bad log, as far as it has any."""
    raw = bad.raw if isinstance(bad.raw, Mapping) else {}
    block_hash, tx_hash, address = (
        str(raw.get(name, "")).lower()[:255].replace("\0", "") for name in ("blockHash", "transactionHash", "address")
    )
    try:
        index = int(raw["logIndex"], 16)
        known = PLACE.fullmatch(f"{block_hash} {tx_hash} {address}") and 0 <= index <= MOST_INDEX
    except (KeyError, TypeError, ValueError):
        known, index = None, 0
    if not known:
        digest = hashlib.sha256(orjson.dumps(bad.raw, option=orjson.OPT_NON_STR_KEYS)).hexdigest()
        return f"unreadable {digest}", 0, tx_hash, address
    return block_hash, index, tx_hash, address
