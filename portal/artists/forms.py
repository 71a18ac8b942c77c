"""What a person sends to become an artist."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from portal.covers import PALETTES
from portal.web.bodies import Body, Text


def _known_palette(value: str) -> str:
    if value not in PALETTES:
        raise ValueError("Choose one of the sleeves.")
    return value


class NewArtist(Body):
    artist_name: Annotated[Text, Field(min_length=1, max_length=150)]
    genre: Annotated[Text, Field(max_length=100)] | None = None
    short_bio: Annotated[Text, Field(max_length=280)] | None = None
    palette: Annotated[str, AfterValidator(_known_palette)] = "brine"
