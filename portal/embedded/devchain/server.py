"""A small HTTP/1.1 server for JSON-RPC: POST on loopback, kept-open connections, one request at a time.

One event loop runs everything, so the chain needs no lock, and asyncio sets TCP_NODELAY on every connection.
"""

import asyncio
import contextlib
import logging
import signal

from portal.embedded.devchain.rpc import Rpc

BODY_LIMIT = 32 * 1024 * 1024
HEAD_LIMIT = 64 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ABOUT = b"This is the development chain. Send JSON-RPC as POST.\n"
log = logging.getLogger("devchain")


class BadRequest(Exception):
    """Answered with `status`, then the connection is closed."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


async def serve(rpc: Rpc, port: int, tick: float) -> None:
    """Serve on 127.0.0.1:port until SIGTERM or SIGINT; `tick` seconds between blocks while one is not final."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _converse(rpc, reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=HEAD_LIMIT)
    ticking = asyncio.create_task(_tick(rpc, tick))
    await stopped.wait()
    ticking.cancel()
    server.close()


async def _tick(rpc: Rpc, seconds: float) -> None:
    while seconds:
        await asyncio.sleep(seconds)
        try:
            rpc.chain.tick()
        except Exception:
            log.exception("no block made")


async def _converse(rpc: Rpc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests until the client closes or asks something unreadable."""
    while True:
        try:
            verb, headers = await _head(reader)
            body = await _body(reader, writer, headers)
        except BadRequest as error:
            writer.write(_response(error.status, "text/plain", error.status.encode() + b"\n", close=True))
            await writer.drain()
            return
        close = headers.get("connection", "").lower() == "close"
        if verb == "POST":
            writer.write(_response("200 OK", "application/json", rpc.answer(body), close))
        else:
            writer.write(_response("200 OK", "text/plain", ABOUT if verb == "GET" else b"", close))
        await writer.drain()
        if close:
            return


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The verb and the headers by lower-case name."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest("431 Request Header Fields Too Large") from error
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    verb = lines[0].partition(" ")[0]
    _check(verb, headers)
    return verb, headers


def _check(verb: str, headers: dict[str, str]) -> None:
    """Keep web pages out: one cannot send JSON elsewhere unasked, nor reach us under a name of its own."""
    if headers.get("host", "127.0.0.1").rpartition(":")[0] not in (*LOOPBACK, ""):
        raise BadRequest("403 Forbidden")
    if verb not in ("POST", "GET", "HEAD"):
        raise BadRequest("405 Method Not Allowed")
    if verb == "POST" and not headers.get("content-type", "").startswith("application/json"):
        raise BadRequest("415 Unsupported Media Type")


async def _body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise BadRequest("411 Length Required")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise BadRequest("400 Bad Request")
    if int(length) > BODY_LIMIT:
        raise BadRequest("413 Content Too Large")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _response(status: str, kind: str, body: bytes, close: bool) -> bytes:
    """One write for head and body, so that no answer waits for an acknowledgement."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + (b"Connection: close\r\n" if close else b"") + b"\r\n" + body
