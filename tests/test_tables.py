"""Promise 67: a spreadsheet that opens what the portal exported runs nothing, and numbers are numbers."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.config import ROOT
from portal.tables import safe, table

LIVE = "=+-@\t\r"
WIDE = "＝＋－＠"


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("first", [*LIVE, *WIDE, "\n", " =", "  +"])
def test_a_cell_that_would_run_is_text(first: str) -> None:
    """Promise 67: each character that starts a formula is marked, wherever the cell stands; inside it is harmless."""
    for rest in ("1", "HYPERLINK(1)", "cmd|' /C calc'!A0", "", '"', ",x", "\n=1"):
        (marked, plain, last) = cells(table(["a", "b", "c"], [[first + rest, f"a{first}{rest}", first + rest]]))[1]
        assert marked == last == f"'{first}{rest}"
        assert plain == f"a{first}{rest}"


@given(st.lists(st.lists(st.text() | st.integers() | st.none(), min_size=3, max_size=3), max_size=5))
def test_no_cell_of_text_is_live(rows: list[list[object]]) -> None:
    """Promise 67: whatever was typed, in every column: as many cells as given, and no text that starts a formula."""
    read = cells(table(["a", "b", "c"], rows))
    assert len(read) == len(rows) + 1
    for row, found in zip(rows, read[1:], strict=True):
        for value, cell in zip(row, found, strict=True):
            if isinstance(value, str):
                assert not cell.lstrip(" ").startswith((*LIVE, *WIDE))
                assert cell in {value, f"'{value}"}


def test_numbers_stay_numbers() -> None:
    """Promise 67: negative ones too, without exponents; nothing is an empty cell."""
    numbers = [-5, 0, 10**30, Decimal("-50.00"), Decimal("1E+3"), Decimal("-0.000000000000000001"), None]
    found = cells(table(["n"] * len(numbers), [numbers]))[1]
    assert found == ["-5", "0", str(10**30), "-50.00", "1000", "-0.000000000000000001", ""]
    assert safe("-5") == "'-5", "text is text, even when it looks like a number"


def test_all_exports_go_this_way() -> None:
    """Promise 67: there is one writer of tables."""
    modules = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "portal").rglob("*.py")}
    writers = {name for name, text in modules.items() if re.search(r"\bcsv\.(Dict)?[wW]riter", text)}
    assert writers == {"portal/tables.py"}
