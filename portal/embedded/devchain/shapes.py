"""The JSON of blocks, transactions, receipts and logs, as Ethereum's JSON-RPC specifies it."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import orjson
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth_utils.crypto import keccak
from rlp import encode

from portal.embedded.devchain.evm import Built, Header, Transaction, encode_header
from portal.embedded.devchain.store import BlockRow, LogRow, TransactionRow

Json = dict[str, Any]


def data(value: bytes) -> str:
    """Bytes as 0x-prefixed hex."""
    return "0x" + value.hex()


def word(value: int) -> str:
    """A number as 32 bytes of hex."""
    return f"0x{value:064x}"


def block_row(built: Built) -> BlockRow:
    """A built block as it is stored."""
    header = built.header
    place = {"blockHash": data(header.hash), "blockNumber": hex(header.block_number)}
    positions = count()
    logs = [list(_logs(place, built, index, positions)) for index in range(len(built.transactions))]
    return BlockRow(
        number=header.block_number,
        hash=header.hash,
        header=encode_header(header),
        body=orjson.dumps(block(header) | {"size": hex(_size(built))}),
        transactions=[
            TransactionRow(
                transaction.hash,
                orjson.dumps(mined(transaction, place, index, header.base_fee_per_gas)),
                orjson.dumps(_receipt(built, place, index, [body for _, body in logs[index]])),
            )
            for index, transaction in enumerate(built.transactions)
        ],
        logs=[LogRow(log.address, _topics(log), orjson.dumps(body)) for found in logs for log, body in found],
    )


def block(header: Header) -> Json:
    """A block's fields, without its size and transactions."""
    return {
        "number": hex(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": f"0x{header.bloom:0512x}",
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": data(header.extra_data),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "mixHash": data(header.mix_hash),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": hex(header.blob_gas_used),
        "excessBlobGas": hex(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "withdrawals": [],
        "uncles": [],
    }


def waiting(transaction: Transaction) -> Json:
    """A transaction that no block holds yet."""
    return {
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
        "hash": data(transaction.hash),
        "from": data(transaction.sender),
        "to": data(transaction.to) if transaction.to != CREATE_CONTRACT_ADDRESS else None,
        "nonce": hex(transaction.nonce),
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "input": data(transaction.data),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
        **_by_type(transaction),
    }


def mined(transaction: Transaction, place: Json, index: int, base_fee: int) -> Json:
    """A transaction in its block."""
    price = {"gasPrice": hex(effective_price(transaction, base_fee))}
    return waiting(transaction) | place | {"transactionIndex": hex(index)} | price


def effective_price(transaction: Transaction, base_fee: int) -> int:
    """Wei paid for a unit of gas (EIP-1559); before 1559 both fees are the gas price."""
    return int(min(transaction.max_fee_per_gas, base_fee + transaction.max_priority_fee_per_gas))


def _by_type(transaction: Transaction) -> Json:
    kind = getattr(transaction, "type_id", None)
    if kind is None:
        return {"type": "0x0", "gasPrice": hex(transaction.gas_price), "v": hex(transaction.v)}
    parity = hex(transaction.y_parity)
    common = {
        "type": hex(kind),
        "v": parity,
        "yParity": parity,
        "chainId": hex(transaction.chain_id),
        "accessList": [_access(entry) for entry in transaction.access_list],
    }
    if kind == 1:
        return common | {"gasPrice": hex(transaction.gas_price)}
    return common | {
        "gasPrice": hex(transaction.max_fee_per_gas),
        "maxFeePerGas": hex(transaction.max_fee_per_gas),
        "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
    }


def _access(entry: Any) -> Json:
    address, keys = entry
    return {"address": data(address), "storageKeys": [word(key) for key in keys]}


def _receipt(built: Built, place: Json, index: int, logs: Sequence[Json]) -> Json:
    transaction, receipt = built.transactions[index], built.receipts[index]
    before = built.receipts[index - 1].gas_used if index else 0
    creates = transaction.to == CREATE_CONTRACT_ADDRESS
    return place | {
        "transactionHash": data(transaction.hash),
        "transactionIndex": hex(index),
        "from": data(transaction.sender),
        "to": None if creates else data(transaction.to),
        "contractAddress": data(created_address(transaction)) if creates else None,
        "cumulativeGasUsed": hex(receipt.gas_used),
        "gasUsed": hex(receipt.gas_used - before),
        "effectiveGasPrice": hex(effective_price(transaction, built.header.base_fee_per_gas)),
        "status": "0x1" if receipt.state_root == b"\x01" else "0x0",
        "type": hex(getattr(transaction, "type_id", None) or 0),
        "logsBloom": f"0x{receipt.bloom:0512x}",
        "logs": logs,
    }


def created_address(transaction: Transaction) -> bytes:
    """Where a creating transaction puts its contract: the end of keccak(rlp(sender, nonce))."""
    return bytes(keccak(encode([transaction.sender, transaction.nonce]))[12:])


def _logs(place: Json, built: Built, index: int, positions: Iterator[int]) -> Iterator[tuple[Any, Json]]:
    about = place | {
        "transactionHash": data(built.transactions[index].hash),
        "transactionIndex": hex(index),
        "blockTimestamp": hex(built.header.timestamp),
        "removed": False,
    }
    for log in built.receipts[index].logs:
        topics = [data(topic) for topic in _topics(log)]
        content = {"address": data(log.address), "topics": topics, "data": data(log.data)}
        yield log, about | content | {"logIndex": hex(next(positions))}


def _topics(log: Any) -> tuple[bytes, ...]:
    return tuple(topic.to_bytes(32) for topic in log.topics)


def _size(built: Built) -> int:
    return len(encode_header(built.header)) + sum(len(transaction.encode()) for transaction in built.transactions)
