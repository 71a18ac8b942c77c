"""A node of another process that has every answer ready as bytes: what the indexer waits for is its own work.

`python -m tests.bench.prepared_node <file>` serves the history that `save` wrote, on a port of its own, which it
prints. The file holds two lists of bytes, by block number: the header as JSON, and the block's logs as JSON, joined
by commas.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import orjson

FINAL = 12
CHAIN = b'"0x7a69"'


@contextmanager
def served(folder: Path, headers: list[bytes], logs: list[bytes]) -> Iterator[str]:
    """The URL of a node that serves this history; its last FINAL blocks are empty and not final yet."""
    file = folder / "history"
    file.write_bytes(pickle.dumps((headers, logs)))
    with Popen([sys.executable, "-m", "tests.bench.prepared_node", str(file)], stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


class History:
    """Answers by method."""

    def __init__(self, headers: list[bytes], logs: list[bytes]) -> None:
        self.headers, self.logs = headers, logs

    def answer(self, request: Any) -> bytes:
        if isinstance(request, list):
            return b"[" + b",".join(map(self.answer, request)) + b"]"
        method, params = request["method"], request["params"]
        if method == "eth_chainId":
            result = CHAIN
        elif method == "eth_getLogs" and "blockHash" in params[0]:
            result = b"[]"
        elif method == "eth_getLogs":
            first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
            result = b"[" + b",".join(filter(None, self.logs[first : last + 1])) + b"]"
        else:
            result = self.headers[self._height(params[0])]
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (request["id"], result)

    def _height(self, tag: str) -> int:
        newest = len(self.headers) - 1
        return newest if tag == "latest" else newest - FINAL if tag in ("safe", "finalized") else int(tag, 16)


def main(file: str) -> None:
    history = History(*pickle.loads(Path(file).read_bytes()))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = history.answer(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
