"""Rooms, decisions and votes, from a form or a JSON body."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from portal.errors import FieldError, Invalid
from portal.vstudio.decisions import DecisionDetails
from portal.vstudio.enums import DecisionPointType as Kind
from portal.vstudio.enums import EligibilityRule
from portal.vstudio.rooms import RoomDetails
from portal.vstudio.rules import MOST_TEXT, Choice
from portal.web.bodies import Body, Id, Moment, Switch, Text, Whole, like, member, typed

MOST_MINUTES = 7 * 24 * 60
MOST_LISTED = 1000
FAR = 1_000_000
_WEIGHT = re.compile(r"(?![0.]+$)[0-9]{1,3}(\.[0-9]{1,2})?", re.ASCII)
_SIGNED = re.compile(r"-?[0-9]{1,7}", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
_OPTION_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_BALANCE = re.compile(r"[0-9]{1,77}", re.ASCII)
_PATH = re.compile(r"(?!.*[.][.])/[A-Za-z0-9][A-Za-z0-9/._-]{0,300}", re.ASCII)


def _weight(value: object) -> object:
    """A factor such as '2' or '1.5': more than 0, at most 999.99."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _WEIGHT.fullmatch(text):
        raise ValueError("Enter a factor such as 1.5, as text.")
    return Decimal(text)


def _signed(value: object, info: ValidationInfo) -> object:
    """A whole number that may be below zero, typed or sent as a number."""
    if isinstance(value, str) and typed(value, info) and _SIGNED.fullmatch(value):
        return int(value)
    if type(value) is not int:
        raise ValueError("Enter a whole number.")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value.lower()):
        raise ValueError("A wallet's address is 0x and 40 characters.")
    return value.lower()


def _balance(value: object) -> object:
    """Coins in smallest units travel as a string of digits."""
    if not isinstance(value, str) or not _BALANCE.fullmatch(value):
        raise ValueError("Send the balance in smallest units as a string of digits.")
    return str(int(value))


def _option_id(value: str) -> str:
    if not _OPTION_ID.fullmatch(value):
        raise ValueError("An option's id is made of a-z, 0-9, - and _.")
    return value


def _own_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("Give a path on this site, such as /media/a.mp3.")
    return value


_Factor = Annotated[str, like(_WEIGHT.pattern)] | Annotated[int, Field(ge=1, le=999)]
Weight = Annotated[Decimal, BeforeValidator(_weight, json_schema_input_type=_Factor)]
Signed = Annotated[int, BeforeValidator(_signed, json_schema_input_type=int), Field(ge=-FAR, le=FAR)]
Address = Annotated[str, AfterValidator(_address), like("0x[0-9a-fA-F]{40}")]
Line = Annotated[Text, Field(min_length=1, max_length=255)]
Story = Annotated[Text, Field(max_length=10_000)]


class Vote(Body):
    """Exactly one of the four, the one that the decision's kind takes."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    option_selected: Annotated[Text, Field(max_length=100)] | None = None
    slider_value: Signed | None = None
    ranking_order: Annotated[list[Annotated[Text, Field(max_length=100)]], Field(max_length=10)] | None = None
    text_response: Annotated[Text, Field(max_length=MOST_TEXT)] | None = None

    def choice(self) -> Choice:
        return Choice(
            option_selected=self.option_selected,
            slider_value=self.slider_value,
            ranking_order=tuple(self.ranking_order) if self.ranking_order is not None else None,
            text_response=self.text_response,
        )


class PageVote(Vote):
    """The vote of the room's form, which names its decision."""

    decision_id: Id


class Option(Body):
    label: Line
    id: Annotated[str, AfterValidator(_option_id), like(_OPTION_ID.pattern)] | None = None
    image_url: Annotated[str, AfterValidator(_own_path), like(_PATH.pattern)] | None = None
    audio_url: Annotated[str, AfterValidator(_own_path), like(_PATH.pattern)] | None = None
    description: Annotated[Text, Field(max_length=255)] | None = None

    def stored(self, place: int) -> dict[str, Any]:
        """`{id, label, imageUrl?, audioUrl?, metadata?}`; an option without an id gets a letter."""
        extra = {
            "imageUrl": self.image_url,
            "audioUrl": self.audio_url,
            "metadata": {"description": self.description} if self.description else None,
        }
        named = {"id": self.id or chr(ord("a") + place), "label": self.label}
        return named | {name: value for name, value in extra.items() if value is not None}


class Config(Body):
    min_token_balance: (
        Annotated[str, BeforeValidator(_balance, json_schema_input_type=Annotated[str, like(_BALANCE.pattern)])] | None
    ) = None
    required_nft_count: Annotated[Whole, Field(ge=1, le=FAR)] | None = None
    whitelist_addresses: Annotated[list[Address], Field(max_length=MOST_LISTED)] | None = None


class SliderLabels(Body):
    min: Line | None = None
    mid: Line | None = None
    max: Line | None = None


