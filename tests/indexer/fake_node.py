"""A node on loopback that serves a fake chain, and every way in which a node fails or lies."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson

from tests.indexer.fake_chain import FakeBlock, FakeChain, Raw

Logs = list[Any]
Fault = Callable[[BaseHTTPRequestHandler], None]


class FakeNode:
    """`chain` is what it serves. `twist` may change every answer to eth_getLogs, `fault` every HTTP answer;
    it answers after `delay` seconds, and without `batches` one question a request."""

    def __init__(self, chain: FakeChain) -> None:
        self.chain = chain
        self.chain_id = 31337
        self.tags = True
        self.most_blocks = 10_000
        self.twist: Callable[[Logs], Logs] = lambda logs: logs
        self.fault: Fault | None = None
        self.batches = True
        self.delay = 0.0
        self.before_logs: Callable[[], None] = lambda: None
        self.asked: list[str] = []
        self.url = ""

    @contextmanager
    def served(self) -> Iterator[FakeNode]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # --- methods ------------------------------------------------------------------------------------------

    def answer(self, request: Any) -> Any:
        time.sleep(self.delay)
        if isinstance(request, list) and not self.batches:
            return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "one at a time"}}
        if isinstance(request, list):
            return [self.answer(one) for one in request]
        self.asked.append(request["method"])
        try:
            result = getattr(self, request["method"])(*request["params"])
        except Refusal as error:
            return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": str(error)}}
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def eth_chainId(self) -> str:
        return hex(self.chain_id)

    def eth_getBlockByNumber(self, tag: str, _full: bool) -> Raw | None:
        if tag in ("safe", "finalized") and not self.tags:
            raise Refusal("unknown block tag")
        places = {"latest": self.chain.head.number, "finalized": self.chain.finalized}
        places["safe"] = min(self.chain.finalized + 2, self.chain.head.number)
        number = places[tag] if tag in places else int(tag, 16)
        return self.chain.blocks[number].header() if number < len(self.chain.blocks) else None

    def eth_getLogs(self, query: Raw) -> Logs:
        self.before_logs()
        addresses = set(query["address"])
        logs = [raw for block in self._blocks(query) for raw in block.logs if raw["address"] in addresses]
        return self.twist(logs)

    def _blocks(self, query: Raw) -> list[FakeBlock]:
        if "blockHash" in query:
            found = [block for block in self.chain.blocks if block.hash == query["blockHash"]]
            if not found:
                raise Refusal("unknown block")
            return found
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first + 1 > self.most_blocks:
            raise Refusal(f"at most {self.most_blocks} blocks at once")
        return self.chain.blocks[first : last + 1]


class Refusal(Exception):
    """An error of the node's own."""


def _handler(node: FakeNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if node.fault is not None:
                node.fault(self)
                return
            send(self, orjson.dumps(node.answer(request)))

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, kind: str = "application/json") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


# --- eight ways to fail -----------------------------------------------------------------------------------


def cut(handler: BaseHTTPRequestHandler) -> None:
    """As a node that is down: the connection ends without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)
    cut(handler)


def short(handler: BaseHTTPRequestHandler) -> None:
    """Half of the body that was promised."""
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"jsonrpc":"2.0","id":1,"result":"0x7a')
    handler.close_connection = True


FAULTS: dict[str, Fault] = {
    "down": cut,
    "timeout": hang,
    "500": lambda handler: send(handler, b"", 500),
    "429": lambda handler: send(handler, b'{"error":"slow down"}', 429),
    "garbage": lambda handler: send(handler, b"\xff\x00{{{"),
    "html": lambda handler: send(handler, b"<html>Bad gateway</html>", kind="text/html"),
    "short body": short,
    "wrong shape": lambda handler: send(handler, b'{"jsonrpc":"2.0","id":1,"result":{"number":"x"}}'),
}
