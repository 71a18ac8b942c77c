"""What stands in a raw log, as SQL expressions: topics and data are 0x text in words of 64 hexadecimal digits."""

from __future__ import annotations

DIGITS = 15
"""As many hexadecimal digits at a time fit into a bigint."""


def address_sql(topic: str) -> str:
    """The address in a topic."""
    return f"('0x' || right({topic}, 40))"


def word_sql(data: str, place: int) -> str:
    """The word at a place of the data, from 0."""
    return f"substr({data}, {3 + 64 * place}, 64)"


def number_sql(word: str) -> str:
    """The unsigned number in a word (the last 64 digits of the text), up to 2**256 - 1, as numeric."""
    pieces = [
        f"('x' || lpad(substr(right({word}, 64), {max(1, 50 - DIGITS * piece)}, {DIGITS if piece < 4 else 4}), 16,"
        f" '0'))::bit(64)::bigint::numeric * {16 ** (DIGITS * piece)}"
        for piece in range(5)
    ]
    return f"({' + '.join(pieces)})"
