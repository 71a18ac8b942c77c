"""A key service on loopback, with a real key behind it: the same signatures, and every wrong answer refused."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.address import to_checksum_address

from portal.chain import remote, signer
from portal.chain.signer import LocalSigner, Role
from portal.config import Settings
from portal.errors import Unavailable

KEY = bytes(range(1, 33))
TOKEN = "a-token-of-the-service"
FIELDS = {
    "type": 2, "chainId": 31337, "nonce": 3, "to": to_checksum_address("0x" + "ab" * 20), "value": 7,
    "data": "0x01", "gas": 50_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9,
}  # fmt: skip


class Keys:
    """The service; `bend` changes its answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.bend: Callable[[dict[str, Any]], Any] = lambda answer: answer
        here = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.give({"publicKey": "0x" + spki(KEY).hex()})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.give(signed(bytes.fromhex(asked["digest"][2:])))

            def give(self, answer: dict[str, Any]) -> None:
                here.asked.append((self.path, self.headers["Authorization"]))
                body = json.dumps(here.bend(answer)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()


def spki(key: bytes) -> bytes:
    x, y = PrivateKey(key).public_key.point()
    found = EllipticCurvePublicNumbers(x, y, SECP256K1()).public_key()
    return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signed(digest: bytes, key: bytes = KEY) -> dict[str, Any]:
    """As key services answer: DER, without a recovery bit, and s in the upper half of the curve."""
    whole = PrivateKey(key).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(whole[:32]), int.from_bytes(whole[32:64])
    return {"signature": "0x" + encode_dss_signature(r, remote.ORDER - s).hex(), "publicKey": "0x" + spki(key).hex()}


@pytest.fixture
def keys() -> Iterator[Keys]:
    service = Keys()
    yield service
    service.server.shutdown()
    service.server.server_close()
    service.thread.join()
    signer._served.cache_clear()


@pytest.fixture
def served(keys: Keys) -> signer.Signer:
    return signer.of_role(Settings(signer_url=keys.url, signer_token=TOKEN), Role.OPERATOR)


def test_it_signs_what_the_key_itself_would_sign(keys: Keys, served: signer.Signer) -> None:
    mine = LocalSigner(KEY)
    assert (served.address, served.role) == (mine.address, Role.OPERATOR)
    assert served.sign_transaction(FIELDS) == mine.sign_transaction(FIELDS)
    assert Account.recover_transaction(served.sign_transaction(FIELDS)[0]).lower() == mine.address
    assert served.sign_text("Hello") == mine.sign_text("Hello")
    assert Account.recover_message(encode_defunct(text="Hello"), signature=served.sign_text("Hello")).lower() == (
        mine.address
    )
    typed = {
        "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Note": [{"name": "of", "type": "uint256"}]},
        "primaryType": "Note",
        "domain": {"name": "x"},
        "message": {"of": 7},
    }
    assert served.sign_typed_data(typed) == mine.sign_typed_data(typed)
    assert keys.asked[0] == ("/keys/operator", f"Bearer {TOKEN}")


def other_key(answer: dict[str, Any]) -> Any:
    return signed(bytes(32), bytes([9] * 32)) if "signature" in answer else answer


def other_digest(answer: dict[str, Any]) -> Any:
    return signed(bytes(32)) if "signature" in answer else answer


def with_signature(text: str) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: answer | {"signature": text} if "signature" in answer else answer


WRONG = {
    "another key": other_key,
    "another digest": other_digest,
    "no hexadecimal text": with_signature("0xzz"),
    "zeroes": with_signature("0x" + "00" * 64),
    "too short": with_signature("0x3006"),
    "nothing": lambda answer: {},
    "a list": lambda answer: [answer],
    "a huge one": with_signature("0x" + "11" * 30_000),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_answer_is_refused(keys: Keys, served: signer.Signer, how: str) -> None:
    keys.bend = WRONG[how]
    with pytest.raises(Unavailable, match="key service"):
        served.sign_transaction(FIELDS)


def test_a_service_that_is_down_is_unavailable(keys: Keys) -> None:
    settings = Settings(signer_url="http://127.0.0.1:9/keys")
    with pytest.raises(Unavailable, match="does not answer for the treasury"):
        signer.of_role(settings, Role.TREASURY)


def test_keys_and_signatures_are_read_in_every_usual_form() -> None:
    public = PrivateKey(KEY).public_key
    address = LocalSigner(KEY).address
    for form in (public.format(False), public.format(False)[1:], public.format(True), spki(KEY)):
        assert remote.address_of(form) == address
    with pytest.raises(remote.WrongAnswer):
        remote.address_of(b"\x04" * 20)
    assert remote.halves((5).to_bytes(32) + (6).to_bytes(32)) == (5, 6)
    begins_as_der = b"\x30" + bytes(30) + b"\x01" + (6).to_bytes(32)
    assert remote.halves(begins_as_der) == (int.from_bytes(begins_as_der[:32]), 6)
    assert remote.halves(encode_dss_signature(5, 6)) == (5, 6)


def test_neither_key_nor_token_is_ever_told(
    keys: Keys, served: signer.Signer, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(signer_url=keys.url, signer_token=TOKEN)
    caplog.set_level(logging.DEBUG)
    keys.bend = lambda answer: {}
    with pytest.raises(Unavailable) as refused:
        served.sign_transaction(FIELDS)
    told = repr(served) + repr(LocalSigner(KEY)) + str(refused.value) + caplog.text
    assert KEY.hex() not in told
    assert TOKEN not in told
    assert replace(settings, signer_token="").signer_url == keys.url


def test_production_asks_for_a_safe_line() -> None:
    from tests.test_production import FIT

    assert replace(FIT, keystore="", signer_url="https://keys.example.org").faults() == []
    assert any("https" in fault for fault in replace(FIT, signer_url="http://keys.example.org").faults())
