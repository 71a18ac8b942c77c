"""The JSON-RPC methods: each takes the chain and the request's parameters."""

from collections.abc import Callable
from typing import Any

import orjson

from portal.embedded.devchain import CHAIN_ID, params
from portal.embedded.devchain.chain import TIP, Chain
from portal.embedded.devchain.evm import Header, Refused
from portal.embedded.devchain.params import BadParams
from portal.embedded.devchain.shapes import block, data, waiting, word

METHODS: dict[str, Callable[..., Any]] = {}
MAX_HISTORY = 1024
MAX_MINED = 10_000


def method(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under its JSON-RPC names."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METHODS.update(dict.fromkeys(names, function))
        return function

    return register


def constant(name: str, value: Any) -> None:
    """Register a method that always answers the same."""
    METHODS[name] = lambda chain: value


constant("eth_chainId", hex(CHAIN_ID))
constant("net_version", str(CHAIN_ID))
constant("net_listening", True)
constant("eth_syncing", False)
constant("eth_maxPriorityFeePerGas", hex(TIP))
constant("web3_clientVersion", "AudiFi-devchain/1.0")


@method("eth_accounts")
def accounts(chain: Chain) -> list[str]:
    """Addresses of the development accounts, whose keys everybody knows."""
    from portal.embedded.devchain.accounts import COUNT, account

    return [account(index).address for index in range(COUNT)]


@method("eth_blockNumber")
def block_number(chain: Chain) -> str:
    return hex(chain.height)


@method("eth_gasPrice")
def gas_price(chain: Chain) -> str:
    return hex(chain.next_header().base_fee_per_gas + TIP)


@method("eth_feeHistory")
def fee_history(chain: Chain, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
    last = params.block_number(chain, newest)
    first = max(0, last + 1 - min(params.quantity(count, "block count"), MAX_HISTORY))
    headers = [_header_at(chain, number) for number in range(first, last + 1)]
    following = chain.evm.next_header(headers[-1], headers[-1].timestamp)
    history = {
        "oldestBlock": hex(first),
        "baseFeePerGas": [hex(header.base_fee_per_gas) for header in [*headers, following]],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
    }
    return history | ({"reward": [[hex(TIP)] * len(percentiles) for _ in headers]} if percentiles else {})


@method("eth_getBlockByNumber")
def block_by_number(chain: Chain, tag: Any, full: bool = False) -> dict[str, Any] | None:
    if tag == "pending":
        return _pending_block(chain, full)
    return _block(chain, params.block_number(chain, tag), full)


@method("eth_getBlockByHash")
def block_by_hash(chain: Chain, block_hash: Any, full: bool = False) -> dict[str, Any] | None:
    number = chain.store.number_of(params.data(block_hash, 32, "block hash"))
    return None if number is None else _block(chain, number, full)


@method("eth_getBlockReceipts")
def block_receipts(chain: Chain, tag: Any) -> list[Any] | None:
    hashed = isinstance(tag, str) and len(tag) == 66
    number = params.block_number(chain, {"blockHash": tag} if hashed else tag)
    if number > chain.height:
        return None
    return [orjson.Fragment(row.receipt) for row in chain.store.transactions(number)]


@method("eth_getTransactionByHash")
def transaction_by_hash(chain: Chain, transaction_hash: Any) -> Any:
    wanted = params.data(transaction_hash, 32, "transaction hash")
    if row := chain.store.transaction_row(wanted):
        return orjson.Fragment(row.body)
    found = chain.pool.get(wanted)
    return None if found is None else waiting(found)


@method("eth_getTransactionReceipt")
def transaction_receipt(chain: Chain, transaction_hash: Any) -> Any:
    row = chain.store.transaction_row(params.data(transaction_hash, 32, "transaction hash"))
    return None if row is None else orjson.Fragment(row.receipt)


@method("eth_getLogs")
def logs(chain: Chain, wanted: Any) -> list[Any]:
    if not isinstance(wanted, dict):
        raise BadParams("filter: an object expected")
    first, last = params.block_range(chain, wanted)
    addresses = params.one_or_many(wanted.get("address"), 20, "address")
    found = chain.store.logs(first, last, addresses, params.topics(wanted.get("topics")))
    return [orjson.Fragment(body) for body in found]


@method("eth_getBalance")
def balance(chain: Chain, address: Any, tag: Any = "latest") -> str:
    return hex(_state(chain, tag).get_balance(params.address(address)))


@method("eth_getCode")
def code(chain: Chain, address: Any, tag: Any = "latest") -> str:
    return data(_state(chain, tag).get_code(params.address(address)))


@method("eth_getStorageAt")
def storage(chain: Chain, address: Any, slot: Any, tag: Any = "latest") -> str:
    return word(_state(chain, tag).get_storage(params.address(address), params.quantity(slot, "slot")))


@method("eth_getTransactionCount")
def transaction_count(chain: Chain, address: Any, tag: Any = "latest") -> str:
    if tag == "pending":
        return hex(chain.pending_nonce(params.address(address)))
    return hex(_state(chain, tag).get_nonce(params.address(address)))


@method("eth_call")
def call(chain: Chain, wanted: Any, tag: Any = "latest", overrides: Any = None) -> str:
    _refuse_overrides(overrides)
    return data(chain.evm.call(_executing_header(chain, tag), params.call(wanted)).output)


@method("eth_estimateGas")
def estimate_gas(chain: Chain, wanted: Any, tag: Any = "pending", overrides: Any = None) -> str:
    _refuse_overrides(overrides)
    return hex(chain.evm.estimate(_executing_header(chain, tag), params.call(wanted)))


@method("eth_sendRawTransaction")
def send_raw_transaction(chain: Chain, raw: Any) -> str:
    return data(chain.send(params.data(raw, name="transaction")))


@method("evm_increaseTime")
def increase_time(chain: Chain, seconds: Any) -> int:
    return chain.move_clock(params.quantity(seconds, "seconds"))


@method("evm_setNextBlockTimestamp")
def set_next_block_timestamp(chain: Chain, timestamp: Any) -> None:
    chain.set_next_timestamp(params.quantity(timestamp, "timestamp"))


@method("evm_mine")
def mine(chain: Chain, options: Any = None) -> str:
    """Make a block, at a given time if one is given, or {"blocks": n} of them."""
    if isinstance(options, dict):
        return _mine(chain, options.get("blocks", 1))
    if options is not None:
        chain.set_next_timestamp(params.quantity(options, "timestamp"))
    return _mine(chain, 1)


@method("anvil_mine", "hardhat_mine")
def mine_many(chain: Chain, count: Any = 1, interval: Any = 0) -> str:
    """Make `count` blocks, `interval` seconds apart."""
    return _mine(chain, count, interval)


@method("evm_setAutomine")
def set_automine(chain: Chain, on: Any) -> bool:
    """Off: transactions wait for evm_mine, and no empty blocks are made."""
    chain.automine = bool(on)
    return True


@method("evm_snapshot")
def snapshot(chain: Chain) -> str:
    return hex(chain.snapshot())


@method("evm_revert")
def revert(chain: Chain, number: Any) -> bool:
    return chain.revert(params.quantity(number, "snapshot"))


def _mine(chain: Chain, count: Any, interval: Any = 0) -> str:
    blocks, seconds = params.quantity(count, "count"), params.quantity(interval, "interval")
    if blocks > MAX_MINED:
        raise BadParams(f"count: at most {MAX_MINED}")
    for at in range(blocks):
        if at:
            chain.move_clock(seconds)
        chain.mine()
    return "0x0"


def _block(chain: Chain, number: int, full: bool) -> dict[str, Any] | None:
    body = chain.store.block_body(number)
    if body is None:
        return None
    rows = chain.store.transactions(number)
    held = [orjson.Fragment(row.body) if full else data(row.hash) for row in rows]
    fields: dict[str, Any] = orjson.loads(body)
    return fields | {"transactions": held}


def _pending_block(chain: Chain, full: bool) -> dict[str, Any]:
    waits = chain.pool.in_order()
    unknown = {"hash": None, "nonce": None, "miner": None, "size": "0x0"}
    held = [waiting(one) if full else data(one.hash) for one in waits]
    return block(chain.next_header()) | unknown | {"transactions": held}


def _header_at(chain: Chain, number: int) -> Header:
    header = chain.header(number)
    if header is None:
        raise Refused("header not found")
    return header


def _executing_header(chain: Chain, tag: Any) -> Header:
    """The header that a call at `tag` runs with."""
    if tag == "pending":
        return chain.next_header().copy(state_root=chain.head.state_root)
    if tag == "latest":
        return chain.current_header()
    return _header_at(chain, params.block_number(chain, tag))


def _state(chain: Chain, tag: Any) -> Any:
    return chain.evm.state(_header_at(chain, params.block_number(chain, tag)))


def _refuse_overrides(overrides: Any) -> None:
    if overrides:
        raise BadParams("state overrides are not supported")
