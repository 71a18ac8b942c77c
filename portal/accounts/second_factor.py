"""The second factor: an authenticator app (TOTP, RFC 6238) and ten recovery codes.

A time step is accepted once, one step before or after now included; the seed is encrypted, the codes are hashed.
Whatever changes the second factor ends the person's other sessions and gives this one a new id.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pyotp
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.accounts import limits, notices, sessions
from portal.accounts.entry import Admission, failures_noted, note_sign_in, waiting
from portal.accounts.models import User, UserSession
from portal.accounts.service import as_person, lifetime
from portal.accounts.sign_in_models import RecoveryCode, SecondFactor
from portal.audit.context import acting_as
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.crypto import new_token, same, token_hash
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import seal, unseal
from portal.db import db, must_hit, transaction, utcnow
from portal.errors import Conflict, FieldError, Gone, Invalid

ISSUER = "AudiFi"
STEP_SECONDS = 30
DRIFT_STEPS = 1
CODES = 10
CODE_BYTES = 10
SPARE = "recovery code"
WRONG = "This code is wrong or was used before. Wait for the next one and try again."
WRONG_RECOVERY = "This recovery code is wrong or was used before. Each works once: try another of the ten."


# --- turning it on and off --------------------------------------------------------------------------------


def begin(user_id: uuid.UUID, settings: Settings) -> None:
    """Make a seed that waits for its first code; asking again makes another. Raises Conflict when it is on."""
    with transaction() as session:
        user = _off(session, user_id)
        user.two_factor_secret = seal(data_keys(settings), User.two_factor_secret, user_id, pyotp.random_base32())
        values = {"user_id": user_id, "last_step": 0, "confirmed_at": None}
        session.execute(
            insert(SecondFactor).values(values).on_conflict_do_update(index_elements=["user_id"], set_=values)
        )
        _record(session, user, "begin_second_factor")


def address(session: Session, user_id: uuid.UUID, settings: Settings) -> tuple[str, str] | None:
    """(otpauth:// address for the QR, seed for typing) while the first code is awaited, else None."""
    user = session.get_one(User, user_id)
    if user.two_factor_enabled or not user.two_factor_secret:
        return None
    seed = _seed(user, settings)
    return pyotp.TOTP(seed).provisioning_uri(name=user.email, issuer_name=ISSUER), seed


def confirm(user_id: uuid.UUID, session_id: uuid.UUID, code: str, settings: Settings) -> tuple[str, list[str]]:
    """The first code turns it on: (new session token, ten recovery codes, shown once). Raises Invalid, Conflict."""
    with _tries(user_id, settings) as session:
        user = _off(session, user_id)
        if not _step_accepted(session, user, _digits(code), settings):
            raise _wrong(code)
        user.two_factor_enabled = True
        session.execute(sa.update(SecondFactor).where(SecondFactor.user_id == user_id).values(confirmed_at=utcnow()))
        _record(session, user, "second_factor_on", after={"twoFactorEnabled": True})
        notices.notify(session, user_id, "second_factor_on")
        codes = _new_codes(session, user_id)
        sessions.end_others(session, user_id, session_id)
        return sessions.renew(session, session_id), codes


def turn_off(user_id: uuid.UUID, session_id: uuid.UUID) -> str:
    """Off, and its seed and codes gone; returns the session's new token. Raises Conflict when it is off already."""
    with transaction() as session:
        user = _on(session, user_id)
        user.two_factor_enabled, user.two_factor_secret = False, None
        for model in (SecondFactor, RecoveryCode):
            session.execute(sa.delete(model).where(model.user_id == user_id))
        _record(session, user, "second_factor_off", after={"twoFactorEnabled": False})
        notices.notify(session, user_id, "second_factor_off")
        sessions.end_others(session, user_id, session_id)
        return sessions.renew(session, session_id)


def new_codes(user_id: uuid.UUID, session_id: uuid.UUID) -> tuple[str, list[str]]:
    """Ten other recovery codes: (new session token, codes). Raises Conflict when the second factor is off."""
    with transaction() as session:
        user = _on(session, user_id)
        codes = _new_codes(session, user_id)
        _record(session, user, "new_recovery_codes")
        notices.notify(session, user_id, "recovery_codes_new")
        sessions.end_others(session, user_id, session_id)
        return sessions.renew(session, session_id), codes


def codes_left(session: Session, user_id: uuid.UUID) -> int:
    mine = RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    return session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode).where(*mine)) or 0


# --- giving a code ----------------------------------------------------------------------------------------


