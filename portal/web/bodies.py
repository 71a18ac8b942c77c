"""Request bodies into typed models: one parser for an HTML form and for a JSON body.

JSON is read strictly: no NaN or Infinity, no duplicate keys, at most 32 levels, no unknown fields, and nothing but
what the document says: numbers as numbers, times with seconds and a zone. A form's fields are what people type. Field
names are camelCase in both kinds of body, as in the API.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import pydantic
from flask import request
from flask_login import current_user
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.alias_generators import to_camel

from portal import money
from portal.errors import BadRequest, FieldError, Invalid
from portal.idempotency import Answer, KeyedRequest

MOST_LEVELS = 32
NOT_FIELDS = {"csrf_token", "idempotency_key", "next"}
HIDDEN = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069"
"""Control characters and bidirectional overrides: no honest use in a field. A regular expression's class."""
PLAIN, FILLED = f"^[^{HIDDEN}]*$", rf"^[^{HIDDEN}]*[^{HIDDEN}\s\u0085\ufeff][^{HIDDEN}]*$"
"""What text may be, and what it has to be where it is needed."""
_HALVES = re.compile(rf"[{HIDDEN}\ud800-\udfff]")
_DAY = "(19|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}"
_TIME = _DAY + "T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
SAY_WHEN = "Enter a date and time such as 2026-12-24T20:00:00Z."
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Body(BaseModel):
    """Base of every body: camelCase names, unknown fields refused, no coercion beyond the types below."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


B = TypeVar("B", bound=Body)
E = TypeVar("E", bound=StrEnum)


def _plain_text(value: str) -> str:
    """Composed (NFC), so that what looks alike is alike; refuses hidden characters and halves of surrogate pairs."""
    if _HALVES.search(value):
        raise ValueError("Remove the invisible control characters.")
    return unicodedata.normalize("NFC", value)


def typed(value: object, info: ValidationInfo) -> bool:
    """Text that somebody typed into a form: JSON has numbers and booleans of its own."""
    return isinstance(value, str) and not (info.context or {}).get("json", False)


def _whole(value: object, info: ValidationInfo) -> object:
    """A whole number typed in a form arrives as text; `1_000`, full-width digits, booleans and 1.0 do not pass."""
    if isinstance(value, str) and typed(value, info):
        text = value.strip().replace(",", "")
        if not (text.isascii() and text.isdigit() and len(text) <= 30):
            raise ValueError("Enter a whole number.")
        return int(text)
    if type(value) is not int:
        raise ValueError("Enter a whole number.")
    return value


def _switch(value: object, info: ValidationInfo) -> object:
    """A ticked box arrives as the text `on`."""
    if isinstance(value, str) and typed(value, info):
        return {"on": True, "true": True, "false": False}.get(value, value)
    return value


def _time(value: object, info: ValidationInfo) -> object:
    """ISO 8601, the years 1900 to 2199; a form's local field, or its day alone, is read as UTC."""
    if not isinstance(value, str) or not (typed(value, info) or re.fullmatch(_TIME, value)):
        raise ValueError(SAY_WHEN)
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(SAY_WHEN) from error
    if not 1900 <= moment.year < 2200:
        raise ValueError("Choose a year from 1900 to 2199.")
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_DAY, value):
        raise ValueError("Enter a date such as 2026-10-31.")
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("There is no such day.") from error


def _id(value: object) -> object:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise ValueError("This is not an id.")
    return uuid.UUID(value)


def like(pattern: str) -> Any:
    """Metadata for the API's document: what text a validator of ours lets pass."""
    return Field(json_schema_extra={"pattern": f"^({pattern})$"})


