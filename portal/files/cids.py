"""Content identifiers (CIDv1): what a file is, not where it lies.

A file of one block needs no tree around it: its CID is version 1, codec raw (0x55), multihash sha2-256 (0x12, 32
bytes), written in multibase base32 (`b`), which is also what `ipfs add --cid-version=1` answers for it. `MOST_BYTES` is
the chunk of the IPFS chunker; a picture is one block.

A longer file (a recording) is named by the block that lists its blocks: a dag-pb node (codec 0x70) with one link for
each, holding a UnixFS entry of type file; both are protobuf, links before data. One level holds 174 links, which is
more than any recording here has.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256

MOST_BYTES = 256 * 1024
HEADER = bytes((0x01, 0x55, 0x12, 0x20))
LIST_HEADER = bytes((0x01, 0x70, 0x12, 0x20))
MOST_LINKS = 174
SHAPE = re.compile("baf(?:krei|ybei)[a-z2-7]{52}")
"""What every CID of ours looks like: the header and the digest's first bits fix the first letters."""


def cid_of(content: bytes) -> str:
    """The CID of one block. Raises ValueError for more than a block holds."""
    if len(content) > MOST_BYTES:
        raise ValueError("more than one block")
    return written(sha256(content).digest())


def cid_of_blocks(blocks: Sequence[bytes]) -> str:
    """The CID of a file cut into full blocks and a last one. Raises ValueError for more than one level of links."""
    return cid_of_digests([sha256(block).digest() for block in blocks], [len(block) for block in blocks])


def cid_of_digests(digests: Sequence[bytes], sizes: Sequence[int]) -> str:
    """The same, of what is known of its blocks: their SHA-256 digests, and their sizes in bytes."""
    if len(digests) == 1:
        return written(digests[0])
    if not 1 < len(digests) <= MOST_LINKS:
        raise ValueError(f"{len(digests)} blocks")
    links = b"".join(_field(2, _link(*block)) for block in zip(digests, sizes, strict=True))
    return written(sha256(links + _field(1, _entry(sizes))).digest(), LIST_HEADER)


def written(digest: bytes, header: bytes = HEADER) -> str:
    """A SHA-256 digest as a CID's text."""
    return "b" + b32encode(header + digest).decode().rstrip("=").lower()


def cut(content: bytes) -> list[bytes]:
    """A file as blocks, in order."""
    return [content[at : at + MOST_BYTES] for at in range(0, len(content), MOST_BYTES)]


def _link(digest: bytes, size: int) -> bytes:
    """PBLink: the block's CID, no name, its size."""
    return _field(1, HEADER + digest) + _field(2, b"") + b"\x18" + _varint(size)


def _entry(sizes: Sequence[int]) -> bytes:
    """UnixFS Data: type 2 (file), the file's size, each block's size."""
    return b"\x08\x02\x18" + _varint(sum(sizes)) + b"".join(b"\x20" + _varint(size) for size in sizes)


def _field(number: int, value: bytes) -> bytes:
    """A protobuf field of bytes."""
    return bytes((number << 3 | 2,)) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes((low,)) if number < 0x80 else bytes((low | 0x80,)) + _varint(number >> 7)
