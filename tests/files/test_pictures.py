"""Promise 69: what people upload is looked at before it is decoded, and never kept as it came."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys

import pytest
from PIL import Image

from portal.config import ROOT
from portal.files.cids import MOST_BYTES, cid_of, written
from portal.files.pictures import MOST_PIXELS, Unusable, prepared
from portal.files.places import SHAPES, Place
from tests.files import corpus

COVER = SHAPES[Place.COVER]
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@pytest.mark.parametrize("name", corpus.CORPUS)
def test_the_corpus(name: str) -> None:
    raw, expected = corpus.CORPUS[name]
    if isinstance(expected, str):
        with pytest.raises(Unusable, match=expected):
            prepared(raw, COVER)
        return
    made = prepared(raw, COVER)
    shown = Image.open(io.BytesIO(made.content))
    shown.load()
    assert (shown.format, shown.size, (made.width, made.height)) == ("WEBP", expected, expected)
    assert not {"exif", "icc_profile", "xmp"} & set(shown.info)
    assert not any(hidden in made.content for hidden in (corpus.SECRET, b"script", b"EXIF", b"ICCP", b"XMP "))
    assert len(made.content) <= MOST_BYTES


def test_a_picture_is_turned_upright() -> None:
    shown = Image.open(io.BytesIO(prepared(corpus.from_a_phone(), COVER).content))
    red = [shown.getpixel((240, y))[0] for y in (10, 470)]  # type: ignore[index]
    assert red[0] > 150 > 100 > red[1]


def test_what_shines_through_lies_on_white_paper() -> None:
    clear = corpus.written("PNG", Image.new("RGBA", (400, 400), (0, 0, 0, 0)))
    assert min(Image.open(io.BytesIO(prepared(clear, COVER).content)).getpixel((200, 200))) > 250  # type: ignore[type-var, arg-type]


def test_sixteen_bits_of_grey_stay_grey() -> None:
    deep = Image.new("I;16", (400, 400), 128 * 256)
    grey = Image.open(io.BytesIO(prepared(corpus.written("PNG", deep), COVER).content)).getpixel((9, 9))
    assert all(abs(value - 128) < 4 for value in grey)  # type: ignore[union-attr]


def test_a_banner_is_cut_to_its_proportions() -> None:
    made = prepared(corpus.written("JPEG", corpus.drawn(900, 900)), SHAPES[Place.BANNER])
    assert (made.width, made.height) == (900, 300)


def test_noise_still_fits_into_one_block() -> None:
    noise = Image.frombytes("RGB", (800, 800), os.urandom(800 * 800 * 3))
    made = prepared(corpus.written("PNG", noise, compress_level=0), COVER)
    assert len(made.content) <= MOST_BYTES


def test_a_bomb_is_never_unfolded() -> None:
    """A header of 16,383 x 16,383 in WebP, whose reader makes room for all of it: the process stays small."""
    lossless = bytearray(corpus.written("WEBP", Image.new("RGB", (1, 1)), lossless=True))
    at = lossless.index(b"VP8L") + 9
    lossless[at : at + 4] = (16_382 | 16_382 << 14).to_bytes(4, "little")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unusable, match="pixels"):
        prepared(bytes(lossless), COVER)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert MOST_PIXELS * 3 < Image.MAX_IMAGE_PIXELS  # type: ignore[operator]


UNDER_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, threading, time
from portal.files.pictures import Unusable
from portal.files.receiving import apart
def work():
    for _ in range(20):
        time_sleep(0.01)
    raise Unusable("no")
time_sleep = gevent.monkey.get_original("time", "sleep")
beats = []
heart = gevent.spawn(lambda: [beats.append(1) or gevent.sleep(0.01) for _ in range(1000)])
try:
    apart(work)
except Unusable as error:
    print(error, len(beats) > 3)
heart.kill()
"""


@pytest.mark.slow
def test_everybody_else_is_served_while_a_picture_is_made() -> None:
    """In the web server's own way of working: greenlets go on, and a refusal comes back as it was raised."""
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("no True\n", "")


@pytest.mark.slow
def test_pillow_is_not_imported_before_the_first_picture() -> None:
    code = "import sys, portal.app; sys.exit('PIL.Image' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("digest", "cid"),
    [
        (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    ],
)
def test_cids_are_those_that_an_ipfs_node_gives(digest: bytes, cid: str) -> None:
    """`printf 'hello world' | ipfs add --cid-version=1 --only-hash`, and the empty file."""
    assert cid_of(digest) == cid


@pytest.mark.parametrize(
    ("cid", "digest"),
    [
        ("zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA",
         "6e6ff7950a36187a801613426e858dce686cd7d7e3c0fc42ee0330072d245c95"),
        ("bafkreiglbo2l5lp25vteuexq3svg5hoad76mehz4tlrbwheslvluxcd63a",
         "cb0bb4beadfaed664a12f0dcaa6e9dc01ffcc21f3c9ae21b1c925d574b887ed8"),
    ],
)  # fmt: skip
def test_cids_are_those_of_the_specification(cid: str, digest: str) -> None:
    """The example of the CID specification is written in base58: the same bytes as ours in base32."""
    ours = written(bytes.fromhex(digest))
    assert bytes_of(ours) == bytes_of(cid)


def bytes_of(cid: str) -> bytes:
    digits, base = ("abcdefghijklmnopqrstuvwxyz234567", 32) if cid[0] == "b" else (ALPHABET, 58)
    number = 0
    for letter in cid[1:]:
        number = number * base + digits.index(letter)
    return (number >> 2 if base == 32 else number).to_bytes(36, "big")


def test_more_than_a_block_has_no_cid_of_this_kind() -> None:
    with pytest.raises(ValueError, match="one block"):
        cid_of(bytes(MOST_BYTES + 1))
