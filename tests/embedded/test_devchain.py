"""The development chain answers as a node does, also after a kill, and its clock can be moved."""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import signal
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

from portal.embedded.devchain import CHAIN_ID, Devchain
from portal.embedded.devchain.accounts import account
from tests.embedded.chain_client import ETHER, RUNTIME, TOPIC, Client, RpcError, post
from tests.embedded.running import eventually

FRIEND = account(1).address


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    with Devchain(tmp_path_factory.mktemp("devchain"), tick=0) as running:
        yield running


@pytest.fixture
def chain(process: Devchain) -> Iterator[Client]:
    """The chain at its beginning; what the test does is undone."""
    client = Client(process.address)
    point = client("evm_snapshot")
    yield client
    client("evm_setAutomine", True)
    assert client("evm_revert", point) is True


def test_begins_13_months_ago_with_funded_accounts(chain: Client) -> None:
    genesis = chain("eth_getBlockByNumber", "earliest", False)
    assert 395 * 86400 < time.time() - int(genesis["timestamp"], 16) < 397 * 86400
    assert chain("eth_accounts")[0] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert all(chain.number("eth_getBalance", address, "latest") == 10**24 for address in chain("eth_accounts"))
    assert (chain.number("eth_chainId"), chain("net_version")) == (CHAIN_ID, "31337")


def test_a_transfer_moves_value_and_costs_gas(chain: Client) -> None:
    receipt = chain.send(to=FRIEND, value=ETHER, gas=21000)
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert (receipt["status"], receipt["gasUsed"]) == ("0x1", hex(21000))
    assert chain.number("eth_getBalance", FRIEND, "latest") == 10**24 + ETHER
    assert chain.number("eth_getBalance", account(0).address, "latest") == 10**24 - ETHER - paid
    assert chain.number("eth_getBalance", FRIEND, hex(chain.height - 1)) == 10**24


def test_web3_reads_every_kind_of_answer(chain: Client) -> None:
    w3 = Web3(HTTPProvider(chain.url))
    sent = w3.eth.send_raw_transaction(chain.raw(to=FRIEND, value=1, gasPrice=5 * 10**9))  # type: ignore[arg-type]
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert w3.eth.get_transaction(sent)["gasPrice"] == 5 * 10**9
    block = w3.eth.get_block(receipt["blockHash"], full_transactions=True)
    assert block["transactions"][0]["hash"] == sent  # type: ignore[index]
    assert w3.eth.get_block_receipts(block["number"])[0]["transactionHash"] == sent
    assert w3.eth.fee_history(2, "latest", [50])["reward"] == [[10**9]] * 2
    assert w3.eth.get_block("pending")["number"] == block["number"] + 1
    assert w3.eth.gas_price > w3.eth.max_priority_fee == 10**9


def test_hashes_are_those_of_ethereum(chain: Client) -> None:
    raw = chain.raw(to=FRIEND, value=1)
    assert chain("eth_sendRawTransaction", raw) == "0x" + Web3.keccak(hexstr=raw).hex().removeprefix("0x")  # type: ignore[arg-type]
    head = chain("eth_getBlockByNumber", "latest", False)
    assert head["parentHash"] == chain("eth_getBlockByNumber", hex(chain.height - 1), False)["hash"]


def test_logs_are_found_by_block_address_and_topic(chain: Client) -> None:
    one, other = chain.deploy(), chain.deploy()
    first = chain.height + 1
    for address, topic in ((one, "11"), (one, "22"), (other, "11")):
        chain.send(to=address, data="0x" + topic * 32)

    def found(**wanted: Any) -> list[tuple[str, str]]:
        logs = chain("eth_getLogs", {"fromBlock": hex(first), "toBlock": "latest"} | wanted)
        return [(log["address"], log["topics"][0][2:4]) for log in logs]

    assert found() == [(one, "11"), (one, "22"), (other, "11")]
    assert found(address=one) == [(one, "11"), (one, "22")]
    assert found(topics=[[TOPIC]]) == found(topics=[TOPIC]) == [(one, "11"), (other, "11")]
    assert found(address=[one, other], topics=[["0x" + "22" * 32, TOPIC]], toBlock=hex(first)) == [(one, "11")]
    assert found(topics=[None]) == found(toBlock=hex(first + 1000)) == found()
    assert found(fromBlock=hex(first + 1)) == [(one, "22"), (other, "11")]
    by_hash = {"blockHash": chain("eth_getBlockByNumber", hex(first), False)["hash"]}
    assert [log["logIndex"] for log in chain("eth_getLogs", by_hash)] == ["0x0"]


def test_a_revert_says_why(chain: Client) -> None:
    contract = chain.deploy()
    reason = "08c379a0" + f"{32:064x}" + f"{4:064x}" + b"nope".hex().ljust(64, "0")
    call = {"from": account(0).address, "to": contract, "value": "0x1", "data": "0x" + reason}
    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(RpcError, match="execution reverted: nope") as error:
            chain(method, call, "latest")
        assert (error.value.code, error.value.data) == (3, "0x" + reason)
    mined = chain.send(to=contract, value=1, data="0x" + reason)
    assert (mined["status"], mined["logs"]) == ("0x0", [])


