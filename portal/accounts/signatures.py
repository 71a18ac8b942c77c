"""Whether a wallet signed a text: a key's signature (EIP-191), or a contract's word for it (EIP-1271)."""

from __future__ import annotations

import re
from collections.abc import Callable

from portal.chain.client import Client, Refused, Reverted
from portal.crypto import same

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2}){1,4096}")
KEY_BYTES = 65
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: (r, s) and (r, n - s) are both valid, so the upper half is refused (EIP-2)."""
IS_VALID = "1626ba7e"
"""`isValidSignature(bytes32,bytes)`: its selector and its yes are the same four bytes."""


def proves(chain: Callable[[], Client], address: str, text: str, signature: str) -> bool:
    """Whether `address` (lower-case) signed `text`. A key is tried first; the chain is asked only where that fails.

    Raises Unavailable when a contract has to be asked and the chain does not answer.
    """
    if not _HEX.fullmatch(signature):
        return False
    raw = bytes.fromhex(signature[2:])
    return _by_key(address, text, raw) or _by_contract(chain(), address, text, raw)


def _by_key(address: str, text: str, raw: bytes) -> bool:
    """Strict: 65 bytes, v 27 or 28, r above zero and s in the lower half. Any other spelling is refused."""
    from eth_account import Account  # slow to import, and most requests never need it
    from eth_account.messages import encode_defunct
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    if len(raw) != KEY_BYTES or raw[64] not in {27, 28}:
        return False
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    if r == 0 or not 0 < s <= HALF_ORDER:
        return False
    try:
        signer = Account.recover_message(encode_defunct(text=text), signature=raw)
    except (BadSignature, ValidationError, ValueError):
        return False
    return same(str(signer).lower(), address)


def _by_contract(client: Client, address: str, text: str, raw: bytes) -> bool:
    from eth_abi.abi import encode
    from eth_account.messages import _hash_eip191_message, encode_defunct

    if client.code(address) in {"", "0x"}:
        return False
    digest = bytes(_hash_eip191_message(encode_defunct(text=text)))
    data = "0x" + IS_VALID + encode(["bytes32", "bytes"], [digest, raw]).hex()
    try:
        answer = client.call(address, data)
    except (Reverted, Refused):
        return False
    return len(answer) == 66 and same(answer[2:].lower(), IS_VALID.ljust(64, "0"))
