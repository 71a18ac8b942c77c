"""/api/v<n>/openapi.json: OpenAPI 3.1, made from what the routes declare (`portal.versions.Declared`).

Nothing is written down twice: paths and parameters come from the URL map, bodies from the forms, answers from the
types that the shapes return. `additionalProperties: false` everywhere: an answer has exactly these fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from inspect import getdoc
from typing import Any, NamedTuple, NotRequired, get_args, get_origin, get_type_hints

from flask import Flask, current_app
from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema
from werkzeug.routing import Rule

from portal.versions import CURRENT, Api, Declared
from portal.web import bodies, schema
from portal.web.access import anyone

api = Api("openapi", __name__)

REF = "#/components/schemas/{model}"
SAFE = {"GET"}
ERRORS: dict[int, dict[str, Any]] = {
    1: {"type": "application/json", "plain": schema.LegacyError, "fields": schema.LegacyError},
    2: {"type": "application/problem+json", "plain": schema.Problem, "fields": schema.InvalidProblem},
}
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
LEGACY = {name: {"$ref": f"#/components/headers/{name}"} for name in ("Deprecation", "Sunset", "Link")}


class Operation(NamedTuple):
    """One method of one address of one version."""

    rule: Rule
    method: str
    declared: Declared


class Exact(GenerateJsonSchema):
    """JSON Schema in which an object has the fields that it declares, and no others."""

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        return {**super().typed_dict_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def generate_inner(self, schema: Any) -> dict[str, Any]:
        """Bounds behind a validator of ours arrive under Python's names; on text they bound the number in it.

        Text that is needed has to be more than white space.
        """
        made = super().generate_inner(schema)
        for name, word in BOUNDS.items():
            if name in made:
                bound = made.pop(name)
                made |= {} if made.get("type") == "string" else {word: bound}
        if made.get("pattern") == bodies.PLAIN and made.get("minLength"):
            made["pattern"] = bodies.FILLED
        return made


@api.get("/openapi.json", versions=(1, 2), access=anyone)
def get_openapi(version: int) -> dict[str, Any]:
    """This document."""
    return document(version)


def document(version: int) -> dict[str, Any]:
    """The document of one version, made once a process."""
    made: dict[int, dict[str, Any]] = current_app.extensions.setdefault("openapi", {})
    if version not in made:
        made[version] = build(current_app, version)
    return made[version]


def operations(app: Flask, version: int) -> Iterator[Operation]:
    """Everything that a version offers, by address."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda r: r.rule):
        declared = getattr(app.view_functions[rule.endpoint], "declared", None)
        if declared and declared.version == version:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Operation(rule, method, declared)


def build(app: Flask, version: int) -> dict[str, Any]:
    found = list(operations(app, version))
    schemas = _Schemas(found, version)
    paths: dict[str, dict[str, Any]] = {}
    for operation in found:
        paths.setdefault(path_of(operation.rule), {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "AudiFi", "version": str(version), "description": _about(version)},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": _headers(),
            "securitySchemes": _security_schemes(app),
        },
    }


