"""How sure a block is."""

from enum import StrEnum


class Finality(StrEnum):
    HEAD = "head"
    SAFE = "safe"
    FINALIZED = "finalized"
