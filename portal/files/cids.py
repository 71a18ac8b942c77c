"""Content identifiers (CIDv1): what a file is, not where it lies.

A file of one block needs no tree around it: its CID is version 1, codec raw (0x55), multihash sha2-256 (0x12, 32
bytes), written in multibase base32 (`b`), which is also what `ipfs add --cid-version=1` answers for it. Every file
kept here is one block: `MOST_BYTES` is the chunk of the IPFS chunker.
"""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import sha256

MOST_BYTES = 256 * 1024
HEADER = bytes((0x01, 0x55, 0x12, 0x20))
SHAPE = re.compile("bafkrei[a-z2-7]{52}")
"""What every CID of ours looks like: the header and the digest's first bits fix the first letters."""


def cid_of(content: bytes) -> str:
    """The CID of one block. Raises ValueError for more than a block holds."""
    if len(content) > MOST_BYTES:
        raise ValueError("more than one block")
    return written(sha256(content).digest())


def written(digest: bytes) -> str:
    """A SHA-256 digest as a CID's text."""
    return "b" + b32encode(HEADER + digest).decode().rstrip("=").lower()