def finish_sign_in(half: str, code: str, settings: Settings) -> Admission:
    """The code after the first way in: a session with its final token. Raises Gone, Invalid or TooMany."""
    found = waiting(db.session(), half)
    if found is None:
        raise Gone("Signing in took too long. Please start again.")
    session_id, user = found
    with acting_as(as_person(user)), _tries(user.id, settings) as session:
        person = session.get_one(User, user.id)
        way = _accept(session, person, code, settings)
        stays = note_sign_in(session, person, f"{way} as second factor")
        privileged, seconds = lifetime(session, user.id, settings)
        token = new_token()
        result = session.execute(
            sa.update(UserSession)
            .where(UserSession.id == session_id, UserSession.waits_for_code, UserSession.revoked_at.is_(None))
            .values(
                token_hash=token_hash(token),
                waits_for_code=False,
                privileged=privileged,
                expires_at=utcnow() + dt.timedelta(seconds=seconds),
                last_seen_at=sa.func.now(),
                step_up_at=sa.func.now(),
            )
        )
        must_hit(result, Gone("Signing in took too long. Please start again."))
        left = codes_left(session, user.id) if way == SPARE else None
        return Admission(token, complete=True, stays=stays, codes_left=left)


def step_up(user_id: uuid.UUID, session_id: uuid.UUID, code: str, settings: Settings) -> str:
    """A signed-in person proves who they are once more; returns the session's new token. Raises Invalid, TooMany."""
    with _tries(user_id, settings) as session:
        user = _on(session, user_id)
        way = _accept(session, user, code, settings)
        _record(session, user, "step_up", after={"way": way})
        return sessions.renew(session, session_id)


@contextmanager
def _tries(user_id: uuid.UUID, settings: Settings) -> Iterator[Session]:
    """A command whose wrong codes are counted and noted; a right one is given back."""
    counted = limits.code_limits(user_id, settings)
    limits.spend(counted)
    with failures_noted("A second factor was refused"), transaction() as session:
        yield session
        limits.give_back(session, counted)


def _accept(session: Session, user: User, code: str, settings: Settings) -> str:
    """What kind of code it was. Raises Invalid for a wrong one."""
    digits = _digits(code)
    if len(digits) == 6:
        if _step_accepted(session, user, digits, settings):
            return "code"
    elif _recovery_accepted(session, user.id, code):
        left = str(codes_left(session, user.id))
        notices.notify(session, user.id, "recovery_code_used", left=left)
        return SPARE
    raise _wrong(code)


def _step_accepted(session: Session, user: User, digits: str, settings: Settings) -> bool:
    """Compare-and-set of the last accepted step: of twenty requests with one code, one goes through."""
    if not user.two_factor_secret or len(digits) != 6:
        return False
    generator = pyotp.TOTP(_seed(user, settings))
    now = int(time.time()) // STEP_SECONDS
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    matching = [step for step in steps if same(generator.at(step * STEP_SECONDS), digits)]
    result = session.execute(
        sa.update(SecondFactor)
        .where(SecondFactor.user_id == user.id, SecondFactor.last_step < max(matching, default=0))
        .values(last_step=max(matching, default=0))
    )
    return bool(getattr(result, "rowcount", 0))


def _seed(user: User, settings: Settings) -> str:
    return unseal(data_keys(settings), User.two_factor_secret, user.id, user.two_factor_secret or "")


def _recovery_accepted(session: Session, user_id: uuid.UUID, code: str) -> bool:
    result = session.execute(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == token_hash(_plain(code)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=sa.func.now())
    )
    return bool(getattr(result, "rowcount", 0))


def _new_codes(session: Session, user_id: uuid.UUID) -> list[str]:
    """Ten codes of 80 bits each, such as `K3QA-7ZRT-…`; too many bits for a slow hash to be needed."""
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    plain = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=token_hash(code)) for code in plain)
    return ["-".join(re.findall("....", code)) for code in plain]


def _plain(code: str) -> str:
    """As typed from paper: any case, spaces and dashes, and the digits that look like letters."""
    return re.sub(r"[\s-]", "", code).upper().translate(str.maketrans("018", "OIB"))


def _digits(code: str) -> str:
    return re.sub(r"\s", "", code) if re.fullmatch(r"[0-9\s]+", code, re.ASCII) else ""


def _wrong(code: str) -> Invalid:
    """In the words of the kind of code that was typed: it tells nothing that was not typed."""
    return Invalid(FieldError("code", WRONG if len(_plain(code)) <= 8 else WRONG_RECOVERY))


def _on(session: Session, user_id: uuid.UUID) -> User:
    user = session.get_one(User, user_id, with_for_update=True)
    if not user.two_factor_enabled:
        raise Conflict("The second factor is not on.")
    return user


def _off(session: Session, user_id: uuid.UUID) -> User:
    user = session.get_one(User, user_id, with_for_update=True)
    if user.two_factor_enabled:
        raise Conflict("The second factor is on already.")
    return user


def _record(session: Session, user: User, action: str, after: dict[str, object] | None = None) -> None:
    record(session, action, AuditActionCategory.AUTHENTICATION, target=("user", user.id, user.email), after=after)

