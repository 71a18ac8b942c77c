"""Files as people and attackers send them, made here: name -> (bytes, what becomes of it).

What becomes of a file is the size of the picture, or a word of the reason why there is none.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageOps, PngImagePlugin

SECRET = b"51.4778N 0.0015W"
SCRIPT = b"<html><svg onload=alert(1)><script>alert(1)</script></html>"


def drawn(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A field of colours that says which way is up: its top is red."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (ImageOps.invert(down), across, down)).convert(mode)


def written(kind: str, picture: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (picture or drawn()).save(out, kind, **options)
    return out.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG of 100 bytes whose header promises `width` by `height` pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def from_a_phone() -> bytes:
    """Lies on its side, and says so and where it was taken: in EXIF, XMP, a profile and a comment."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET.decode()
    on_its_side = drawn(480, 640).transpose(Image.Transpose.ROTATE_90)
    return written("JPEG", on_its_side, exif=exif, icc_profile=SECRET * 9, xmp=SECRET, comment=SECRET)


def talkative() -> bytes:
    """A PNG with a text chunk, and a whole page behind its end."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", SECRET.decode())
    return written("PNG", drawn(mode="RGBA"), pnginfo=said) + SCRIPT


def moving() -> bytes:
    return written("WEBP", drawn(), save_all=True, append_images=[drawn().rotate(180)], duration=100)


CORPUS: dict[str, tuple[bytes, tuple[int, int] | str]] = {
    "phone.jpg": (from_a_phone(), (480, 480)),
    "page-in-its-tail.png": (talkative(), (480, 480)),
    "named-wrong.png": (written("WEBP", drawn(2000, 1600)), (1200, 1200)),
    "print.jpg": (written("JPEG", drawn(mode="CMYK")), (480, 480)),
    "modern.avif": (written("AVIF", drawn(400, 400), speed=10), (400, 400)),
    "bomb.png": (claiming(60_000, 60_000), "too many pixels"),
    "big-header.png": (claiming(9_000, 3_000), "too many pixels"),
    "cut-off.jpg": (written("JPEG")[:4000], "damaged"),
    "moving.webp": (moving(), "moves"),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "not a JPEG"),
    "page.jpg": (SCRIPT, "not a JPEG"),
    "nothing.png": (b"", "empty"),
    "stamp.png": (written("PNG", drawn(64, 64)), "too small"),
}