def member(enum: type[E]) -> BeforeValidator:
    """One of an enumeration's values, by its text."""

    def read(value: object) -> object:
        try:
            return enum(str(value))
        except ValueError as error:
            raise ValueError(f"Choose one of {', '.join(enum)}.") from error

    return BeforeValidator(read, json_schema_input_type=enum)


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_plain_text),
    Field(json_schema_extra={"pattern": PLAIN}),
]
"""What people write: without the white space around it, composed, and without hidden characters."""
Whole = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int)]
Switch = Annotated[bool, BeforeValidator(_switch, json_schema_input_type=bool)]
Moment = Annotated[dt.datetime, BeforeValidator(_time, json_schema_input_type=Annotated[dt.datetime, like(_TIME)])]
Day = Annotated[dt.date, BeforeValidator(_day, json_schema_input_type=Annotated[dt.date, like(_DAY)])]
Id = Annotated[uuid.UUID, BeforeValidator(_id, json_schema_input_type=uuid.UUID)]
Percent = Annotated[int, BeforeValidator(money.parse_percent)]
"""Basis points, typed as a percentage: '50.25' -> 5025."""


def json_body() -> dict[str, Any]:
    """The JSON object of this request. Raises BadRequest with what is wrong."""
    if not request.is_json:
        raise BadRequest("Send a JSON object with Content-Type: application/json.")
    raw = request.get_data(cache=True)
    if _levels(raw) > MOST_LEVELS:
        raise BadRequest(f"The JSON is nested more than {MOST_LEVELS} levels deep.")
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The JSON cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


def form_body() -> dict[str, Any]:
    """The form's fields, trimmed; empty ones count as not sent. Repeated names become lists when they end in []."""
    fields: dict[str, Any] = {}
    for name, values in request.form.lists():
        if name in NOT_FIELDS:
            continue
        if name.endswith("[]"):
            fields[name[:-2]] = [v.strip() for v in values if v.strip()]
        elif values[-1].strip():
            fields[name] = values[-1].strip()
    return fields


def parse(model: type[B], fields: dict[str, Any]) -> B:
    """Raises Invalid with one sentence a field."""
    try:
        return model.model_validate(fields, context={"json": request.is_json})
    except pydantic.ValidationError as error:
        raise Invalid([_field_error(model, e) for e in error.errors()]) from error


def _field_error(model: type[Body], error: Any) -> FieldError:
    name = ".".join(str(part) for part in error["loc"]) or "body"
    context = error.get("ctx") or {}
    sentences = {
        "missing": "This is needed.",
        "extra_forbidden": "This is not a field of this form.",
        "string_too_short": "This is needed.",
        "string_too_long": f"At most {context.get('max_length')} characters.",
        "greater_than_equal": f"At least {context.get('ge')}.",
        "greater_than": f"More than {context.get('gt')}.",
        "less_than_equal": f"At most {context.get('le')}.",
        "enum": f"Choose one of {context.get('expected')}.",
        "literal_error": f"Choose one of {context.get('expected')}.",
        "too_long": f"At most {context.get('max_length')}.",
        "too_short": f"At least {context.get('min_length')}.",
        "string_type": "Enter text.",
        "bool_type": "Say true or false.",
    }
    said = str(context["error"]) if "error" in context else error["msg"]
    return FieldError(name, sentences.get(error["type"], said))


def keyed(render: Callable[[Any], Answer], actor: str | None = None) -> KeyedRequest | None:
    """The request's idempotency key (header, or the hidden field of a form), or None when it has none."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        key = request.form.get("idempotency_key") or None
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or "\x00" in key:
        raise BadRequest("An Idempotency-Key has 1 to 255 characters, none of them NUL.")
    body = request.get_data(cache=True) or repr(sorted(_plain_form())).encode()
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).hexdigest()
    return KeyedRequest(actor or str(current_user.get_id() and current_user.user_id), key, digest, render)


def _plain_form() -> list[tuple[str, str]]:
    return [(k, v) for k, v in request.form.items(multi=True) if k != "csrf_token"]


def _levels(raw: bytes) -> int:
    """How deep the brackets nest, outside of strings; counted before parsing."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in raw:
        if in_string:
            in_string, escaped = not (byte == 0x22 and not escaped), byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("the same name stands twice in one object")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
