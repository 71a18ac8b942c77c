"""Words for the types of answers: what a TypedDict of a shape says here stands in the OpenAPI document.

A shape returns a TypedDict, a view returns the shape: mypy holds the code to it, `openapi` writes it down, and the
tests hold every answer against the document.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Generic, NotRequired, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from portal.web import cursors

T = TypeVar("T")

Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="UTC, with Z")]
Units = Annotated[str, Field(pattern="^[0-9]{1,78}$", description="amount in the currency's smallest unit")]
SignedUnits = Annotated[str, Field(pattern="^-?[0-9]{1,78}$", description="amount in the currency's smallest unit")]
DecimalText = Annotated[str, Field(pattern="^-?[0-9]+([.][0-9]+)?$", description="decimal number as text")]
Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
Hash = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{64}$")]
Calldata = Annotated[str, Field(pattern="^0x([0-9a-fA-F]{2})*$")]


NO_NUL = r"^[^\u0000]*$"
Asked = Annotated[str, Field(pattern=NO_NUL)]
"""Text in a query."""


def one_of(enum: type[StrEnum]) -> Any:
    """Metadata for `Annotated[str, one_of(Enum)]`: the text is one of the enumeration's values."""
    return Field(json_schema_extra={"enum": [member.value for member in enum]})


class Cursor(TypedDict):
    """Where the list goes on; null at its end."""

    next: str | None


class Page(TypedDict, Generic[T]):
    """A part of a list. It stays right while rows are added."""

    data: list[T]
    page: Cursor


class Paging(TypedDict, total=False):
    """The query of a list."""

    limit: Annotated[int, Field(ge=1, le=cursors.MOST, json_schema_extra={"default": cursors.DEFAULT_LIMIT})]
    after: Annotated[str, Field(pattern=NO_NUL, description="`page.next` of the part before")]


class FieldProblem(TypedDict):
    field: str
    message: str


class BareProblem(TypedDict):

    type: str
    title: str
    status: int
    detail: str
    instance: str
    requestId: str | None


class Problem(BareProblem):
    """RFC 9457, version 2's error; `errors` where there is more than one thing to say."""

    errors: NotRequired[list[FieldProblem]]


class InvalidProblem(BareProblem):
    """Some fields of the body are wrong: which, and why."""

    errors: list[FieldProblem]


class LegacyErrorBody(TypedDict):
    code: str
    message: str


class LegacyError(TypedDict):
    """Version 1's error."""

    error: LegacyErrorBody