def test_an_estimate_suffices_exactly(chain: Client) -> None:
    contract = chain.deploy()
    gas = chain.number("eth_estimateGas", {"from": account(0).address, "to": contract, "data": TOPIC})
    assert chain.send(to=contract, data=TOPIC, gas=gas)["status"] == "0x1"
    assert chain.send(to=contract, data=TOPIC, gas=gas - 1)["status"] == "0x0"


def test_code_and_storage_are_readable(chain: Client) -> None:
    contract = chain.deploy()
    assert chain("eth_getCode", contract, "latest") == "0x" + RUNTIME
    assert chain("eth_getStorageAt", contract, "0x0", "latest") == "0x" + "00" * 32
    assert chain("eth_getCode", contract, hex(chain.height - 1)) == "0x"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"nonce": 0}, "nonce too low"),
        ({"value": 10**25}, "insufficient funds"),
        ({"gas": 20000}, "intrinsic gas too low"),
        ({"gas": 10**8}, "exceeds block gas limit"),
        ({"gasPrice": 1}, "max fee per gas less than block base fee"),
        ({"chainId": 1}, "invalid chain id"),
    ],
)
def test_refusals_are_a_nodes_words(chain: Client, fields: dict[str, int], words: str) -> None:
    chain.send(to=FRIEND)
    before = chain.height
    with pytest.raises(RpcError, match=words) as error:
        chain("eth_sendRawTransaction", chain.raw(to=FRIEND, **fields))
    assert (error.value.code, chain.height) == (-32000, before)


def test_a_gap_in_nonces_waits_for_what_is_missing(chain: Client) -> None:
    start = chain.number("eth_getTransactionCount", account(0).address, "latest")
    later = chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=start + 1))
    assert chain("eth_getTransactionReceipt", later) is None
    assert chain("eth_getTransactionByHash", later)["blockNumber"] is None
    chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=start))
    assert chain("eth_getTransactionReceipt", later)["status"] == "0x1"


def test_a_waiting_transaction_is_replaced_by_a_dearer_one_only(chain: Client) -> None:
    chain("evm_setAutomine", False)
    nonce = chain.number("eth_getTransactionCount", account(0).address, "latest")
    first = chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=nonce, gasPrice=10**10))
    with pytest.raises(RpcError, match="underpriced"):
        chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=nonce, gasPrice=10**10 + 1))
    second = chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=nonce, gasPrice=12 * 10**9))
    with pytest.raises(RpcError, match="already known"):
        chain("eth_sendRawTransaction", chain.raw(to=FRIEND, nonce=nonce, gasPrice=12 * 10**9))
    chain("evm_mine")
    assert chain("eth_getTransactionReceipt", first) is None
    assert chain("eth_getTransactionReceipt", second)["status"] == "0x1"


def test_one_block_holds_what_waited(chain: Client) -> None:
    chain("evm_setAutomine", False)
    sent = [chain("eth_sendRawTransaction", chain.raw(sender, to=FRIEND)) for sender in (0, 2, 0, 3)]
    chain("evm_mine")
    receipts = [chain("eth_getTransactionReceipt", one) for one in sent]
    assert [receipt["transactionIndex"] for receipt in receipts] == ["0x0", "0x1", "0x2", "0x3"]
    assert {receipt["blockNumber"] for receipt in receipts} == {hex(chain.height)}


def test_many_senders_at_once_lose_nothing(chain: Client) -> None:
    raws = [chain.raw(sender, to=FRIEND, nonce=nonce) for sender in range(2, 10) for nonce in range(5)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda raw: chain("eth_sendRawTransaction", raw), raws))
    assert all(chain("eth_getTransactionReceipt", one)["status"] == "0x1" for one in sent)


def test_a_block_is_final_three_blocks_later_by_itself(chain: Client) -> None:
    block = int(chain.send(to=FRIEND)["blockNumber"], 16)
    finalized = lambda: int(chain("eth_getBlockByNumber", "finalized", False)["number"], 16)  # noqa: E731
    assert finalized() == max(0, chain.height - 3)
    chain("anvil_mine", 3)
    assert finalized() == int(chain("eth_getBlockByNumber", "safe", False)["number"], 16) == block


def test_empty_blocks_come_while_one_is_not_final(tmp_path: Path) -> None:
    with Devchain(tmp_path, history=0, tick=0.05) as running:
        chain = Client(running.address)
        block = int(chain.send(to=FRIEND)["blockNumber"], 16)
        eventually(lambda: chain.height == block + 3)
        time.sleep(0.2)
        assert chain.height == block + 3


