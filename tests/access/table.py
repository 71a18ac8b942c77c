"""Who may do what: `table.txt` names every address, by hand, from the specification and the rules, never from the code.

A line there: method, rule, who, the status that they get, and where needed the thing asked for (`master_id=draft`) and
after `<-` the body that is sent: `{…}` is JSON, `a=b` a form. A rule `/api/v1+v2/…` is in both versions, with the
same outcome. `{name}` in a body is the id of that thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.access.people import KINDS

IN, NO, NONE, YES = "signs in", "refused", "not there", "yes"


def _who(yes: str, otherwise: str = NO, none: str = "") -> dict[str, str]:
    """`yes` may; `none` are told that there is nothing; the others are refused; who is nobody signs in first."""
    outcome = dict.fromkeys(KINDS, otherwise)
    outcome |= {"anonymous": IN, "suspended": IN}
    return outcome | dict.fromkeys(none.split(), NONE) | dict.fromkeys(yes.split(), YES)


WHO: dict[str, dict[str, str]] = {
    "anyone": dict.fromkeys(KINDS, YES),
    "nobody": dict.fromkeys(KINDS, NONE),
    "person": _who("", YES),
    "person-none": _who("", NONE),
    "owner": _who("owner", NONE),
    "host": _who("host", NONE),
    "owner-public": dict.fromkeys(KINDS, NONE) | {"owner": YES},
    "host-public": dict.fromkeys(KINDS, NONE) | {"host": YES},
    "artist": _who("owner other host"),
    "artist-owner": _who("owner", none="other host"),
    "books": _who("owner finance admin", NONE),
    "finance": _who("finance admin"),
    "admin": _who("admin"),
    "security": _who("security admin"),
    "staff": _who("finance security admin"),
}

TABLE = (Path(__file__).parent / "table.txt").read_text()

JUST_CONFIRMED = """
POST   /me/security
POST   /me/security/authenticator
POST   /me/security/authenticator/off
POST   /me/security/authenticator/start
POST   /me/security/codes
POST   /me/security/ways/<uuid:way_id>/contact
POST   /me/security/ways/<uuid:way_id>/remove
POST   /me/wallets/<uuid:wallet_id>/primary
POST   /me/wallets/<uuid:wallet_id>/unlink
POST   /me/wallets/link
POST   /me/wallets/link/sign
POST   /login/with/<provider>
POST   /admin/revenue/<uuid:event_id>
POST   /admin/revenue/<uuid:event_id>/<any(dispute, reject, retry):act>
POST   /admin/users/<uuid:user_id>/<any(suspend, reactivate):act>
POST   /admin/users/<uuid:user_id>/roles
POST   /admin/users/<uuid:user_id>/roles/<name>/revoke
POST   /admin/users/<uuid:user_id>/permissions
POST   /admin/users/<uuid:user_id>/permissions/<name>/revoke
POST   /me/data/delete
POST   /me/data/exports
POST   /api/v1/masters/<uuid:master_id>/revenue-events
POST   /api/v2/masters/<uuid:master_id>/revenue-events
POST   /api/v2/revenue-events/<uuid:event_id>/verify
POST   /api/v2/revenue-events/<uuid:event_id>/dispute
POST   /api/v2/revenue-events/<uuid:event_id>/reject
POST   /api/v2/revenue-events/<uuid:event_id>/retry
"""
"""Whoever proved who they are long ago is asked again here, and nowhere else. Staff alone are asked by the API, where
what they do moves money: an owner's own revenue is pending, finance's is paid out."""

THINGS = {
    "master_id": "live",
    "session_id": "room",
    "decision_id": "decision",
    "event_id": "event",
    "nft_id": "nft",
    "order_id": "stranger",
    "coin_id": "coin",
    "way_id": "way",
    "wallet_id": "wallet",
    "owner_id": "owner",
    "slug": "slug",
    "name": "readable",
    "tx_hash": "hash",
    "token": "token",
    "provider": "provider",
    "digest": "digest",
    "path": "file",
    "version": "version",
    "number": "number",
    "user_id": "clerk",
    "record_id": "record",
    "alert_id": "alert",
    "job_id": "job",
    "hook_id": "hook",
    "export_id": "stranger",
}
"""What is asked for where the line does not say."""


@dataclass(frozen=True)
class Line:
    """One question: `things` names what its placeholders stand for."""

    method: str
    rule: str
    who: str
    statuses: frozenset[int]
    things: dict[str, str]
    query: str
    body: str

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.rule

    def path(self, ids: dict[str, str]) -> str:
        def fill(found: re.Match[str]) -> str:
            kind, name = found[1] or "", found[2]
            if kind.startswith("any"):
                return kind[4:-1].split(",")[0].strip()
            return ids[self.things.get(name, THINGS.get(name, name))]

        return re.sub(r"<(?:([^<>]+):)?([^<>:]+)>", fill, self.rule) + self.query

    def sent(self, ids: dict[str, str]) -> dict[str, str]:
        body = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], self.body)
        if not body:
            return {}
        kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
        return {"data": body, "content_type": kind}


LINE = re.compile(
    r"(?P<method>[A-Z]+)\s+(?P<rule>/(?:<[^>]*>|\S)*)\s+(?P<who>[a-z-]+)\s+(?P<statuses>[\d|]+)"
    r"(?:\s+(?P<thing>\w+=\w+))?(?:\s+(?P<query>\?\S+))?(?:\s+<- (?P<body>.+))?"
)


def _lines() -> list[Line]:
    found = []
    for text in filter(None, TABLE.splitlines()):
        match = LINE.fullmatch(text.strip())
        assert match, f"cannot be read: {text}"
        given = match.groupdict()
        things = dict([given["thing"].split("=")]) if given["thing"] else {}
        statuses = frozenset(int(status) for status in given["statuses"].split("|"))
        rest = given["who"], statuses, things, given["query"] or "", given["body"] or ""
        found += [Line(given["method"], rule, *rest) for rule in _versions(given["rule"])]
    return found


def _versions(rule: str) -> list[str]:
    return [rule.replace("v1+v2", version) for version in ("v1", "v2")] if "v1+v2" in rule else [rule]


LINES = _lines()
CONFIRMED = {tuple(line.split(maxsplit=1)) for line in JUST_CONFIRMED.split("\n") if line}

ROOMS = """
master:live        anyone
master:draft       owner-public
artist:artist      anyone
nft:nft            anyone
vstudio:room       anyone
vstudio:sketch     host-public
user:owner         owner
job:stranger       person-none
marketplace        anyone
admin              staff
"""
"""Who may listen where, by the kind of room and the thing it is about; a kind that is not named does not exist."""
EVENTS = {"connect", "disconnect", "join", "leave"}
"""All that a socket may say."""
