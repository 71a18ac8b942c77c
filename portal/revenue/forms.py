"""What people send about revenue, from the form or from a JSON body of either version."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from portal.revenue.enums import RevenueSourceType
from portal.revenue.rules import DEPOSITED_AS, Rate, RevenueData
from portal.web.bodies import Body, Day, Id, Moment, Text, like, member

_AMOUNT = re.compile(r"(?!-?[0.]+$)-?[0-9]{1,15}(\.[0-9]{1,8})?", re.ASCII)
_RATE = re.compile(r"(?![0.]+$)[0-9]{1,10}(\.[0-9]{1,12})?", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def _decimal(pattern: re.Pattern[str], example: str) -> BeforeValidator:
    """A decimal typed as text: ASCII digits and one point, so that no float and no 1_000 slips in; not 0."""

    def read(value: object) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"Enter a plain number in quotes that is not 0, such as {example}.")
        return Decimal(value)

    return BeforeValidator(read, json_schema_input_type=Annotated[str, like(pattern.pattern)])


def _currency(value: str) -> str:
    if value not in DEPOSITED_AS:
        raise ValueError(f"Choose one of {', '.join(DEPOSITED_AS)}.")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("Enter a wallet's address: 0x and 40 hexadecimal digits.")
    return value.lower()


class NewRevenue(Body):
    """One amount from one source. A correction is a new, negative amount and says in its notes what it corrects."""

    source_type: Annotated[RevenueSourceType, member(RevenueSourceType)]
    source_name: Annotated[Text, Field(max_length=200)] | None = None
    external_reference: Annotated[Text, Field(min_length=1, max_length=255)] | None = None
    amount: Annotated[Decimal, _decimal(_AMOUNT, "1318.42")]
    currency: Annotated[str, AfterValidator(_currency), like("|".join(DEPOSITED_AS))]
    period_start: Moment | None = None
    period_end: Moment | None = None
    notes: Annotated[Text, Field(max_length=10_000)] | None = None

    @model_validator(mode="after")
    def _period(self) -> Self:
        if self.period_start and self.period_end and self.period_end < self.period_start:
            raise ValueError("The period must end after it starts.")
        return self

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.amount < 0 and not self.notes:
            raise ValueError("A negative amount corrects an earlier one: say in the notes which.")
        return self

    def data(self) -> RevenueData:
        return RevenueData(**dict(self))


class Verification(Body):
    """The receipt that finance has seen; for a currency without a standing rate, the rate with source and day."""

    receipt: Annotated[Text, Field(min_length=1, max_length=255)]
    rate: Annotated[Decimal, _decimal(_RATE, "1.0836")] | None = None
    rate_source: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    rate_day: Day | None = None

    @model_validator(mode="after")
    def _whole_rate(self) -> Self:
        given = [part is not None for part in (self.rate, self.rate_source, self.rate_day)]
        if any(given) and not all(given):
            raise ValueError("A rate comes with its source and its day.")
        return self

    def given_rate(self) -> Rate | None:
        if self.rate is None or self.rate_source is None or self.rate_day is None:
            return None
        return Rate(self.rate, self.rate_source, self.rate_day)


class Reason(Body):
    reason: Annotated[Text, Field(min_length=1, max_length=1000)]


class ClaimRequest(Body):
    """Which wallet fetches what; no masters named means all of them."""

    wallet: Annotated[str, AfterValidator(_address), like(_ADDRESS.pattern)]
    master_ids: Annotated[list[Id], Field(max_length=100)] | None = None
