"""Hold real requests and answers against the OpenAPI document: exactly its fields, types, statuses, media types.

`check` reads the JSON Schema words that the document uses and refuses any other, so that no rule is passed over.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from portal.web import openapi

KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: type(v) is int,
    "number": lambda v: type(v) in (int, float),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
FORMATS: dict[str, Callable[[str], Any]] = {
    "uuid": uuid.UUID,
    "date-time": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
}
WORDS = {"title", "description", "default", "anyOf", "$ref", "type", "format", "pattern", "enum", "const", "required"}
WORDS |= {"properties", "additionalProperties", "items", "maxItems", "minimum", "maximum", "minLength", "maxLength"}
WORDS |= {"exclusiveMinimum", "exclusiveMaximum", "minProperties"}


def check(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "$") -> Iterator[str]:
    """What is wrong with a value, in sentences; nothing when it is as the document says."""
    assert set(schema) <= WORDS, f"{at}: words that nobody checks: {set(schema) - WORDS}"
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        yield from check(value, named, document, at)
    if "anyOf" in schema:
        found = [list(check(value, one, document, at)) for one in schema["anyOf"]]
        if all(found):
            yield min(found, key=len)[0]
    if "type" in schema and not KINDS[schema["type"]](value):
        yield f"{at}: {value!r} is no {schema['type']}"
    elif isinstance(value, str):
        yield from _text(value, schema, at)
    elif isinstance(value, list):
        yield from (f for i, v in enumerate(value) for f in check(v, schema.get("items", {}), document, f"{at}[{i}]"))
    elif isinstance(value, dict):
        yield from _object(value, schema, document, at)
    elif isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value} is out of bounds"


def _text(value: str, schema: dict[str, Any], at: str) -> Iterator[str]:
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{at}: {value!r} is none of {schema.get('enum', schema.get('const'))}"
    if not re.search(schema.get("pattern", ""), value) or len(value) > schema.get("maxLength", len(value)):
        yield f"{at}: {value!r} does not fit"
    try:
        FORMATS.get(schema.get("format", ""), str)(value)
    except ValueError:
        yield f"{at}: {value!r} is no {schema['format']}"


def _object(value: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], at: str) -> Iterator[str]:
    fields = schema.get("properties", {})
    yield from (f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value)
    for name, part in value.items():
        others = schema.get("additionalProperties", True)
        if name in fields:
            yield from check(part, fields[name], document, f"{at}.{name}")
        elif others is False:
            yield f"{at}: {name} is not declared"
        elif isinstance(others, dict):
            yield from check(part, others, document, f"{at}.{name}")


def hold(app: Flask, answer: TestResponse, sent: Any) -> None:
    """Fail for an API answer, or a request that was carried out, that is not as documented."""
    request = answer.request
    adapter = app.url_map.bind("", script_name="/")
    if request.method == "OPTIONS" or not request.path.startswith("/api/v"):
        return
    try:
        rule, _ = adapter.match(request.path, method=request.method, return_rule=True)
    except HTTPException:  # no address of ours, or another spelling of one (308)
        return
    version = int(request.path.removeprefix("/api/v").partition("/")[0])
    document = openapi.document(version)
    operation = document["paths"][openapi.path_of(rule)][request.method.replace("HEAD", "GET").lower()]
    said = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
    problems = list(_answer(answer, said, document)) if answer.data else []
    if answer.status_code < 300 and "requestBody" in operation and sent is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        problems += check(sent, schema, document, "body")
    assert not problems, f"{request.method} {request.path} {answer.status_code}: {problems}"


def _answer(answer: TestResponse, said: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    content = said.get("content", {}).get(answer.mimetype)
    if content is None:
        yield f"{answer.mimetype} is not a declared answer"
    else:
        yield from check(answer.json, content["schema"], document)
