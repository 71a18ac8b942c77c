"""Pages of V Studio: the lobby, the fan's room, results, and the artist's rooms. Everything works as a plain form."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.db import db
from portal.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from portal.files.places import Place
from portal.files.receiving import received, with_lost
from portal.idempotency import Answer
from portal.masters import queries as master_queries
from portal.vstudio import (
    decisions,
    forms,
    queries,
    room_page,
    rooms,
    service,
    studio_page,
    wording,
)
from portal.vstudio.models import VstudioSession
from portal.vstudio.queries import Voter
from portal.vstudio.visitors import voter
from portal.web.access import anyone, role, signed_in
from portal.web.bodies import form_body, keyed, parse
from portal.web.pages import Pages, answer, see
from portal.web.uploads import takes_pictures

pages = Pages("vstudio", __name__)
ARTIST = role("artist")


# --- the lobby --------------------------------------------------------------------------------------------


@pages.get("/vstudio", access=anyone)
def lobby() -> Response:
    return _lobby("", None)


@pages.post("/vstudio", access=anyone)
def join_by_code() -> Response:
    """The code on the artist's screen leads to the room."""
    typed = request.form.get("code", "")[:40]
    code = "".join(c for c in typed.upper() if c.isascii() and c.isalnum())
    found = queries.by_code(db.session(), code) if code else None
    if found is None:
        return _lobby(typed, "No live room has this code. It is on the artist's screen.", 422)
    return see(f"/vstudio/{found}")


def _lobby(code: str, error: str | None, status: int = 200) -> Response:
    session = db.session()
    return answer(
        "vstudio/lobby.html",
        status,
        live=[wording.card(room, wording.votes(room.total_votes)) for room in queries.live_now(session)],
        soon=[wording.card(room) for room in queries.soon(session)],
        past=[wording.card(room, wording.decided(room)) for room in queries.past(session)],
        code=code,
        code_error=error,
    )


# --- the fan's room ---------------------------------------------------------------------------------------


@pages.get("/vstudio/<uuid:session_id>", access=anyone, endpoint="room")
def room(session_id: uuid.UUID) -> Response:
    return _room(session_id, _id(request.args.get("decision")))


@pages.post("/vstudio/<uuid:session_id>", access=anyone)
def vote(session_id: uuid.UUID) -> Response:
    """The vote of the page's form. A refusal shows the room as it is now, and why."""
    here = f"/vstudio/{session_id}"
    wanted = _id(request.form.get("decisionId"))
    if wanted is not None and not _belongs(session_id, wanted):
        raise NotFound
    try:
        form = parse(forms.PageVote, form_body())
        who = _voter(_visible(session_id))
        actor = str(who.user_id or who.anonymous_id)
        cast = service.cast_vote(who, form.decision_id, form.choice(), keyed(_to(here), actor))
    except Invalid as error:
        return _room(session_id, wanted, error.errors[0].message, 422)
    except (Conflict, Forbidden) as error:
        return _room(session_id, wanted, error.detail, error.status)
    flash("Your vote was changed." if cast.changed else "Your vote is in.", "success")
    return see(here)


@pages.get("/vstudio/<uuid:session_id>/results", access=anyone)
def results(session_id: uuid.UUID) -> Response:
    """All of it for the owner; for everybody else what was revealed."""
    found = _visible(session_id)
    owner = found.artist.user_id == current_user.user_id
    return answer("vstudio/results.html", **studio_page.results(db.session(), found, owner=owner))


def _room(session_id: uuid.UUID, wanted: uuid.UUID | None, error: str | None = None, status: int = 200) -> Response:
    found = _visible(session_id)
    values = room_page.page(db.session(), found, _voter(found), wanted, error)
    return answer("vstudio/room.html", status, **values)


def _visible(session_id: uuid.UUID) -> VstudioSession:
    found = queries.visible(db.session(), session_id, current_user.user_id)
    if found is None:
        raise NotFound
    return found


def _voter(found: VstudioSession) -> Voter:
    """Visitors get an id in their cookie only where the room takes their votes."""
    return voter() if current_user.is_authenticated or found.allow_anonymous else Voter()


