"""Who sends an example that schemathesis drew, and about what: mostly somebody who may, about a thing that is there.

Drawn from the document alone, an example would meet 401 and 404 and prove nothing. So a valid one gets the ids of the
world of `tests.access`, and at times a body that is known to be carried out (`tests.access.table`). Whatever a request
changed is undone before the next.
"""

from __future__ import annotations

import json
import random
import uuid
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from pydantic.alias_generators import to_camel
from schemathesis import Case
from werkzeug.test import TestResponse

from portal.db import db
from portal.vstudio import decisions
from portal.web import openapi
from tests.access.people import KINDS, World, artist_of
from tests.access.table import LINES, WHO, YES, Line
from tests.vstudio import studio

RULES = {
    "A negative amount corrects an earlier one: say in the notes which.",
    "A rate comes with its source and its day.",
    "A slider has a lowest and a highest value; nothing else has.",
    "At most 90 % can go to holders.",
    "Choose a time that is still to come.",
    "Choose one of the options.",
    "Give two to ten options.",
    "It is a tie: choose one of the tied options.",
    "Leave the options out, or give two.",
    "List at least one wallet's address.",
    "Prices are compared in one currency: say which.",
    "Royalty, first buyers' parts and fee are over 100 %.",
    "The highest value must be above the lowest.",
    "The period must end after it starts.",
    "The room must end after it starts.",
    "The sale must end after it starts.",
    "The vote has decided; only a tie leaves a choice.",
    "This end is over already: nobody could buy.",
    "This kind of decision has no options.",
    "This wallet is not linked to you.",
    "This wallet is not linked to your account.",
    "Two options have the same id.",
    "Two options have the same label.",
    "Voting must end after it starts.",
}
"""Why a body that the document allows may still be 422: rules between fields, the clock, what else there is."""

ROOM, DECISION = "/api/v2/vstudio/<uuid:session_id>", "/api/v2/vstudio/decisions/<uuid:decision_id>"
MORE = (
    (f"{ROOM}/lock", "other", {"session_id": "settled"}, ""),
    (f"{ROOM}/start", "owner", {"session_id": "planned"}, ""),
    (f"{DECISION}/reveal", "host", {"decision_id": "shut"}, ""),
    (f"{DECISION}/finalize", "host", {"decision_id": "shut"}, '{"winner": "a"}'),
)
"""What the table only shows refused, where it is carried out."""


@dataclass
class Asking:
    """A world that answers examples, and how often each operation answered with which status."""

    world: World
    ids: dict[str, str]
    lines: dict[str, list[Line]]
    seen: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def ask(self, case: Case) -> TestResponse:
        """Send one example. All that is chosen here hangs on the example alone, so that it can be replayed."""
        dice = random.Random(zlib.crc32(repr(case).encode("utf-8", "replace")))
        lines = self.lines[case.operation.label]
        line = dice.choice([line for line in lines if able(line)] or lines)
        line = line if dice.random() < 0.9 else dice.choice(lines)
        kind = dice.choice((able(line) or KINDS) if dice.random() < 0.8 else KINDS)
        if positive(case):
            self._make_real(case, line, dice)
        sent = case.as_transport_kwargs()
        answer = self.world.ask(kind, sent.pop("method"), sent.pop("path"), echoes=True, **sent)
        if case.method == case.operation.method.upper():
            self.seen[case.operation.label][answer.status_code] += 1
        return answer

    def _make_real(self, case: Case, line: Line, dice: random.Random) -> None:
        if case.path_parameters and dice.random() < 0.95:
            case.path_parameters = self._arguments(line)
        case.query.pop("after", None)  # a cursor is the portal's own word: nobody makes one up
        if not isinstance(case.body, dict):
            return
        known = json.loads(line.sent(self.ids).get("data", "{}"))
        if known and dice.random() < 0.5:
            case.body = known if dice.random() < 0.5 else case.body | known
        case.body = whole(case.body)

    def _arguments(self, line: Line) -> dict[str, str]:
        _, arguments = self.world.app.url_map.bind("").match(line.path(self.ids).partition("?")[0], line.method)
        return {to_camel(name): str(value) for name, value in arguments.items()}


def build(world: World) -> Asking:
    """The world with a room to lock, one to start, and a decision to reveal."""
    session = db.session()
    held = studio.room(session, artist_of(world, session, "other"))
    done = studio.poll(held)
    decisions.close_decision(held.owner_id, done.id)
    decisions.reveal_decision(held.owner_id, done.id)
    decisions.finalize_decision(held.owner_id, done.id, "a")
    planned = studio.room(session, artist_of(world, session, "owner"), live=False)
    host = studio.Held(uuid.UUID(world.ids["room"]), world.people["host"], artist_of(world, session, "host").id)
    shut = studio.poll(host, label="And the last one?")
    decisions.close_decision(host.owner_id, shut.id)
    ids = world.ids | {"settled": str(held.id), "planned": str(planned.id), "shut": str(shut.id)}
    return Asking(world, ids | {"slug": "ines-okoro-vale", "hash": "0x" + "0" * 64}, _lines(world.app))


def _lines(app: Flask) -> dict[str, list[Line]]:
    """The table's lines by the operation's name in the document."""
    paths = {rule.rule: openapi.path_of(rule) for rule in app.url_map.iter_rules()}
    more = [Line("POST", rule, who, frozenset(), things, "", body) for rule, who, things, body in MORE]
    found: dict[str, list[Line]] = defaultdict(list)
    for line in (*LINES, *more):
        if line.rule.startswith("/api/v"):
            found[f"{line.method} {paths[line.rule]}"].append(line)
    return found


def able(line: Line) -> list[str]:
    """The kinds of people who may."""
    return [kind for kind, outcome in WHO.get(line.who, {line.who: YES}).items() if outcome == YES]


def positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def unruly(case: Case, answer: TestResponse) -> set[str]:
    """Why an example that the document allows was 422, beside the rules that no schema can state (version 2 says)."""
    if answer.status_code != 422 or not positive(case) or "errors" not in answer.json:
        return set()
    return {error["message"] for error in answer.json["errors"]} - RULES


def whole(value: Any) -> Any:
    """5.0 -> 5: one number to JSON Schema, but the portal takes no fraction where it counts (promise 5)."""
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    if isinstance(value, list):
        return [whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