class NewDecision(Body):
    label: Line
    type: Annotated[Kind, member(Kind)] = Kind.POLL
    description: Story | None = None
    options: Annotated[list[Option], Field(max_length=10, default_factory=list)]
    eligibility_rule: Annotated[EligibilityRule, member(EligibilityRule)] = EligibilityRule.AUTHENTICATED
    eligibility_config: Config = Config()
    nft_holder_weight: Weight = Decimal(1)
    superfan_weight_multiplier: Weight = Decimal(1)
    slider_min: Signed | None = None
    slider_max: Signed | None = None
    slider_step: Annotated[Whole, Field(ge=1, le=FAR)] | None = None
    slider_labels: SliderLabels | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        self._check_options()
        if (self.type is Kind.SLIDER) != (self.slider_min is not None and self.slider_max is not None):
            raise Invalid(FieldError("sliderMin", "A slider has a lowest and a highest value; nothing else has."))
        if self.type is Kind.SLIDER and (self.slider_min or 0) >= (self.slider_max or 0):
            raise Invalid(FieldError("sliderMax", "The highest value must be above the lowest."))
        if self.eligibility_rule is EligibilityRule.WHITELIST and not self.eligibility_config.whitelist_addresses:
            raise Invalid(FieldError("eligibilityConfig", "List at least one wallet's address."))
        if self.start_time and self.end_time and self.end_time <= self.start_time:
            raise Invalid(FieldError("endTime", "Voting must end after it starts."))
        return self

    def _check_options(self) -> None:
        least, most = {Kind.POLL: (2, 10), Kind.RANKING: (2, 10), Kind.BINARY: (0, 2)}.get(self.type, (0, 0))
        count = len(self.options)
        if not least <= count <= most or (self.type is Kind.BINARY and count == 1):
            said = "Give two to ten options." if most == 10 else "Leave the options out, or give two."
            raise Invalid(FieldError("options", said if most else "This kind of decision has no options."))
        stored = [option.stored(place) for place, option in enumerate(self.options)]
        for name in ("id", "label"):
            if len({option[name].casefold() for option in stored}) != count:
                raise Invalid(FieldError("options", f"Two options have the same {name}."))

    def details(self) -> DecisionDetails:
        options = self.options
        if self.type is Kind.BINARY and not options:
            options = [Option(id="yes", label="Yes"), Option(id="no", label="No")]
        slider = None
        if self.slider_min is not None and self.slider_max is not None:
            slider = (self.slider_min, self.slider_max, self.slider_step or 1)
        return DecisionDetails(
            label=self.label,
            type=self.type,
            options=tuple(option.stored(place) for place, option in enumerate(options)),
            description=self.description,
            rule=self.eligibility_rule,
            config=self.eligibility_config.model_dump(by_alias=True, exclude_none=True),
            nft_holder_weight=self.nft_holder_weight,
            superfan_weight_multiplier=self.superfan_weight_multiplier,
            slider=slider,
            slider_labels=self.slider_labels.model_dump(exclude_none=True) if self.slider_labels else None,
            starts_at=self.start_time,
            ends_at=self.end_time,
        )


class NewRoom(Body):
    master_id: Id
    title: Line
    description: Story | None = None
    session_type: Annotated[Text, Field(max_length=50)] | None = None
    is_public: Switch = True
    allow_anonymous: Switch = False
    max_participants: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
    scheduled_start_at: Moment | None = None
    scheduled_end_at: Moment | None = None
    decisions: Annotated[list[NewDecision], Field(max_length=50, default_factory=list)]

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.scheduled_start_at and self.scheduled_end_at and self.scheduled_end_at <= self.scheduled_start_at:
            raise Invalid(FieldError("scheduledEndAt", "The room must end after it starts."))
        return self

    def details(self) -> RoomDetails:
        return RoomDetails(
            title=self.title,
            description=self.description,
            session_type=self.session_type,
            is_public=self.is_public,
            allow_anonymous=self.allow_anonymous,
            max_participants=self.max_participants,
            starts_at=self.scheduled_start_at,
            ends_at=self.scheduled_end_at,
        )


class Schedule(Body):
    scheduled_start_at: Moment
    scheduled_end_at: Moment | None = None


class Open(Body):
    """How long a decision stays open; without it, until somebody closes it."""

    minutes: Annotated[Whole, Field(ge=1, le=MOST_MINUTES)] | None = None


class Finalize(Body):
    """The tied option that the artist chooses; only a tie leaves a choice."""

    winner: Annotated[Text, Field(max_length=100)] | None = None


class Nothing(Body):
    """A command without fields."""


OF_DECISION = {
    "label",
    "type",
    "options",
    "eligibilityRule",
    "nftHolderWeight",
    "superfanWeightMultiplier",
    "sliderMin",
    "sliderMax",
    "sliderStep",
    "requiredNftCount",
}
SLIDER = {"sliderMin", "sliderMax", "sliderStep"}
WITH_OPTIONS = {Kind.POLL.value, Kind.RANKING.value}


def room_fields(form: dict[str, Any]) -> dict[str, Any]:
    """The page's flat fields as API fields: the room and its first decision."""
    fields = {name: value for name, value in form.items() if name not in OF_DECISION}
    fields.setdefault("isPublic", "false")
    return {**fields, "decisions": [decision_fields({n: v for n, v in form.items() if n in OF_DECISION})]}


def decision_fields(form: dict[str, Any]) -> dict[str, Any]:
    """The page's decision as API fields. It shows the fields of all kinds; those of other kinds are left out."""
    fields = dict(form)
    kind = fields.get("type", Kind.POLL.value)
    options = fields.pop("options", [])
    if kind in WITH_OPTIONS or (kind == Kind.BINARY.value and options):
        fields["options"] = [{"label": label} for label in options] if isinstance(options, list) else options
    if kind != Kind.SLIDER.value:
        fields = {name: value for name, value in fields.items() if name not in SLIDER}
    if "requiredNftCount" in fields:
        fields["eligibilityConfig"] = {"requiredNftCount": fields.pop("requiredNftCount")}
    return fields
