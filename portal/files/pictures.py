"""An uploaded file becomes a picture of ours, or is refused with the reason.

Nothing of what was sent is kept: its header is read first and must be that of a picture of bearable size, then it is
decoded, turned upright, cut to its place and written anew as WebP. What hides in a file (places in EXIF, profiles,
comments, a page or a script behind its end) is not in the new one. This module is imported with the first picture:
Pillow takes a while, and a visitor waits while a web process starts.
"""

from __future__ import annotations

import io
from typing import NoReturn

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from portal.files.cids import MOST_BYTES
from portal.files.places import Picture, Shape, Unusable

KINDS = ("JPEG", "PNG", "WEBP", "AVIF")
MOST_PIXELS = 25_000_000
"""Width times height of what is decoded (75 MB of memory); Pillow itself warns from 89 and refuses from 179 million."""
LONGEST_SIDE = 12_000
QUALITIES = (86, 76, 64, 50)
SMALLER = (1, 0.75, 0.5, 0.25)
PAPER = (255, 255, 255)


def prepared(raw: bytes, shape: Shape) -> Picture:
    """The picture in `raw`, fit for its place. Raises Unusable."""
    if not raw:
        raise Unusable("This file is empty.")
    return _written(_cut(_decoded(_header(raw), shape), shape))


def _header(raw: bytes) -> ImageFile:
    """The file opened, not decoded. Raises Unusable for what is no still picture of bearable size."""
    try:
        opened = Image.open(io.BytesIO(raw), formats=KINDS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        _refuse_size()
    except UnidentifiedImageError as error:
        raise Unusable("This is not a JPEG, PNG, WebP or AVIF picture.") from error
    except Exception as error:
        _refuse_damaged(error)
    if opened.width * opened.height > MOST_PIXELS or max(opened.size) > LONGEST_SIDE:
        _refuse_size()
    if opened.format != "MPO" and getattr(opened, "is_animated", False):  # MPO: a camera's JPEG with a second take
        raise Unusable("This picture moves. Choose one that stands still.")
    return opened


def _decoded(opened: ImageFile, shape: Shape) -> Image.Image:
    """The pixels, upright, in red, green and blue, on white paper. Raises Unusable for a file that breaks off."""
    try:
        opened.draft("RGB", (2 * shape.width, 2 * shape.height))
        opened.load()
        return _opaque(ImageOps.exif_transpose(opened))
    except Exception as error:
        _refuse_damaged(error)


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):  # 16 bits of grey
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = Image.new("RGB", layer.size, PAPER)
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def _cut(picture: Image.Image, shape: Shape) -> Image.Image:
    """The middle in the place's proportions, made smaller where it is bigger; never bigger. Raises Unusable."""
    scale = min(1.0, picture.width / shape.width, picture.height / shape.height)
    size = max(1, round(shape.width * scale)), max(1, round(shape.height * scale))
    if size[0] < shape.least:
        least = f"{shape.least} × {shape.least * shape.height // shape.width}"
        raise Unusable(f"This picture is too small: it takes at least {least} pixels.")
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def _written(picture: Image.Image) -> Picture:
    """As good as fits into one block: first with less quality, then with fewer pixels."""
    for smaller in SMALLER:
        size = max(1, round(picture.width * smaller)), max(1, round(picture.height * smaller))
        drawn = picture if smaller == 1 else picture.resize(size)
        for quality in QUALITIES:
            content = _webp(drawn, quality)
            if len(content) <= MOST_BYTES:
                return Picture(content, *drawn.size)
    raise Unusable("This picture cannot be made small enough.")


def _webp(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.info = {}  # what the file said about itself is not written again
    picture.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def _refuse_size() -> NoReturn:
    millions, side = MOST_PIXELS // 1_000_000, LONGEST_SIDE
    raise Unusable(f"This picture has too many pixels: at most {millions} million, {side:,} on a side.")


def _refuse_damaged(error: Exception) -> NoReturn:
    """A decoder may raise nearly anything for a broken file; all of it means the same to who sent it."""
    raise Unusable("This picture cannot be read: the file is damaged or incomplete.") from error
