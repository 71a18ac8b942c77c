"""Bodies frozen in files: ids, times and addresses that differ from run to run become words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"), "<time>"),
)


def masked(value: Any) -> Any:
    """The same body with what is random in it replaced."""
    if isinstance(value, dict):
        return {name: masked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    if isinstance(value, str):
        for pattern, word in MASKS:
            value = pattern.sub(word, value)
    return value


def frozen(folder: Path, name: str) -> Any:
    """The body that a version promised."""
    return json.loads((folder / f"{name}.json").read_text())
