"""Where an uploaded picture is shown, and what it has become by then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.files.cids import cid_of

MEDIA_TYPE = "image/webp"
RECORDING_TYPE = "audio/mpeg"


class Unusable(ValueError):
    """Why a file does not become what it should, in a sentence for who sent it."""


class Place(StrEnum):
    """The value is also the name of the form's field."""

    AVATAR = "avatar"
    PORTRAIT = "portrait"
    BANNER = "banner"
    COVER = "cover"
    ROOM = "room"


@dataclass(frozen=True)
class Shape:
    """How a place wants its picture, in pixels: at most this big, at least `least` wide once it is cut."""

    width: int
    height: int
    least: int


SHAPES = {
    Place.AVATAR: Shape(512, 512, 64),
    Place.PORTRAIT: Shape(800, 800, 128),
    Place.BANNER: Shape(1800, 600, 600),
    Place.COVER: Shape(1200, 1200, 300),
    Place.ROOM: Shape(1200, 1200, 300),
}


@dataclass(frozen=True)
class Picture:
    """What is kept and shown: WebP of at most one block, `width` by `height` pixels."""

    content: bytes
    width: int
    height: int

    @property
    def cid(self) -> str:
        return cid_of(self.content)
