"""Messages of Sign-In with Ethereum, read strictly by the grammar of EIP-4361 and held against what was asked for.

The grammar's building blocks are those of RFC 3986 (URIs) and RFC 3339 (times). Nothing here signs or recovers.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from eth_utils.address import is_checksum_address, to_checksum_address

LONGEST = 4000
SKEW = dt.timedelta(seconds=60)
LIFETIME = dt.timedelta(minutes=10)
STATEMENT = "Sign this to prove that the wallet is yours. It costs nothing and moves nothing."

_PCT = "%[0-9A-Fa-f]{2}"
_UNRESERVED = r"A-Za-z0-9\-._~"
_SUB = r"!$&'()*+,;="
_PCHAR = rf"(?:[{_UNRESERVED}{_SUB}:@]|{_PCT})"
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*"
_HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|(?:[{_UNRESERVED}{_SUB}]|{_PCT})+)"
_AUTHORITY = rf"(?:(?:[{_UNRESERVED}{_SUB}:]|{_PCT})*@)?{_HOST}(?::[0-9]*)?"
_PATH = rf"(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
_TAIL = rf"(?:{_PCHAR}|[/?])*"
_URI = rf"{_SCHEME}:{_PATH}(?:\?{_TAIL})?(?:#{_TAIL})?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
_RESERVED = r":/?#\[\]@" + _SUB

_MESSAGE = re.compile(
    rf"(?:(?P<scheme>{_SCHEME})://)?(?P<domain>{_AUTHORITY}) wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n"
    r"\n"
    rf"(?:(?P<statement>[{_RESERVED}{_UNRESERVED} ]*)\n)?"
    r"\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: 1\n"
    r"Chain ID: (?P<chain_id>[0-9]{1,20})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,})\n"
    rf"Issued At: (?P<issued_at>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_TIME}))?"
    rf"(?:\nNot Before: (?P<not_before>{_TIME}))?"
    rf"(?:\nRequest ID: (?P<request_id>{_PCHAR}*))?"
    rf"(?:\nResources:(?P<resources>(?:\n- {_URI})*))?"
)


class NotSiwe(ValueError):
    """The text is no message of EIP-4361, or not the one that was asked for; says why."""


@dataclass(frozen=True)
class Message:
    """One message; `address` in EIP-55 form, times with their zone."""

    domain: str
    address: str
    uri: str
    chain_id: int
    nonce: str
    issued_at: dt.datetime
    expiration_time: dt.datetime | None = None
    not_before: dt.datetime | None = None
    statement: str | None = None
    scheme: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What the portal asked somebody to sign: `origin` is `scheme://host[:port]`, `address` lower-case."""

    origin: str
    address: str
    chain_id: int
    nonce: str

    @property
    def uri(self) -> str:
        return f"{self.origin}/login"


def parse(text: str) -> Message:
    """Raises NotSiwe for anything that the grammar does not make."""
    found = _MESSAGE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise NotSiwe("This is no sign-in message of EIP-4361.")
    if not is_checksum_address(found["address"]):
        raise NotSiwe("The address is not spelled as EIP-55 says.")
    return Message(
        domain=found["domain"],
        address=found["address"],
        uri=found["uri"],
        chain_id=int(found["chain_id"]),
        nonce=found["nonce"],
        issued_at=_moment(found["issued_at"]),
        expiration_time=_moment(found["expiration_time"]) if found["expiration_time"] else None,
        not_before=_moment(found["not_before"]) if found["not_before"] else None,
        statement=found["statement"],
        scheme=found["scheme"],
        request_id=found["request_id"],
        resources=tuple(line[2:] for line in (found["resources"] or "").split("\n") if line),
    )


def write(asked: Asked, now: dt.datetime) -> str:
    """The text to sign, valid for `LIFETIME` from `now`."""
    scheme, _, domain = asked.origin.partition("://")
    lines = [
        f"{scheme}://{domain} wants you to sign in with your Ethereum account:",
        to_checksum_address(asked.address),
        "",
        STATEMENT,
        "",
        f"URI: {asked.uri}",
        "Version: 1",
        f"Chain ID: {asked.chain_id}",
        f"Nonce: {asked.nonce}",
        f"Issued At: {_text(now)}",
        f"Expiration Time: {_text(now + LIFETIME)}",
    ]
    return "\n".join(lines)


def check(message: Message, asked: Asked, now: dt.datetime) -> None:
    """Raises NotSiwe when the message is not the one that was asked for, or not valid now."""
    scheme, _, domain = asked.origin.partition("://")
    faults = {
        "It is for another site.": message.domain != domain or message.scheme not in {None, scheme},
        "It is for another address of this site.": message.uri != asked.uri,
        "It is for another chain.": message.chain_id != asked.chain_id,
        "It was not asked for, or was used before.": message.nonce != asked.nonce,
        "It is for another wallet.": message.address.lower() != asked.address,
        "It comes from the future.": message.issued_at > now + SKEW,
        "It is too old.": message.issued_at < now - LIFETIME - SKEW,
        "It says no end, or one too far away.": message.expiration_time is None
        or message.expiration_time > message.issued_at + LIFETIME,
        "It has run out.": message.expiration_time is not None and message.expiration_time <= now,
        "It is not valid yet.": message.not_before is not None and message.not_before > now + SKEW,
    }
    for fault, there in faults.items():
        if there:
            raise NotSiwe(fault)


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise NotSiwe("A time in the message does not exist.") from error


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
