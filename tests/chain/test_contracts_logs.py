"""Our decoder against web3's, and against logs that no contract of ours emits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

from portal.chain.abi import EVENTS, NATIVE, MalformedLog, decode_args, decode_log, event_of
from portal.chain.artifacts import CONTRACTS, contract_abi
from tests.chain.oracle import ACCEPT, REFUSE
from tests.chain.world import ETHER, World, ref

TRANSFER = next(topic for topic, event in EVENTS.items() if event.name == "Transfer")
APPROVAL_FOR_ALL = next(topic for topic, event in EVENTS.items() if event.name == "ApprovalForAll")


def play(world: World, fan: str, friend: str) -> None:
    """A little of everything, so that every event appears."""
    coin = world.coin(fan, world.depositor)
    world.evm.call(fan, coin, "Stablecoin", "approve", friend, 5)
    master = world.master(supply=5)
    master.mint(fan, 4)
    master.run(fan, "approve", friend, 1)
    master.run(fan, "setApprovalForAll", friend, True)
    master.run(fan, "transferFrom", fan, world.factory, 1)
    master.deposit(1, 102, (friend, 7))
    master.pay(fan, "claim", NATIVE)
    master.pay(fan, "claimFor", world.factory, NATIVE)
    world.evm.send(fan, master.shares, value=99)
    master.run(fan, "withdrawRoyalty", NATIVE)
    master.run(world.operator, "setBaseURI", "z/")
    master.run(world.artist, "setArtist", friend)
    master.mint(fan)
    master.run(friend, "withdrawProceeds")
    other = world.master()
    other.mint(fan)
    other.run(world.artist, "cancel")
    other.run(fan, "refund", [1])
    trade(world, fan, friend)


def trade(world: World, fan: str, friend: str) -> None:
    """The market's events, with a receiver whose money has to wait."""
    master, market, box = world.master(price=1, supply=3), world.market(), world.receiver()
    master.mint(box.address, 3)
    box.run(master.shares, "MasterShares", "setApprovalForAll", market.address, True)
    for id in (1, 2):
        box.run(market.address, "Market", "list", master.shares, id, NATIVE, 1000, 0)
    box.run(market.address, "Market", "cancel", master.shares, 1)
    box.behave(REFUSE)
    market.run(fan, "buy", master.shares, 2, NATIVE, 1000, value=1000)
    box.behave(ACCEPT)
    box.run(market.address, "Market", "withdraw", NATIVE)
    for _ in range(2):
        market.run(friend, "offer", master.shares, 1, NATIVE, 50, 0, value=50)
    box.run(market.address, "Market", "accept", 1)
    market.run(friend, "cancelOffer", 2)
    market.run(world.operator, "setFee", 60)


def by_web3(raw: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What web3 makes of a log, by every event of that topic and number of topics."""
    log = dict(raw) | {
        "topics": [HexBytes(topic) for topic in raw["topics"]],
        "data": HexBytes(raw["data"]),
        "address": Web3.to_checksum_address(raw["address"]),
    }
    items = [item for name in CONTRACTS for item in contract_abi(name) if item["type"] == "event"]
    fitting = [
        item
        for item in items
        if event_of(item).topic0 == raw["topics"][0] and event_of(item).topics == len(raw["topics"])
    ]
    contract = Web3().eth.contract(abi=fitting[:1])
    args = contract.events[fitting[0]["name"]]().process_log(log)["args"]
    return fitting[0]["name"], dict(args)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value.lower() if isinstance(value, str) else value


def test_it_reads_what_web3_reads(world: World, fan: str, friend: str) -> None:
    play(world, fan, friend)
    assert {log.name for log in world.evm.logs} == {event.name for event in EVENTS.values()}
    for raw, log in zip(world.evm.raw_logs, world.evm.logs, strict=True):
        name, args = by_web3(raw)
        assert (log.name, log.args) == (name, {key: plain(value) for key, value in args.items()})


def raw_log(topics: list[str], data: str = "0x") -> dict[str, Any]:
    return {
        "address": "0x" + "AB" * 20,
        "topics": topics,
        "data": data,
        "blockNumber": "0x10",
        "blockHash": "0x" + "1" * 64,
        "transactionHash": "0x" + "2" * 64,
        "logIndex": "0x3",
    }


WORD = "0x" + "0" * 24 + "ab" * 20


def test_a_log_keeps_its_place() -> None:
    log = decode_log(raw_log([TRANSFER, WORD, WORD, "0x" + "0" * 63 + "7"]))
    assert log.args == {"sender": "0x" + "ab" * 20, "receiver": "0x" + "ab" * 20, "tokenId": 7}
    assert (log.address, log.block_number, log.log_index) == ("0x" + "ab" * 20, 16, 3)
    coin = decode_log(raw_log([TRANSFER, WORD, WORD], "0x" + "0" * 63 + "9"))
    assert coin.args["amount"] == 9


@pytest.mark.parametrize(
    "raw",
    [
        {},
        raw_log([]),
        raw_log(["0x" + "9" * 64]),
        raw_log([TRANSFER, WORD]),
        raw_log([TRANSFER, WORD, WORD, WORD], "0x00"),
        raw_log([TRANSFER, WORD, WORD], "0x" + "0" * 62),
        raw_log([TRANSFER, WORD, WORD], "0x" + "0" * 62 + "zz"),
        raw_log([TRANSFER, WORD, WORD], "0x" + "0" * 62 + "_1"),
        raw_log([TRANSFER, "0x" + "1" * 64, WORD, WORD]),
        raw_log([APPROVAL_FOR_ALL, WORD, WORD], "0x" + "0" * 63 + "2"),
        raw_log([TRANSFER, WORD, WORD, WORD]) | {"data": None},
        raw_log([TRANSFER, WORD, WORD, WORD]) | {"blockNumber": None},
        raw_log([TRANSFER, WORD, WORD, WORD]) | {"address": 5},
    ],
)
def test_a_malformed_log_is_named(raw: dict[str, Any]) -> None:
    with pytest.raises(MalformedLog):
        decode_log(raw)


@given(st.sampled_from(sorted(EVENTS)), st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=300))
def test_no_bytes_break_it(topic: str, topics: list[bytes], data: bytes) -> None:
    raw = raw_log([topic, *("0x" + one.hex() for one in topics)], "0x" + data.hex())
    with suppress(MalformedLog):
        assert decode_log(raw).name == EVENTS[topic].name


def test_types_without_a_fixed_place_go_through_eth_abi() -> None:
    inputs = [
        {"name": "who", "type": "address", "indexed": True},
        {"name": "note", "type": "string", "indexed": False},
        {"name": "parts", "type": "uint256[2]", "indexed": False},
    ]
    event = event_of({"name": "Note", "inputs": inputs})
    tail = [96, 1, 2, 2]
    words = b"\0" * 32 + bytes.fromhex(WORD[2:]) + b"".join(map(ref, tail)) + b"hi".ljust(32, b"\0")
    assert decode_args(event, words) == {"who": "0x" + "ab" * 20, "note": "hi", "parts": (1, 2)}
    with pytest.raises(MalformedLog):
        decode_args(event, words[:-64])
    fixed = event_of({"name": "Fixed", "inputs": inputs[::2]})
    assert decode_args(fixed, words[:64] + ref(5) + ref(ETHER))["parts"] == (5, ETHER)
