"""A node's faults are `Unavailable` within seconds, and a transaction is handed over once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from web3.providers.rpc import HTTPProvider

from portal.chain import client
from portal.chain.abi import decode_result
from portal.chain.client import Client, Refused, Reverted
from portal.config import Settings
from portal.errors import DomainError, Unavailable
from tests.chain_fixture import Chain

Answer = tuple[int, bytes]


class Node(ThreadingHTTPServer):
    """A node that knows its chain id and answers everything else as told."""

    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked = answer, list[str]()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def client(self) -> Client:
        url = f"http://127.0.0.1:{self.server_port}"
        return Client(HTTPProvider(url, request_kwargs={"timeout": 0.5}, exception_retry_configuration=None), 31337)

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Node

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked["method"])
        known = asked["method"] == "eth_chainId"
        status, body = (200, result("0x7a69")) if known else self.server.answer(asked)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def result(value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0, "result": value}).encode()


def fault(code: int, message: str, data: object = None) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message, "data": data}}).encode()


@pytest.fixture
def node() -> Iterator[Callable[[Callable[[dict[str, Any]], Answer]], Node]]:
    nodes: list[Node] = []

    def make(answer: Callable[[dict[str, Any]], Answer]) -> Node:
        nodes.append(Node(answer))
        return nodes[-1]

    yield make
    for each in nodes:
        each.close()


FAULTS: dict[str, Answer] = {
    "500": (500, b"oops"),
    "429": (429, b"slow down"),
    "html": (200, b"<html>maintenance</html>"),
    "half": (200, b'{"jsonrpc": "2.0", "resu'),
    "empty": (200, b""),
    "list": (200, b"[]"),
    "no result": (200, b'{"jsonrpc": "2.0", "id": 0}'),
    "words": (200, result("many")),
    "nothing": (200, result(None)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_garbage_is_unavailable(node: Callable[..., Node], name: str) -> None:
    with pytest.raises(Unavailable):
        node(lambda _asked: FAULTS[name]).client.block_number()


def test_nobody_there_is_unavailable() -> None:
    with closing(Node(lambda _: FAULTS["500"])) as gone:
        nobody = gone.client
    with pytest.raises(Unavailable, match="does not answer"):
        nobody.block_number()


def test_another_chain_is_refused(chain: Chain) -> None:
    with pytest.raises(Unavailable, match="chain 31337, this portal on 1"):
        client.connect(Settings(rpc_url=chain.rpc_url, chain_id=1)).block_number()


@pytest.mark.parametrize("answer", [FAULTS["500"], FAULTS["html"], (200, fault(-32000, "nonce too low"))])
def test_a_transaction_is_handed_over_once(node: Callable[..., Node], answer: Answer) -> None:
    server = node(lambda _asked: answer)
    with pytest.raises(Unavailable):
        server.client.send_raw("0x00")
    assert server.asked.count("eth_sendRawTransaction") == 1


def test_a_node_is_asked_for_its_chain_again_after_a_failure(node: Callable[..., Node]) -> None:
    answers = iter([FAULTS["500"], (200, result("0x5"))])
    server = node(lambda _asked: next(answers))
    asking = server.client
    with pytest.raises(Unavailable):
        asking.block_number()
    assert asking.block_number() == 5
    assert server.asked.count("eth_chainId") == 2


def test_a_revert_is_told_from_a_refusal(node: Callable[..., Node]) -> None:
    said = "0x08c379a0" + f"{32:064x}{2:064x}" + "6e6f".ljust(64, "0")
    with pytest.raises(Reverted) as reverted:
        node(lambda _asked: (200, fault(3, "execution reverted: no", said))).client.call("0x" + "11" * 20, "0x")
    assert reverted.value.reason == "no"
    with pytest.raises(Refused, match="header not found"):
        node(lambda _asked: (200, fault(-32000, "header not found"))).client.call("0x" + "11" * 20, "0x")


STRANGE = [None, True, 7, "0x", "0xzz", "x", [], ["x"], {}, {"number": None, "hash": None}, {"status": "0x1"}]
ASKED: list[Callable[[Client], Any]] = [
    Client.block_number, Client.head, Client.clock, Client.fees,
    lambda one: one.height("safe"), lambda one: one.balance("0x01"), lambda one: one.nonce("0x01"),
    lambda one: one.receipt("0x01"), lambda one: one.sent("0x01"), lambda one: one.code("0x01"),
    lambda one: one.get_logs(1, 2), lambda one: one.estimate_gas("0x01", None, "0x"),
    lambda one: decode_result("MasterShares", "phase", one.call("0x01", "0x")),
]  # fmt: skip


@pytest.mark.parametrize("place", ["result", "error"])
def test_no_strange_answer_is_anything_but_a_refusal(place: str) -> None:
    class Strange:
        """A provider of whatever is told."""

        told: Any = None

        def make_request(self, method: Any, _params: Any) -> Any:
            return {"result": "0x7a69"} if method == "eth_chainId" else {"result": None} | {place: self.told}

    asked = Client(provider := Strange(), 31337)
    for provider.told in STRANGE:
        for ask in ASKED:
            with suppress(DomainError):
                ask(asked)