def _belongs(session_id: uuid.UUID, decision_id: uuid.UUID) -> bool:
    return any(decision.id == decision_id for decision in _visible(session_id).decision_points)


def _id(text: str | None) -> uuid.UUID | None:
    """An id from the address or a hidden field; anything else counts as not sent."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


# --- the artist's rooms -----------------------------------------------------------------------------------


@pages.get("/studio/vstudio", access=ARTIST)
def own_rooms() -> Response:
    return answer("vstudio/rooms.html", **studio_page.listed(db.session(), _artist()))


@pages.get("/studio/rooms/new", access=ARTIST, endpoint="new_room")
def new_room() -> Response:
    return _new_room({"isPublic": "true", "type": "poll", "eligibilityRule": "authenticated"}, [], [])


@pages.post("/studio/rooms/new", access=ARTIST)
@takes_pictures
def create_room() -> Response:
    """A room with its first decision, in one go."""
    try:
        form, sent = received(lambda fields: parse(forms.NewRoom, forms.room_fields(fields)), Place.ROOM)
        wanted = [decision.details() for decision in form.decisions]
        then = keyed(lambda made: _redirect(f"/studio/rooms/{made.id}"))
        made = rooms.create_room(
            current_user.user_id, form.master_id, form.details(), wanted, then, sent[Place.ROOM]
        )
    except Invalid as error:
        return _new_room(request.form, _options(), _flat(with_lost(error)), error.status)
    except Forbidden as error:
        said = [FieldError("", error.detail)]
        return _new_room(request.form, _options(), said, error.status)
    flash("The room is a draft: nobody sees it until you start it.", "success")
    return see(f"/studio/rooms/{made.id}")


def _options() -> list[str]:
    """The options as typed, without the empty ones."""
    return [text for text in request.form.getlist("options[]") if text.strip()]


def _new_room(values: Mapping[str, Any], options: list[str], errors: list[FieldError], status: int = 200) -> Response:
    artist = _artist()
    masters = master_queries.of_artist(db.session(), artist.id, public_only=False)
    return answer(
        "vstudio/new.html",
        status,
        artist=wording.studio_artist(artist),
        masters=[(str(master.id), master.title) for master in masters],
        kinds=[(kind.value, text) for kind, text in wording.KINDS.items()],
        rules=[(rule.value, text) for rule, text in wording.RULES.items() if rule.value != "whitelist"],
        values=values,
        options=options,
        errors=errors,
    )


@pages.get("/studio/rooms/<uuid:session_id>", access=signed_in, endpoint="control")
def control(session_id: uuid.UUID) -> Response:
    wanted = request.args.get("decision")
    return _control(session_id, wanted=_id(wanted), adding=wanted == "new")


@pages.post("/studio/rooms/<uuid:session_id>", access=signed_in)
@takes_pictures
def act(session_id: uuid.UUID) -> Response:
    """One button of the control room: `action` says which. A refusal shows how things stand now."""
    if queries.owned(db.session(), session_id, current_user.user_id) is None:
        raise NotFound
    fields = form_body()
    action, wanted = str(fields.pop("action", "")), _id(request.form.get("decisionId"))
    here = f"/studio/rooms/{session_id}" + (f"?decision={wanted}" if wanted else "")
    try:
        if action not in COMMANDS:
            raise Invalid(FieldError("action", "This button does not exist."))
        said = COMMANDS[action](session_id, fields, _to(here))
    except Invalid as error:
        return _control(session_id, _flat(error.errors), error.status, wanted, adding=action == "add")
    except (Conflict, Forbidden) as error:
        return _control(session_id, [FieldError("", error.detail)], error.status, wanted, adding=action == "add")
    flash(said, "success")
    return see(here)


def _control(
    session_id: uuid.UUID,
    errors: list[FieldError] | None = None,
    status: int = 200,
    wanted: uuid.UUID | None = None,
    *,
    adding: bool = False,
) -> Response:
    """The control room with one decision at hand; what a refused form held stands in its fields."""
    found = queries.owned(db.session(), session_id, current_user.user_id)
    if found is None:
        raise NotFound
    shown = studio_page.control(db.session(), found, wanted, adding)
    return answer(
        "vstudio/control.html", status, **shown, errors=errors or [], values=request.form, options=_options()
    )


Fields = dict[str, Any]
Then = Callable[[Any], Answer]


def _move(command: Callable[..., VstudioSession], said: str) -> Callable[[uuid.UUID, Fields, Then], str]:
    def carry_out(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
        parse(forms.Nothing, fields)
        command(current_user.user_id, session_id, keyed(then))
        return said

    return carry_out


def _schedule(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    form = parse(forms.Schedule, fields)
    times = (form.scheduled_start_at, form.scheduled_end_at)
    rooms.schedule(current_user.user_id, session_id, *times, keyed(then))
    return "The room is announced in the lobby."


def _add(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    form = parse(forms.NewDecision, forms.decision_fields(fields))
    decisions.add_decision(current_user.user_id, session_id, form.details(), keyed(then))
    return "The decision is on the run sheet."


def _open(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    decision, rest = _decision(session_id, fields)
    decisions.open_decision(current_user.user_id, decision, parse(forms.Open, rest).minutes, keyed(then))
    return "Voting is open."


def _close(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    decision, rest = _decision(session_id, fields)
    parse(forms.Nothing, rest)
    decisions.close_decision(current_user.user_id, decision, keyed(then))
    return "Voting is closed. Only you see how it split."


def _reveal(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    decision, rest = _decision(session_id, fields)
    parse(forms.Nothing, rest)
    decisions.reveal_decision(current_user.user_id, decision, keyed(then))
    return "Everybody sees the result now."


def _finalize(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    decision, rest = _decision(session_id, fields)
    winner = parse(forms.Finalize, rest).winner
    decisions.finalize_decision(current_user.user_id, decision, winner, keyed(then))
    return "Decided."


def _cover(session_id: uuid.UUID, fields: Fields, then: Then) -> str:
    _nothing, sent = received(lambda more: parse(forms.Nothing, {k: v for k, v in more.items() if k != "action"}),
                              Place.ROOM)  # fmt: skip
    rooms.set_cover(current_user.user_id, session_id, sent[Place.ROOM], keyed(then))
    return "Saved."


COMMANDS: dict[str, Callable[[uuid.UUID, Fields, Then], str]] = {
    "schedule": _schedule,
    "start": _move(rooms.start, "The room is live."),
    "lock": _move(rooms.lock, "The decisions are the master's now."),
    "complete": _move(rooms.complete, "The room is over."),
    "cancel": _move(rooms.cancel, "The room was called off."),
    "add": _add,
    "cover": _cover,
    "open": _open,
    "close": _close,
    "reveal": _reveal,
    "finalize": _finalize,
}


def _decision(session_id: uuid.UUID, fields: Fields) -> tuple[uuid.UUID, Fields]:
    """The decision that the button names, of this room, and the other fields."""
    rest = dict(fields)
    decision_id = _id(str(rest.pop("decisionId", "")))
    if decision_id is None or not _belongs(session_id, decision_id):
        raise NotFound
    return decision_id, rest


def _artist() -> Artist:
    artist = artist_queries.of_user(db.session(), current_user.user_id)
    if artist is None:
        raise Forbidden("Only artists have rooms. Become one first: it takes a name.")
    return artist


def _to(here: str) -> Then:
    """What the same form answers when it is sent twice: the same redirect."""
    return lambda _result: _redirect(here)


def _redirect(here: str) -> Answer:
    return 303, {"location": here}


def _flat(errors: list[FieldError]) -> list[FieldError]:
    """'decisions.0.options.1.label' -> 'options': the names of the page's own fields."""
    return [FieldError(_field(error.field), error.message) for error in errors]


def _field(name: str) -> str:
    parts = [part for part in name.split(".") if not part.isdigit() and part != "decisions"]
    if not parts:
        return ""
    return "requiredNftCount" if parts[0] == "eligibilityConfig" else parts[0]
