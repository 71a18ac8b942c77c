"""The one door to servers whose address somebody chose: identity providers, webhooks, and the operator's key service.

`requests` does the talking; what is added here stands where the line is opened, below names, TLS and redirects, so that
no spelling of an address goes round it: the name is resolved once, every answer must be a public address, and the line
goes to the address that was looked at. No redirect, no proxy, no credentials in an address, and an answer is read to
its end within `SECONDS` and `MOST_BYTES`, however slowly it drips.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util import parse_url

from portal.config import Settings

SECONDS = 5.0
MOST_BYTES = 2_000_000
PIECE_BYTES = 64 * 1024
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
S = TypeVar("S", bound=requests.Session)
Failed = requests.RequestException
"""All that can go wrong with an exchange; its words name the address, which may be a secret."""


class Refused(requests.RequestException):
    """This address is not asked, or this answer not taken."""


def session(settings: Settings) -> requests.Session:
    """A client for one exchange: `with session(settings) as http: http.post(…)`. Raises Failed."""
    return guarded(requests.Session(), settings)


def own() -> requests.Session:
    """The same for the operator's own parts, whose address is a setting: they may stand anywhere."""
    client = requests.Session()
    client.trust_env = False
    client.adapters.clear()
    for scheme in ("https://", "http://"):
        client.mount(scheme, _Guard(loopback=True, anywhere=True))
    return client


def guarded(client: S, settings: Settings) -> S:
    """The same for a client that somebody else made on top of requests, such as Authlib's."""
    client.trust_env = False
    client.adapters.clear()
    for scheme in ("https://",) if settings.production else ("https://", "http://"):
        client.mount(scheme, _Guard(loopback=settings.outbound_loopback and not settings.production))
    return client


def public(address: str) -> bool:
    """Whether everybody on the internet means the same place by it, forms that wrap an IPv4 address included."""
    found = _unwrapped(ipaddress.ip_address(address))
    elsewhere = found.is_multicast or found.is_reserved or getattr(found, "is_site_local", False)
    return found.is_global and not elsewhere


def _unwrapped(found: Address) -> Address:
    if isinstance(found, ipaddress.IPv4Address):
        return found
    if found in NAT64:
        return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour or found


class _Exchange:
    """One question and its answer: with whom, and until when."""

    def __init__(self, loopback: bool, anywhere: bool) -> None:
        self._loopback, self._anywhere, self._end = loopback, anywhere, time.monotonic() + SECONDS
        self._line: socket.socket | None = None
        self._watch = threading.Timer(SECONDS, self._hang_up)
        self._watch.daemon = True

    def __enter__(self) -> _Exchange:
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._watch.cancel()
        if self._line is not None:
            self._line.close()

    @property
    def left(self) -> float:
        """Seconds; never 0, which sockets read as "do not wait"."""
        return max(self._end - time.monotonic(), 0.001)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end

    def connect(self, host: str, port: int) -> socket.socket:
        """A line to the address that the name has now. Raises OSError."""
        try:
            addresses = [str(found[4][0]) for found in _resolved(host, port, self.left)]
        except ValueError as error:
            raise OSError("this is no name of a host") from error
        if not addresses or not all(map(self._may, addresses)):
            raise OSError("this is no public address")
        line = socket.create_connection((addresses[0], port), self.left)
        self._line = line.dup()
        return line

    def _may(self, address: str) -> bool:
        own = self._loopback and _unwrapped(ipaddress.ip_address(address)).is_loopback
        return self._anywhere or own or public(address)

    def _hang_up(self) -> None:
        """Ends whatever waits for the line; the copy still names it when TLS has wrapped the other."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """What the system's resolver says, which has no time limit of its own. Raises OSError or ValueError."""
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(seconds)


class _Checked:
    """A connection of urllib3's whose line the exchange opens; names and certificates are held as ever."""

    def __init__(self, exchange: _Exchange, *args: Any, **kwargs: Any) -> None:
        self._exchange = exchange
        super().__init__(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        here: Any = self
        try:
            return self._exchange.connect(here._dns_host, here.port)
        except TimeoutError as error:
            raise ConnectTimeoutError(here, "no answer in time") from error
        except OSError as error:
            raise NewConnectionError(here, str(error)) from error


class _Plain(_Checked, HTTPConnection):
    pass


class _Secure(_Checked, HTTPSConnection):
    pass


class _Guard(HTTPAdapter):
    """Sends one request at a time, each over a line of its own, and gives back answers that are read to their end."""

    def __init__(self, *, loopback: bool, anywhere: bool = False) -> None:
        self._loopback, self._anywhere = loopback, anywhere
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *_args: Any, **given: Any) -> requests.Response:
        if parse_url(request.url or "").auth is not None:
            raise Refused("An address has no name and password in it.", request=request)
        request.headers["Accept-Encoding"], request.headers["Connection"] = "identity", "close"
        with _Exchange(self._loopback, self._anywhere) as self._exchange:
            answer = super().send(
                request,
                stream=True,
                timeout=self._exchange.left,
                verify=given.get("verify", True),
                cert=given.get("cert"),
            )
            with answer.raw:
                answer._content = self._body(answer)
                answer._content_consumed = True
        return answer

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The pool that requests chose, making lines of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = partial(_Secure if pool.scheme == "https" else _Plain, self._exchange)
        return pool

    def _body(self, answer: requests.Response) -> bytes:
        """Raises Refused for what is too much, too slow, packed, or sends elsewhere."""
        if 300 <= answer.status_code < 400:
            raise Refused("It sends elsewhere.", response=answer)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused("It is packed, which was not asked for.", response=answer)
        body = b""
        try:
            for piece in answer.raw.stream(PIECE_BYTES, decode_content=False):
                body += piece
                if len(body) > MOST_BYTES:
                    break
        except (HTTPError, OSError) as error:
            raise Refused("It breaks off.", response=answer) from error
        if self._exchange.over or len(body) > MOST_BYTES:
            raise Refused("It is too long or too slow.", response=answer)
        return body
