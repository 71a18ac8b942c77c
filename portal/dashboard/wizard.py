"""The launch in six steps, each with an address of its own: what a step reads, saves and shows.

A step saves through the commands that the API has, with what the other steps hold unchanged. A form says which state
of its own step it was filled from (`mark`); another tab's work on another step is no conflict.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.config import Settings
from portal.dashboard import master_form
from portal.db import utcnow
from portal.errors import Conflict, FieldError, Invalid
from portal.files.store import UNCHANGED, Change
from portal.idempotency import KeyedRequest
from portal.masters import forms, service
from portal.masters.models import Master
from portal.masters.terms import must_lie_ahead
from portal.money import format_bps
from portal.web.bodies import parse

DETAILS = ("title", "description", "genre", "masterType", "isrc")
TERMS = (
    "totalSupply", "mintPrice", "currency", "holdersPercent", "royaltyPercent", "firstPercent", "secondPercent",
    "thirdPercent", "personCap", "allowSecondaryResale",
)  # fmt: skip
TIMES = ("scheduledStartAt", "scheduledEndAt")
FIELDS: dict[str, tuple[str, ...]] = {"track": DETAILS, "people": (), "offer": TERMS, "schedule": TIMES}
MOST_PARTNERS = 10
SPARE_LINES = 2
LINE = re.compile(r"(name|role|percent)([0-9])", re.ASCII)
DEFAULTS = {
    "masterType": "track",
    "totalSupply": "1000",
    "currency": "USDC",
    "holdersPercent": "50.00",
    "royaltyPercent": "10.00",
    "firstPercent": "3",
    "secondPercent": "2",
    "thirdPercent": "1",
    "allowSecondaryResale": "on",
}


@dataclass(frozen=True)
class Step:
    """`side` and `number` as a record has them: A1 to A3, B1 to B3."""

    key: str
    place: str
    title: str
    lede: str


STEPS = (
    Step("track", "A1", "Track and art", "What the recording is called and what people see of it."),
    Step("people", "A2", "People and splits", "Who shares in the income with you, out of your own part."),
    Step("offer", "A3", "Offer", "How many shares, at what price, and how much of the income they carry."),
    Step("schedule", "B1", "Schedule", "When the sale starts and when it ends, at the latest."),
    Step("legal", "B2", "Legal and wallet", "That the recording is yours to share, and where the money goes."),
    Step("review", "B3", "Review and launch", "Everything once more. After the launch it is final."),
)
KEYS = tuple(step.key for step in STEPS)
EDITED = ("track", "people", "offer", "schedule")


class Elsewhere(Conflict):
    """This step was changed in another tab or by somebody else."""

    title = "This step was changed in another tab"


def step_of(key: str) -> Step:
    return STEPS[KEYS.index(key)]


def beside(key: str, by: int) -> str:
    """The key of the step before (-1) or after (1)."""
    return KEYS[min(max(KEYS.index(key) + by, 0), len(KEYS) - 1)]


# --- what stands ------------------------------------------------------------------------------------------


def values(master: Master, key: str) -> dict[str, str]:
    """A step's fields as they would have to be typed; defaults where nothing stands yet."""
    if key == "people":
        return _partner_fields(master)
    typed = master_form.typed(master)
    if key == "offer" and master.ipo is None:
        typed = DEFAULTS | typed
    return {name: typed.get(name, "") for name in FIELDS.get(key, ())}


def mark(master: Master, key: str) -> str:
    """Which state of this step a form was filled from."""
    told = json.dumps([values(master, key), master.cover_image_ipfs_hash if key == "track" else None])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _partner_fields(master: Master) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, one in enumerate(service.partners_of(master)):
        fields |= {f"name{number}": one.name, f"role{number}": one.role, f"percent{number}": format_bps(one.bps)}
    return fields


def partner_lines(fields: Mapping[str, str]) -> int:
    """How many lines the partners' form has: those that are filled and some empty ones."""
    used = [int(found[2]) + 1 for name in fields if fields[name] and (found := LINE.fullmatch(name))]
    return min(max(used, default=0) + SPARE_LINES, MOST_PARTNERS)


# --- saving -----------------------------------------------------------------------------------------------


def save(
    user_id: uuid.UUID,
    master: Master,
    key: str,
    fields: dict[str, Any],
    settings: Settings,
    *,
    seen: str | None,
    keyed: KeyedRequest | None = None,
    cover: Change = UNCHANGED,
) -> Master:
    """Save one step's `fields`. Raises Invalid, or Elsewhere where the step is not the one that was `seen`.

    A form whose words stand already is no conflict: its own page may have saved them a moment ago.
    """
    stands = values(master, key)
    if seen is not None and seen != mark(master, key) and _meant(fields) != _meant(stands):
        raise Elsewhere("This step was changed in another tab. Your own words are below; saving replaces the others.")
    edition = service.edition(master)
    if key == "people":
        partners = [line.partner() for line in _partners(fields)]
        return service.set_partners(user_id, master.id, partners, settings, keyed, edition)
    if key == "track":
        form = parse(forms.Recording, fields)
        details = replace(form.details(), mood_tags=tuple(master.mood_tags or ()), duration=master.duration)
        return service.edit_draft(user_id, master.id, details, None, settings, keyed, edition, cover)
    whole = {name: text for name, text in master_form.typed(master).items() if text and name not in FIELDS[key]}
    offer = parse(forms.NewMaster, forms.typed_fields(whole | fields))
    details, terms = service.details_of(master), offer.terms()
    if key == "schedule" and terms is not None:
        must_lie_ahead(terms.starts_at, terms.ends_at, utcnow())
    return service.edit_draft(user_id, master.id, details, terms, settings, keyed, edition)


def _meant(fields: Mapping[str, str]) -> dict[str, str]:
    """What is filled in, numbers by their value: 15 is 15.00."""
    return {name: _number(text) for name, text in fields.items() if text}


def _number(text: str) -> str:
    try:
        return str(Decimal(text.replace(",", "")).normalize())
    except InvalidOperation:
        return text


def _partners(fields: Mapping[str, str]) -> list[forms.NewPartner]:
    """Lines of which something is filled in. Raises Invalid with the names that the page uses."""
    lines: dict[int, dict[str, str]] = {}
    errors: list[FieldError] = []
    for name, text in fields.items():
        found = LINE.fullmatch(name)
        if found is None:
            errors.append(FieldError(name, "This is not a field of this form."))
        else:
            lines.setdefault(int(found[2]), {})[found[1]] = text
    partners = []
    for number, line in sorted(lines.items()):
        try:
            partners.append(parse(forms.NewPartner, dict(line)))
        except Invalid as error:
            errors += [FieldError(f"{wrong.field}{number}", wrong.message) for wrong in error.errors]
    if errors:
        raise Invalid(errors)
    return partners


# --- how far it has come ----------------------------------------------------------------------------------


def done(master: Master, *, wallet: bool) -> set[str]:
    """The steps that need nothing more."""
    offer = master.ipo is not None
    finished = {"track"} | ({"people", "offer", "schedule"} if offer else set())
    finished |= {"people"} if master.collaborators else set()
    return finished | ({"legal"} if master.rights_confirmed_at is not None and wallet else set())


def next_step(master: Master, *, wallet: bool) -> Step:
    """Where to go on with a draft."""
    finished = done(master, wallet=wallet)
    return next((step for step in STEPS if step.key not in finished), STEPS[-1])
