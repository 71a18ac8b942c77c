"""How far a transaction of ours has come."""

from enum import StrEnum


class ChainTransactionStatus(StrEnum):
    SIGNED = "signed"
    SENT = "sent"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    FINAL = "final"
    FAILED = "failed"
    REPLACED = "replaced"
