"""What nobody should send: values, bodies near the document, and the forms of the pages as a person fills them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from hypothesis import strategies as st

HUGE = (2**31, 2**63, 2**256, 10**400, -1, 0)
LONG = "x" * 20_000
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202etxt",
    "１２",
    "1_000",
    "1e400",
    "NaN",
    "Infinity",
    "-0",
    "0",
    "-1",
    "1" * 100,
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "../../etc/passwd",
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00:00-23:59",
    "2026-02-30",
    "0x" + "f" * 40,
    LONG,
)
texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=30))
leaves = st.one_of(st.none(), st.booleans(), st.sampled_from(HUGE), st.integers(), st.floats(), texts)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(texts, v, max_size=3), max_leaves=6)

DEEP = b'{"title": ' + b"[" * 5000 + b"]" * 5000 + b"}"
BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"null", "application/json"),
    (b"[]", "application/json"),
    (b'"text"', "application/json"),
    (b"\xff\xfe", "application/json"),
    (b'{"title": NaN}', "application/json"),
    (b'{"title": 1, "title": 2}', "application/json"),
    (DEEP, "application/json"),
    (b'{"title": "' + b"x" * 1_100_000 + b'"}', "application/json"),
    (b"title=x", "application/x-www-form-urlencoded"),
    (b"title=x", "text/plain"),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
    (b"<a/>", "application/xml"),
)


def encoded(value: Any) -> bytes:
    """JSON as a careless client sends it: NaN and halves of surrogate pairs included."""
    return json.dumps(value).encode()


@st.composite
def near(draw: st.DrawFn, schema: dict[str, Any], document: dict[str, Any], depth: int = 0) -> Any:
    """A value of the schema, with something odd in about every sixth place."""
    if depth and draw(st.integers(0, 5)) == 0:
        return draw(values)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = draw(st.sampled_from(schema["anyOf"]))
        return draw(near(schema, document, depth))
    match schema.get("type"):
        case "object":
            return draw(_object(schema, document, depth))
        case "array":
            return draw(st.lists(near(schema.get("items", {}), document, depth + 1), max_size=3))
        case "integer":
            return draw(st.integers(schema.get("minimum"), schema.get("maximum")))
        case "boolean":
            return draw(st.booleans())
        case "string":
            return draw(_text(schema))
    return None


@st.composite
def _object(draw: st.DrawFn, schema: dict[str, Any], document: dict[str, Any], depth: int) -> dict[str, Any]:
    fields = schema.get("properties", {})
    more = st.lists(st.sampled_from(sorted(fields)), max_size=6) if fields else st.just([])
    chosen = set(schema.get("required", [])) | set(draw(more))
    if chosen and draw(st.integers(0, 9)) == 0:
        chosen.discard(draw(st.sampled_from(sorted(chosen))))
    made = {name: draw(near(fields[name], document, depth + 1)) for name in sorted(chosen)}
    return made | ({draw(texts): draw(leaves)} if draw(st.integers(0, 9)) == 0 else {})


def _text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
    kinds: dict[str, st.SearchStrategy[str]] = {
        "uuid": st.uuids().map(str),
        "date-time": st.datetimes().map(lambda t: t.isoformat() + "Z"),
        "date": st.dates().map(str),
    }
    return kinds.get(schema.get("format", ""), st.text(min_size=1, max_size=20))


# --- forms ------------------------------------------------------------------------------------------------


@dataclass
class Form:
    """A form of a page: where it posts to, its fields with their values, and which of them are typed into."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """The POST forms of a page."""

    def __init__(self, page: str, here: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._here, self._open, self._select = here, False, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("method", "get").lower() == "post"
            if self._open:
                self.found.append(Form(given.get("action") or self._here))
        elif self._open:
            self._field(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.found[-1], given.get("name", "")
        if tag == "option" and self._select:
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = given.get("value", "")
            return
        self._select = name if tag == "select" else ""
        if tag not in {"input", "textarea", "button"} or not name or name == "csrf_token":
            return
        kind = given.get("type", "text" if tag != "button" else "submit")
        if kind not in {"radio", "checkbox", "submit"} or "checked" in given or kind == "submit":
            form.fields.setdefault(name, given.get("value", ""))
        if tag == "textarea" or kind in {"text", "email", "search"}:
            form.typed.add(name)
