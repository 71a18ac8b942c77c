"""Promise 70: what people or providers name as an address never leads the portal into its own house."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal import outbound
from portal.accounts import providers
from portal.accounts.enums import AuthProvider
from portal.audit import alerts
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.models import SecurityEvent
from portal.config import ROOT, Settings
from portal.errors import Unavailable
from tests.test_production import FIT

OPEN = Settings(outbound_loopback=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Canary:
    """Counts whoever opens a line to this machine, by any of its addresses; `says` answers, `tls` wraps."""

    def __init__(self, says: Callable[[socket.socket], Any] = lambda line: line.sendall(OK), tls: Any = None) -> None:
        self.hits, self.names, self._says, self._tls = 0, list[Any](), says, tls
        self._door = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            self.hits += 1
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(line, server_side=True) if self._tls else line as line:
                line.recv(65536)
                self._says(line)
        except OSError:
            pass

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


def get(url: str, settings: Settings = OPEN, verify: str | bool = True) -> Any:
    with outbound.session(settings) as http:
        return http.get(url, verify=verify)


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The outside world's resolver: each call gives the next answer; returns the names that it is asked for."""
    asked: list[str] = []
    real, left = socket.getaddrinfo, list(answers)

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [row for address in found for row in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


HOSTS = """
127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 017700000001 0177.0.0.1 0x7f000001 0x7f.0.0.1 0x7f.1 0 0.0.0.0
localhost localhost. LOCALHOST 127.0.0.1. １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1
[::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1] [64:ff9b:1::127.0.0.1] [2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo] [fec0::1]
x@127.0.0.1 x:y@127.0.0.1 x@localhost public.example@127.0.0.1 127.0.0.1%00.example 127.0.0.1%2f.example
169.254.169.254 [::ffff:169.254.169.254] [fd00::1] [fd00:ec2::254] 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 192.0.0.1
198.18.0.1 203.0.113.1 224.0.0.1 [ff02::1] 240.0.0.1 255.255.255.255 [2001:db8::1]
"""
TRICKY = HOSTS.split()


def test_no_spelling_of_an_address_leads_into_the_house(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    """Promise 70: the canary gets 0 hits, and each address is refused at once."""
    resolver(monkeypatch, ["127.0.0.1"])
    for host in TRICKY:
        for scheme in ("http", "https"):
            with pytest.raises(outbound.Failed):
                get(f"{scheme}://{host}:{canary.port}/", Settings())
    for path in (f"http:127.0.0.1:{canary.port}", f"http:/127.0.0.1:{canary.port}/", f"//127.0.0.1:{canary.port}"):
        with pytest.raises(outbound.Failed):
            get(path, Settings())
    for scheme in ("file:///etc/passwd", "ftp://127.0.0.1", "gopher://127.0.0.1", "data:,x", "unix:///tmp/x"):
        with pytest.raises(outbound.Failed):
            get(scheme)
    assert canary.hits == 0
    assert get(f"http://127.0.0.1:{canary.port}/").text == "{}"
    assert canary.hits == 1, "the canary hears when this machine may be asked"


def test_what_is_public() -> None:
    """Promise 70: wrapped forms are unwrapped, both ways."""
    for host in TRICKY:
        with_brackets = host.strip("[]")
        try:
            ipaddress.ip_address(with_brackets)
        except ValueError:
            continue
        assert not outbound.public(with_brackets), host
    for address in ("1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"):
        assert outbound.public(address), address


def test_a_name_cannot_change_its_mind(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    """Promise 70: DNS rebinding. The name is asked for once, and the line goes to what was looked at."""
    reached: list[Any] = []

    def connect(address: Any, *_args: Any, **_kwargs: Any) -> Any:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    asked = resolver(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    with pytest.raises(outbound.Failed):
        get(f"http://rebinds.example:{canary.port}/", Settings())
    assert (asked, reached) == (["rebinds.example"], [("1.1.1.1", canary.port)])
    for answers in (["1.1.1.1", "127.0.0.1"], ["::1", "2606:4700::1111"], []):
        resolver(monkeypatch, answers)
        with pytest.raises(outbound.Failed):
            get(f"http://both.example:{canary.port}/", Settings())
    assert (len(reached), canary.hits) == (1, 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(canary: Canary, status: int) -> None:
    """Promise 70: not even where the first address may be asked."""
    there = f"HTTP/1.1 {status} x\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
    door = Canary(lambda line: line.sendall(there.encode()))
    for method in ("GET", "POST"):
        with outbound.session(OPEN) as http, pytest.raises(outbound.Refused):
            http.request(method, f"http://127.0.0.1:{door.port}/")
    door.close()
    assert (door.hits, canary.hits) == (2, 0)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    """Promise 70: a proxy would ask on its own, whatever was checked here."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    for url in ("http://10.0.0.1/", "https://10.0.0.1/"):
        with pytest.raises(outbound.Failed):
            get(url, Settings())
    assert canary.hits == 0


def drip(line: socket.socket, what: bytes) -> None:
    while True:
        line.sendall(what)
        time.sleep(0.05)


HEAD = b"HTTP/1.1 200 OK\r\n"
SLOW: dict[str, Callable[[socket.socket], Any]] = {
    "silent": lambda _: time.sleep(5),
    "a drip of headers": lambda line: (line.sendall(HEAD), drip(line, b"X: y\r\n")),
    "a drip in one header": lambda line: (line.sendall(HEAD + b"X: "), drip(line, b"y")),
    "a drip of body": lambda line: (line.sendall(HEAD + b"\r\n"), drip(line, b"y")),
    "a drip of chunks": lambda line: (
        line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        drip(line, b"1\r\ny\r\n"),
    ),
}


@pytest.mark.parametrize("how", SLOW)
def test_an_answer_has_its_time(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Promise 70: at most 5 s for all of it (less here), however steadily it drips."""
    assert outbound.SECONDS == 5
    monkeypatch.setattr(outbound, "SECONDS", 0.4)
    door, start = Canary(SLOW[how]), time.monotonic()
    with pytest.raises(outbound.Failed):
        get(f"http://127.0.0.1:{door.port}/")
    assert 0.3 < time.monotonic() - start < 2.4
    door.close()


def test_names_and_handshakes_have_their_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 70: a resolver and a server that never end."""
    monkeypatch.setattr(outbound, "SECONDS", 0.4)
    door, start = Canary(lambda line: drip(line, b"\x16\x03\x03\x40\x00")), time.monotonic()
    with pytest.raises(outbound.Failed):
        get(f"https://127.0.0.1:{door.port}/")
    door.close()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: time.sleep(3))
    with pytest.raises(outbound.Failed):
        get("http://slow.example/")
    assert time.monotonic() - start < 3


def test_an_answer_has_its_size() -> None:
    """Promise 70: 2 MB and not a byte more, said or not, and nothing packed that could unfold."""
    most, whole = outbound.MOST_BYTES, list[int]()
    assert most == 2_000_000
    for size, head in (
        (most, HEAD + b"\r\n"),
        (most + 1, HEAD + b"\r\n"),
        (most + 1, HEAD + b"Content-Length: %d\r\n\r\n" % (most + 1)),
        (10, HEAD + b"Content-Encoding: gzip\r\n\r\n"),
        (10, HEAD + b"Content-Length: 20\r\n\r\n"),
    ):
        door = Canary(lambda line, size=size, head=head: line.sendall(head + b"x" * size))
        try:
            whole.append(len(get(f"http://127.0.0.1:{door.port}/").content))
        except outbound.Failed:
            whole.append(-1)
        door.close()
    assert whole == [most, -1, -1, -1, -1]


def test_production_speaks_https_alone(canary: Canary) -> None:
    """Promise 70: and the setting for this machine does nothing there, should a process ever start with it."""
    there = Settings(env="production", outbound_loopback=True)
    for scheme in ("http", "https"):
        with pytest.raises(outbound.Failed):
            get(f"{scheme}://127.0.0.1:{canary.port}/", there)
    assert canary.hits == 0
    assert FIT.outbound_loopback is Settings().outbound_loopback is False


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `name` that only those who are given it believe, and a server's side with it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    whose = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(whose).issuer_name(whose).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{name}.pem"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def test_a_pinned_line_still_proves_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Promise 70: pinning the address changes neither the name in the handshake nor whose certificate is believed."""
    resolver(monkeypatch, ["127.0.0.1"])
    trusted, context = certificate(tmp_path, "right.example")
    names: list[str | None] = []
    context.sni_callback = lambda _line, name, _context: names.append(name)
    door = Canary(tls=context)
    assert get(f"https://right.example:{door.port}/", verify=str(trusted)).text == "{}"
    for name, verify in (("wrong.example", str(trusted)), ("right.example", True)):
        with pytest.raises(outbound.Failed, match="certificate"):
            get(f"https://{name}:{door.port}/", verify=verify)
    assert names == ["right.example", "wrong.example", "right.example"]
    door.close()


# --- all that asks ----------------------------------------------------------------------------------------


def test_alerts_and_sign_in_services_go_by_this_door(canary: Canary) -> None:
    """Promise 70: the webhook of alerts, an issuer's discovery, its keys, its tokens and who somebody is."""
    here, closed = f"https://localhost:{canary.port}", Settings(security_webhook=f"http://127.0.0.1:{canary.port}/")
    event = SecurityEvent(id=uuid.uuid4(), created_at=dt.datetime.now(dt.UTC), title="x")
    event.severity, event.event_type = SecuritySeverity.HIGH, SecurityEventType.UNAUTHORIZED_ACCESS
    with pytest.raises(Unavailable) as refused:
        alerts.by_webhook(closed, event)
    assert str(canary.port) not in str(refused.value), "the address of a webhook is a secret of its own"
    row = providers.Provider(event.id, AuthProvider.GOOGLE, "x", "c", "s", {"issuer": here})
    with pytest.raises(Unavailable):
        providers._endpoints(row, Settings())
    with pytest.raises(Unavailable):
        providers._fetch(f"{here}/keys", Settings())
    plain = {f"{name}Endpoint": f"{here}/{name}" for name in ("authorization", "token", "userinfo")}
    row = providers.Provider(event.id, AuthProvider.GITHUB, "x", "c", "s", {"issuer": here, "kind": "oauth2", **plain})
    with pytest.raises(Unavailable):
        providers._identity(row, "code", event.id, Settings())
    assert canary.hits == 0


ASKERS = re.compile(
    r"^\s*(?:from|import)\s+(?:(?:requests|urllib3|httpx|aiohttp|socket)\b|http\.client|urllib\.request|urllib import)",
    re.M,
)
OWN_PARTS = {
    "portal/outbound.py": "the door itself",
    "portal/files/ipfs.py": "the operator's node, AUDIFI_IPFS_URL",
    "portal/demo.py": "a client that walks the story of the portal it is pointed at",
    "portal/chain/client.py": "the operator's node, AUDIFI_RPC_URL",
    "portal/indexer/node.py": "the operator's node, AUDIFI_RPC_URL",
    "portal/embedded": "parts that the supervisor started on loopback, or that the operator named",
}


def test_nothing_else_asks_outside() -> None:
    """Promise 70: a module that opens lines by itself fails the build, unless it talks to the portal's own parts."""
    modules = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "portal").rglob("*.py")}
    asking = {name for name, text in modules.items() if ASKERS.search(text)}
    assert {name for name in asking if not name.startswith(tuple(OWN_PARTS))} == set()
    assert {name for name in OWN_PARTS if not any(path.startswith(name) for path in asking)} == set()
