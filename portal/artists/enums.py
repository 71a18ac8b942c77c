"""The twelve sleeve palettes an artist chooses from."""

from enum import StrEnum


class Palette(StrEnum):
    BRINE = "brine"
    TRAM = "tram"
    GRANSKOG = "granskog"
    BUS = "bus"
    WEATHER = "weather"
    LANTERN = "lantern"
    CONTOUR = "contour"
    CALLE = "calle"
    CHOIR = "choir"
    AVIARY = "aviary"
    OCHRE = "ochre"
    FROST = "frost"