def path_of(rule: Rule) -> str:
    """'/api/v2/masters/<uuid:master_id>' -> '/api/v2/masters/{masterId}'."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: "{" + to_camel(found[1]) + "}", rule.rule)


class _Schemas:
    """The schemas of all operations, made in one go so that equal names are told apart, and references to them."""

    def __init__(self, found: list[Operation], version: int) -> None:
        self.version = version
        wanted: dict[tuple[int, JsonSchemaMode], tuple[Any, JsonSchemaMode]] = {}
        for operation in found:
            declared = operation.declared
            wanted[id(declared.answer), "serialization"] = (declared.answer, "serialization")
            if declared.body:
                wanted[id(declared.body), "validation"] = (declared.body, "validation")
        for kind in ("plain", "fields"):
            error = ERRORS[version][kind]
            wanted[id(error), "serialization"] = (error, "serialization")
        inputs = [(key[0], mode, TypeAdapter(kind)) for key, (kind, mode) in wanted.items()]
        made, rest = TypeAdapter.json_schemas(inputs, schema_generator=Exact, ref_template=REF)
        self._made = {(key, mode): found for (key, mode), found in made.items()}
        self.components: dict[str, Any] = rest.get("$defs", {})

    def of(self, kind: Any, mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
        return dict(self._made[id(kind), mode])

    def error(self, kind: str) -> dict[str, Any]:
        errors = ERRORS[self.version]
        return {errors["type"]: {"schema": self.of(errors[kind])}}


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    rule, method, declared = operation
    view = declared.view
    made: dict[str, Any] = {
        "operationId": view.__name__,
        "tags": [view.__module__.split(".")[1]],
        "description": f"{getdoc(view) or ''}\n\nWho: {declared.access.name}.".strip(),
        "parameters": [*_path_parameters(rule), *_query(declared), *([] if method in SAFE else [_idempotency_key()])],
        "responses": _responses(operation, schemas),
        "security": _security(operation),
    }
    if declared.version < CURRENT:
        made["deprecated"] = True
    if declared.body:
        content = {"application/json": {"schema": schemas.of(declared.body, "validation")}}
        made["requestBody"] = {"required": not declared.body_optional, "content": content}
    return made


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    kinds = {"UUIDConverter": {"type": "string", "format": "uuid"}}
    return [
        {
            "name": to_camel(name),
            "in": "path",
            "required": True,
            "schema": kinds.get(type(rule._converters[name]).__name__, {"type": "string", "pattern": r"^[^/\u0000]+$"}),
        }
        for name in sorted(rule.arguments)
    ]


def _query(declared: Declared) -> list[dict[str, Any]]:
    if declared.query is None:
        return []
    hints = get_type_hints(declared.query, include_extras=True)
    return [{"name": name, "in": "query", "schema": _plain(kind)} for name, kind in hints.items()]


def _plain(kind: Any) -> dict[str, Any]:
    inner = get_args(kind)[0] if get_origin(kind) is NotRequired else kind
    return TypeAdapter(inner).json_schema(schema_generator=Exact)


def _idempotency_key() -> dict[str, Any]:
    said = "The same key and body give the same answer for 24 hours; another body is a 422."
    kind = {"type": "string", "minLength": 1, "maxLength": 255}
    return {"name": "Idempotency-Key", "in": "header", "description": said, "schema": kind}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Nothing, or the browser's session; what changes something also sends the session's CSRF token."""
    signed_in: dict[str, list[str]] = {"session": []}
    if operation.method not in SAFE:
        signed_in["csrf"] = []
    return [signed_in] if operation.declared.access is not anyone else [{}, signed_in]


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    declared = operation.declared
    headers = REQUEST_ID | (LEGACY if declared.version < CURRENT else {})
    cached = declared.access is anyone and operation.method in SAFE
    if cached:
        headers = headers | {"ETag": {"$ref": "#/components/headers/ETag"}}
    content = {"application/json": {"schema": schemas.of(declared.answer)}}
    found: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "headers": headers, "content": content}
        for status in declared.statuses
    }
    if cached:
        found["304"] = {"description": HTTPStatus(304).phrase, "headers": headers}
    for status in _refusals(operation):
        kind = "fields" if status == 422 else "plain"
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": schemas.error(kind)}
    found["default"] = {"description": "Any other refusal", "content": schemas.error("plain")}
    return found


def _refusals(operation: Operation) -> list[int]:
    """The statuses that the declaration itself brings with it."""
    rule, method, declared = operation
    statuses = {400}
    if declared.access is not anyone:
        statuses.add(401)
    if declared.access.name.startswith(("role", "permission")):
        statuses.add(403)
    if rule.arguments:
        statuses.add(404)
    if method not in SAFE:
        statuses |= {401, 409, 413, 422}
    elif declared.query is not None:
        statuses.add(422)
    return sorted(statuses)


def _about(version: int) -> str:
    old = " Legacy: use version 2." if version < CURRENT else ""
    return (
        "Artists sell shares of a recording, fans hold them, revenue becomes dividends, and fans vote live. Amounts "
        f"are text in the currency's smallest unit, times are UTC.{old}"
    )


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "RequestId": {"description": "Names this request in the logs", "schema": text},
        "ETag": {"description": "Send it as If-None-Match", "schema": text},
        "Deprecation": {"description": "Since when, RFC 9745", "schema": text},
        "Sunset": {"description": "Until when, RFC 8594", "schema": text},
        "Link": {"description": "The successor's address", "schema": text},
    }


def _security_schemes(app: Flask) -> dict[str, Any]:
    return {
        "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
    }
