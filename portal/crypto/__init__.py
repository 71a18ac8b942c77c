"""Random tokens and their hashes, encrypted columns and the keys behind them.

A secret that a person carries is stored only as its SHA-256; one that the portal must read again is sealed
(`crypto.sealed`) under a key that the database never sees (`crypto.keyring`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """A URL-safe token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 in hex. The token is random and long, so no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Constant-time equality for tokens, signatures and codes."""
    return hmac.compare_digest(left.encode(), right.encode())


def keyed_hash(key: str, value: str) -> str:
    """HMAC-SHA256 in hex: an address or user agent kept only as a keyed hash."""
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()
