"""Each promise about the chain, access, input and records has a test: "Promise NN" in its or its file's docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

NAMED = {10, *range(19, 25), *range(37, 60), *range(61, 82)}
HERE = Path(__file__).parent


def test_every_promise_has_a_test() -> None:
    kept = {number for text in _docstrings() for number in _numbers(text)}
    assert sorted(NAMED - kept) == []


def _docstrings() -> Iterator[str]:
    """Of every test, and of every file that has tests."""
    for path in HERE.rglob("test_*.py"):
        tree = ast.parse(path.read_text())
        for node in [tree, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))]:
            if isinstance(node, ast.Module) or node.name.startswith("test_"):
                yield ast.get_docstring(node) or ""


def _numbers(text: str) -> Iterator[int]:
    """The numbers after "Promise" or "Promises", which may be a list or a range."""
    for listed in re.findall(r"Promises? ((?:\d+(?:, | and |-)?)+)", text):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
            yield from range(int(first), int(last or first) + 1)