def test_the_clock_moves(chain: Client) -> None:
    def mined_at() -> int:
        chain("evm_mine")
        return int(chain("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    start = mined_at()
    chain("evm_increaseTime", 3600)
    assert 3600 <= mined_at() - start < 3700
    chain("evm_setNextBlockTimestamp", hex(start + 86400))
    assert mined_at() == start + 86400
    assert 0 <= mined_at() - (start + 86400) < 60
    with pytest.raises(RpcError, match="is before the newest block"):
        chain("evm_setNextBlockTimestamp", start)


def test_a_revert_takes_back_blocks_logs_state_and_time(chain: Client) -> None:
    contract, before = chain.deploy(), chain.height
    point = chain("evm_snapshot")
    gone = chain.send(to=contract, data=TOPIC)
    chain("evm_increaseTime", 10**6)
    chain("evm_mine")
    assert chain("evm_revert", point) is True
    assert chain.height == before
    assert chain("eth_getTransactionReceipt", gone["transactionHash"]) is None
    assert chain("eth_getBlockByHash", gone["blockHash"], False) is None
    assert chain("eth_getLogs", {"fromBlock": "earliest", "address": contract}) == []
    again = chain.send(to=contract, data=TOPIC)
    assert again["blockNumber"] == gone["blockNumber"]
    assert again["blockHash"] != gone["blockHash"]
    assert chain("evm_revert", point) is False


def test_a_killed_chain_has_every_block_it_answered_for(tmp_path: Path) -> None:
    server = Devchain(tmp_path, history=0)
    chain = Client(server.start())
    contract = chain.deploy()
    receipts = [chain.send(to=contract, data=TOPIC) for _ in range(20)]
    chain("evm_increaseTime", 10**6)
    assert server.process
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.launch()
    server.wait()
    assert [chain("eth_getTransactionReceipt", one["transactionHash"]) for one in receipts] == receipts
    assert len(chain("eth_getLogs", {"fromBlock": "earliest", "address": contract})) == 20
    assert chain.send(to=contract, data=TOPIC)["status"] == "0x1"
    head = chain("eth_getBlockByNumber", "latest", False)
    assert int(head["timestamp"], 16) > time.time() + 10**6 - 60
    server.stop()


BAD = [
    (b"{", -32700),
    (b"[]", -32600),
    (b"7", -32600),
    ({"method": 5}, -32600),
    ({"method": "eth_nothing"}, -32601),
    ({"method": "eth_getBalance", "params": {"a": 1}}, -32602),
    ({"method": "eth_getBalance", "params": []}, -32602),
    ({"method": "eth_getBalance", "params": ["0x12", "latest"]}, -32602),
    ({"method": "eth_getBalance", "params": [FRIEND, "soon"]}, -32602),
    ({"method": "eth_getBalance", "params": [FRIEND, "0xffffff"]}, -32000),
    ({"method": "eth_call", "params": ["x"]}, -32602),
    ({"method": "eth_call", "params": [{"to": FRIEND}, "latest", {FRIEND: {}}]}, -32602),
    ({"method": "eth_call", "params": [{"from": account(19).address, "value": hex(10**30)}]}, -32000),
    ({"method": "eth_getLogs", "params": [{"fromBlock": "0x5", "toBlock": "0x1"}]}, -32602),
    ({"method": "eth_getLogs", "params": [{"topics": ["0x12"]}]}, -32602),
    ({"method": "eth_getLogs", "params": [{"blockHash": "0x" + "00" * 32}]}, -32602),
    ({"method": "eth_sendRawTransaction", "params": ["0xc0"]}, -32000),
    ({"method": "eth_sendRawTransaction", "params": ["0x02ff"]}, -32000),
    ({"method": "eth_feeHistory", "params": ["0x1", "0xffffff", []]}, -32000),
    ({"method": "anvil_mine", "params": ["0xffffff"]}, -32602),
]


@pytest.mark.parametrize(("body", "code"), BAD, ids=str)
def test_a_bad_request_gets_an_error_and_harms_nobody(chain: Client, body: Any, code: int) -> None:
    assert post(chain.url, body)["error"]["code"] == code
    assert chain.height >= 0


def test_a_batch_is_answered_in_order(chain: Client) -> None:
    batch = [{"id": n, "method": "eth_chainId" if n % 2 else "eth_nothing"} for n in range(20)]
    answers = post(chain.url, batch)
    assert [answer["id"] for answer in answers] == list(range(20))
    assert [("result" in answer) for answer in answers] == [n % 2 == 1 for n in range(20)]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Type": "text/plain"}, 415), ({"Host": "evil.example:80"}, 403)],
)
def test_a_web_page_cannot_send_to_the_chain(chain: Client, headers: dict[str, str], status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        post(chain.url, {"method": "eth_chainId"}, **headers)
    assert error.value.code == status
    error.value.close()


def test_an_endless_body_is_refused(process: Devchain) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", process.port)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_web3_raises_its_own_errors(chain: Client) -> None:
    w3 = Web3(HTTPProvider(chain.url))
    with pytest.raises(Web3RPCError, match="insufficient funds"):
        w3.eth.send_raw_transaction(chain.raw(to=FRIEND, value=10**25))  # type: ignore[arg-type]
