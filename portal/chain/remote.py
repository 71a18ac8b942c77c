"""A key in a key service: it gets a 32-byte digest and answers with a signature, the key never leaves it.

Any signature is held against the key's own address before it is used. Services differ in what they answer: DER or
r and s side by side, both halves of the curve for s, no recovery bit, the public key bare or in its usual wrapping;
all of it is put right here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.datatypes import PublicKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from portal import outbound
from portal.chain.signer import Role
from portal.config import Settings
from portal.errors import Unavailable

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MOST_ANSWER = 20_000
DER = b"\x30"
"""What a sequence in DER begins with."""


@dataclass(frozen=True)
class Answer:
    """What the service says: DER or 64 bytes, and the public key that it signed with."""

    signature: bytes
    public_key: bytes


class WrongAnswer(Unavailable):
    """The key service's answer is not a signature by the key that it should be."""


Service = Callable[[bytes | None], Answer]
"""Digest -> signature and public key; None asks for the public key alone."""


class RemoteSigner:
    """A key behind a service. Raises Unavailable wherever the service does not answer, or wrongly."""

    def __init__(self, service: Service, role: Role | None = None) -> None:
        self.role, self._service = role, service
        self._address = address_of(service(None).public_key)

    def __repr__(self) -> str:
        return f"RemoteSigner({self._address})"

    @property
    def address(self) -> str:
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> tuple[str, str]:
        unsigned = dict(transaction)
        v, r, s = self._sign(bytes(TypedTransaction.from_dict(unsigned).hash()))
        raw = bytes(TypedTransaction.from_dict(unsigned | {"v": v, "r": r, "s": s}).encode())
        return "0x" + raw.hex(), "0x" + keccak(raw).hex()

    def sign_typed_data(self, message: Mapping[str, Any]) -> str:
        return self._joined(digest_of(encode_typed_data(full_message=dict(message))))

    def sign_text(self, text: str) -> str:
        return self._joined(digest_of(encode_defunct(text=text)))

    def _joined(self, digest: bytes) -> str:
        v, r, s = self._sign(digest)
        return f"0x{r:064x}{s:064x}{v + 27:02x}"

    def _sign(self, digest: bytes) -> tuple[int, int, int]:
        """(recovery bit, r, s) with s in the lower half, proven to be by this key."""
        answer = self._service(digest)
        if address_of(answer.public_key) != self._address:
            raise WrongAnswer("The key service signed with another key.")
        r, s = halves(answer.signature)
        s = min(s, ORDER - s)
        for v in (0, 1):
            if _recovered(digest, v, r, s) == self._address:
                return v, r, s
        raise WrongAnswer("The key service's signature does not fit.")


def digest_of(message: SignableMessage) -> bytes:
    """The 32 bytes that are signed for a message (EIP-191)."""
    return bytes(keccak(b"\x19" + message.version + message.header + message.body))


def halves(signature: bytes) -> tuple[int, int]:
    """r and s from 64 bytes or from DER. Raises WrongAnswer."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        if len(signature) == 64 and not signature.startswith(DER):
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        else:
            r, s = _der_or_plain(signature, decode_dss_signature)
    except (ValueError, IndexError) as error:
        raise WrongAnswer("The key service's signature cannot be read.") from error
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise WrongAnswer("The key service's signature cannot be read.")
    return r, s


def _der_or_plain(signature: bytes, decode: Callable[[bytes], tuple[int, int]]) -> tuple[int, int]:
    """64 bytes may by chance begin as DER does: then they are DER only where they are read as such."""
    try:
        return decode(signature)
    except ValueError:
        if len(signature) != 64:
            raise
        return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])


def address_of(public_key: bytes) -> str:
    """0x address of a secp256k1 key: 64 bytes, 65 or 33 with their prefix, or a SubjectPublicKeyInfo."""
    try:
        return _public(public_key).to_address()
    except (ValueError, ValidationError, TypeError) as error:
        raise WrongAnswer("The key service's public key cannot be read.") from error


def _public(key: bytes) -> PublicKey:
    match len(key):
        case 64:
            return PublicKey(key)
        case 65 if key[0] == 4:
            return PublicKey(key[1:])
        case 33:
            return PublicKey.from_compressed_bytes(key)
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    found = load_der_public_key(key)
    if not isinstance(found, EllipticCurvePublicKey) or not isinstance(found.curve, SECP256K1):
        raise ValueError("this is another curve")
    numbers = found.public_numbers()
    return PublicKey(numbers.x.to_bytes(32) + numbers.y.to_bytes(32))


def _recovered(digest: bytes, v: int, r: int, s: int) -> str:
    try:
        return str(Signature(vrs=(v, r, s)).recover_public_key_from_msg_hash(digest).to_address())
    except (BadSignature, ValidationError, ValueError):
        return ""


# --- over HTTP --------------------------------------------------------------------------------------------


def over_http(settings: Settings, role: Role) -> Service:
    """The service at `AUDIFI_SIGNER_URL`.

    GET `<url>/<role>` answers `{"publicKey": "0x…"}`; POST `<url>/<role>` with `{"digest": "0x…"}` answers
    `{"signature": "0x…", "publicKey": "0x…"}`. `AUDIFI_SIGNER_TOKEN` is the bearer token.
    """
    address = f"{settings.signer_url.rstrip('/')}/{role.value}"
    headers = {"Authorization": f"Bearer {settings.signer_token}"} if settings.signer_token else {}

    def ask(digest: bytes | None) -> Answer:
        try:
            with outbound.own() as http:
                body = None if digest is None else {"digest": "0x" + digest.hex()}
                answer = http.request("GET" if digest is None else "POST", address, json=body, headers=headers)
            said: Any = answer.json() if answer.status_code == 200 else None
            return Answer(_bytes(said["signature"]) if digest else b"", _bytes(said["publicKey"]))
        except (outbound.Failed, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"The key service does not answer for the {role.value}.") from error

    return ask


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > MOST_ANSWER:
        raise ValueError("this is no hexadecimal text")
    return bytes.fromhex(text.removeprefix("0x"))

