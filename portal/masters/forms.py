"""A new master and its IPO, from the form or from a JSON body of either version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from portal import money
from portal.errors import FieldError, Invalid
from portal.masters.enums import MasterType
from portal.masters.terms import MasterDetails, OfferTerms, Partner
from portal.web.bodies import Body, Moment, Percent, Switch, Text, Whole, like, member

_ISRC = re.compile(r"[A-Za-z]{2}-?[A-Za-z0-9]{3}-?[0-9]{2}-?[0-9]{5}", re.ASCII)
_PRICE = re.compile(r"0{0,6}[1-9][0-9]{0,70}", re.ASCII)
MOST_SUPPLY = 1_000_000


def _isrc(value: str) -> str:
    if not _ISRC.fullmatch(value):
        raise ValueError("An ISRC has 12 characters, such as GBAYE0601498.")
    return value.replace("-", "").upper()


def _units(value: object) -> object:
    """An amount in smallest units travels as a string of digits: more than 0, less than 10**71."""
    if not isinstance(value, str) or not _PRICE.fullmatch(value):
        raise ValueError("Send the amount in smallest units, more than 0, as a string of digits.")
    return int(value)


def _currency(value: str) -> str:
    if value not in {"ETH", "USDC"}:
        raise ValueError("Choose ETH or USDC.")
    return value


Price = Annotated[int, BeforeValidator(_units, json_schema_input_type=Annotated[str, like(_PRICE.pattern)])]
"""10**71 for each of 1,000,000 shares is still below 2**256."""
Bps = Annotated[Whole, Field(ge=0, le=money.BPS)]


class NewIpo(Body):
    """The offer. The platform's part is set by the platform and the artist's is what remains: neither is a field."""

    total_supply: Annotated[Whole, Field(ge=1, le=MOST_SUPPLY)]
    mint_price: Price
    currency: Annotated[str, AfterValidator(_currency), like("ETH|USDC")] = "USDC"
    revenue_share_nft_holders_bps: Bps = 5000
    secondary_royalty_bps: Bps = 1000
    first_minter_bonus_bps: Bps = 300
    second_minter_bonus_bps: Bps = 200
    third_minter_bonus_bps: Bps = 100
    allow_secondary_resale: Switch = True
    person_cap: Annotated[Whole, Field(ge=1, le=MOST_SUPPLY)] | None = None
    scheduled_start_at: Moment | None = None
    scheduled_end_at: Moment | None = None

    def terms(self) -> OfferTerms:
        return OfferTerms(
            total_supply=self.total_supply,
            mint_price=self.mint_price,
            currency=self.currency,
            holders_bps=self.revenue_share_nft_holders_bps,
            royalty_bps=self.secondary_royalty_bps,
            minter_bonus_bps=(
                self.first_minter_bonus_bps,
                self.second_minter_bonus_bps,
                self.third_minter_bonus_bps,
            ),
            allow_resale=self.allow_secondary_resale,
            person_cap=self.person_cap,
            starts_at=self.scheduled_start_at,
            ends_at=self.scheduled_end_at,
        )


class Recording(Body):
    """What a master is, without its offer."""

    title: Annotated[Text, Field(min_length=1, max_length=255)]
    description: Annotated[Text, Field(max_length=10_000)] | None = None
    genre: Annotated[Text, Field(max_length=100)] | None = None
    master_type: Annotated[MasterType, member(MasterType)] = MasterType.TRACK
    isrc: Annotated[str, AfterValidator(_isrc), like(_ISRC.pattern)] | None = None
    mood_tags: Annotated[list[Annotated[Text, Field(max_length=40)]], Field(max_length=5)] = Field(default_factory=list)

    def details(self) -> MasterDetails:
        return MasterDetails(
            title=self.title,
            description=self.description,
            genre=self.genre,
            master_type=self.master_type,
            isrc=self.isrc,
            mood_tags=tuple(self.mood_tags),
        )


class NewMaster(Recording):
    ipo: NewIpo | None = None

    def terms(self) -> OfferTerms | None:
        return self.ipo.terms() if self.ipo else None


class MasterChanges(Recording):
    """What is sent is changed; what is not stays as it is."""

    title: Annotated[Text, Field(min_length=1, max_length=255)] = ""

    def changed(self, held: MasterDetails) -> MasterDetails:
        changes: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "mood_tags" in changes:
            changes["mood_tags"] = tuple(self.mood_tags)
        return replace(held, **changes)


class LegacyMaster(Body):
    """Version 1's words: a master is a `track`, its offer `nftData`."""

    track: Recording
    nft_data: NewIpo | None = None

    def details(self) -> MasterDetails:
        return self.track.details()

    def terms(self) -> OfferTerms | None:
        return self.nft_data.terms() if self.nft_data else None


OFFER = {
    "totalSupply",
    "currency",
    "firstMinterBonusBps",
    "secondMinterBonusBps",
    "thirdMinterBonusBps",
    "personCap",
    "scheduledStartAt",
    "scheduledEndAt",
}


def typed_fields(form: Mapping[str, Any]) -> dict[str, Any]:
    """The page's flat fields as API fields: '25.00' USDC -> smallest units, '50' percent -> basis points.

    Raises Invalid with the names that the page uses (`mintPrice`, `holdersPercent`, `royaltyPercent`).
    """
    fields = dict(form)
    offer = {name: fields.pop(name) for name in OFFER if name in fields}
    errors: list[FieldError] = []
    decimals = money.CURRENCIES.get(str(offer.get("currency", "USDC")), money.CURRENCIES["USDC"]).decimals
    readers: list[tuple[str, str, Any]] = [
        ("mintPrice", "mintPrice", lambda text: str(money.parse_units(text, decimals))),
        ("holdersPercent", "revenueShareNftHoldersBps", money.parse_percent),
        ("royaltyPercent", "secondaryRoyaltyBps", money.parse_percent),
        ("firstPercent", "firstMinterBonusBps", money.parse_percent),
        ("secondPercent", "secondMinterBonusBps", money.parse_percent),
        ("thirdPercent", "thirdMinterBonusBps", money.parse_percent),
    ]
    for name, target, read in readers:
        if name in fields:
            try:
                offer[target] = read(fields.pop(name))
            except ValueError as error:
                errors.append(FieldError(name, str(error)))
    if errors:
        raise Invalid(errors)
    offer["allowSecondaryResale"] = fields.pop("allowSecondaryResale", "false")
    return {**fields, "ipo": offer}


class NewPartner(Body):
    """A line of the partners' form."""

    name: Annotated[Text, Field(min_length=1, max_length=150)]
    role: Annotated[Text, Field(min_length=1, max_length=100)]
    percent: Percent

    def partner(self) -> Partner:
        return Partner(self.name, self.role, self.percent)


class MintIntent(Body):
    wallet: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
    quantity: Annotated[Whole, Field(ge=1, le=10)]
    terms_version: Annotated[Text, Field(max_length=50)] | None = None
