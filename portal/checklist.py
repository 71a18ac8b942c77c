"""What `portal.checking` found, told at a terminal: as lines for people or as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from portal.checking import Result
from portal.checks import AnyCheck

BROKEN, UNCHECKED = 1, 3
"""Exit codes; 2 is a wrong use of the command."""


def names(checks: Sequence[AnyCheck], as_json: bool = False) -> str:
    """The invariants and their sentences."""
    if as_json:
        return json.dumps({check.name: check.sentence for check in checks}, indent=2)
    width = max(len(check.name) for check in checks)
    return "\n".join(f"{check.name:{width}}  {check.sentence}" for check in checks)


def exit_code(results: Sequence[Result]) -> int:
    """0 when all hold, BROKEN when one does not, UNCHECKED when none is broken but some could not be checked."""
    if any(result.broken for result in results):
        return BROKEN
    return UNCHECKED if any(result.unchecked for result in results) else 0


def told(results: Sequence[Result], as_json: bool = False) -> str:
    """Every invariant with what breaks it, and the count at the end."""
    if as_json:
        return json.dumps({result.check.name: _fields(result) for result in results}, indent=2)
    return "\n".join([line for result in results for line in _lines(result)] + [_summary(results)])


def _fields(result: Result) -> dict[str, object]:
    state = "broken" if result.broken else "not checked" if result.unchecked else "holds"
    rows = [asdict(finding) for finding in result.findings]
    return {"state": state, "sentence": result.check.sentence, "broken": result.broken, "rows": rows} | (
        {"why": result.unchecked} if result.unchecked else {}
    )


def _lines(result: Result) -> list[str]:
    name = result.check.name
    if result.holds:
        return [f"holds        {name}"]
    lines = [f"not checked  {name}: {result.unchecked}"] if result.unchecked else []
    if result.broken:
        lines.append(f"BROKEN       {name}: {result.broken} {'row' if result.broken == 1 else 'rows'}")
        lines.append(f"             {result.check.sentence}")
        lines += [f"             {f.table} {f.id}: {f.seen}; should be {f.should}" for f in result.findings]
    if result.broken > len(result.findings):
        lines.append(f"             … and {result.broken - len(result.findings)} more")
    return lines


def _summary(results: Sequence[Result]) -> str:
    broken = sum(1 for result in results if result.broken)
    unchecked = sum(1 for result in results if result.unchecked)
    hold = sum(1 for result in results if result.holds)
    return f"{len(results)} invariants: {hold} hold, {broken} broken, {unchecked} not checked"
