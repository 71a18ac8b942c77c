"""Encrypted columns, their keys, and changing the keys while the portal runs."""

from __future__ import annotations

import base64
import os
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account, IdentityProvider, User
from portal.app import create_app
from portal.audit import rotation
from portal.config import ROOT, Settings
from portal.crypto import keyring
from portal.crypto.keyring import KeyFault, Keyring
from portal.crypto.rotation import sealed_columns
from portal.crypto.sealed import key_name, seal, unseal
from portal.db import db
from portal.embedded.postgres import Postgres
from portal.subscriptions.models import PaymentProvider
from tests.factories import person

KEYS = Keyring({"old": b"o" * 32})
NEWER = KEYS.led_by("new", b"n" * 32)
COLUMNS = [
    "accounts.access_token",
    "accounts.refresh_token",
    "identity_providers.client_secret",
    "payment_providers.config_json",
    "payment_providers.webhook_secret",
    "users.two_factor_secret",
]
CANARY = "canary-JBSWY3DPEHPK3PXP"


@pytest.fixture
def keyed(live_app: Flask) -> Settings:
    settings: Settings = live_app.config["SETTINGS"]
    return settings


def plant(session: Session, keys: Keyring, people: int = 1) -> list[uuid.UUID]:
    """A value in each of the six columns, and `people` with a second factor."""
    users = [person(session) for _ in range(people)]
    for user in users:
        user.two_factor_secret = seal(keys, User.two_factor_secret, user.id, CANARY)
    account = session.scalars(sa.select(Account).where(Account.user_id == users[0].id)).one()
    account.access_token = seal(keys, Account.access_token, account.id, CANARY)
    account.refresh_token = seal(keys, Account.refresh_token, account.id, CANARY)
    idp, payer = uuid.uuid4(), uuid.uuid4()
    secret = seal(keys, IdentityProvider.client_secret, idp, CANARY)
    session.add(IdentityProvider(id=idp, name="Some", provider="google", client_secret=secret))
    session.add(
        PaymentProvider(
            id=payer,
            name="Some",
            provider_type="stripe",
            webhook_secret=seal(keys, PaymentProvider.webhook_secret, payer, CANARY),
            config_json=seal(keys, PaymentProvider.config_json, payer, CANARY),
        )
    )
    session.commit()
    return [user.id for user in users]


# --- one value --------------------------------------------------------------------------------------------


def test_the_six_columns_of_the_specification_are_sealed() -> None:
    """Promise 76: the specification's list, and no column less."""
    assert [str(column) for column in sealed_columns()] == COLUMNS


def test_a_value_comes_back_and_never_looks_the_same_twice() -> None:
    row = uuid.uuid4()
    first, second = (seal(KEYS, User.two_factor_secret, row, "seed é") for _ in range(2))
    assert first != second
    assert unseal(KEYS, User.two_factor_secret, row, first) == "seed é"
    assert len(first) < 255


def test_a_value_opens_only_in_its_own_place() -> None:
    """Promise 76: the sealed text is bound to its column and row."""
    row = uuid.uuid4()
    sealed = seal(KEYS, Account.access_token, row, "token")
    for column, place in ((Account.access_token, uuid.uuid4()), (Account.refresh_token, row)):
        with pytest.raises(KeyFault, match="does not open"):
            unseal(KEYS, column, place, sealed)


def test_a_changed_value_a_wrong_key_or_a_missing_key_fails_closed() -> None:
    """Promise 77: never plain text, never another value."""
    row = uuid.uuid4()
    sealed = seal(KEYS, Account.access_token, row, "token")
    body = bytearray(base64.urlsafe_b64decode(sealed.split(".")[2]))
    body[-1] ^= 1
    changed = f"gcm1.old.{base64.urlsafe_b64encode(body).decode()}"
    cases = [(KEYS, changed), (Keyring({"old": b"x" * 32}), sealed), (Keyring({"new": b"o" * 32}), sealed)]
    for keys, stored in [*cases, (KEYS, "plain"), (KEYS, "gcm1.old.AAAA")]:
        with pytest.raises(KeyFault):
            unseal(keys, Account.access_token, row, stored)


def test_no_plaintext_gets_into_a_sealed_column(session: Session) -> None:
    """Promise 76: the column takes sealed text alone."""
    user = person(session)
    user.two_factor_secret = CANARY
    with pytest.raises(sa.exc.StatementError, match="sealed text only") as caught:
        session.flush()
    session.rollback()
    assert isinstance(caught.value.orig, TypeError)


# --- keys -------------------------------------------------------------------------------------------------


def test_generated_keys_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    made = keyring.data_keys(settings)
    path = tmp_path / "secrets" / "data_keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.data_keys(settings) == made == Keyring.parse(path.read_text())
    assert [file.name for file in path.parent.iterdir()] == ["data_keys"]
    assert keyring.seal_keys(settings) != made


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(NEWER.text())
    by_file = Settings(data_keys=f"file:{tmp_path / 'keys'}")
    by_name = Settings(data_keys=NEWER.text().replace("\n", ", "))
    assert keyring.data_keys(by_file) == keyring.data_keys(by_name) == NEWER
    assert NEWER.current == "new"


@pytest.mark.parametrize("text", ["", "a:short", "a", "A B:" + "A" * 43 + "=", KEYS.text() * 2, "a:" + "%" * 44])
def test_a_bad_list_of_keys_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(KeyFault) as caught:
        Keyring.parse(text)
    assert len(text) < 10 or text[-20:] not in str(caught.value)


def test_a_missing_file_of_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="cannot be read"):
        keyring.data_keys(Settings(data_keys=f"file:{tmp_path / 'none'}"))


def test_production_refuses_generated_keys() -> None:
    named = [fault for fault in Settings(env="production").faults() if "_KEYS is not set" in fault]
    assert len(named) == 2


# --- rotation ---------------------------------------------------------------------------------------------


def test_rotation_ends_with_the_old_key_gone(keyed: Settings, session: Session) -> None:
    """Promise 77: all values under the new key, the old one removed, and everything opens."""
    old = keyring.data_keys(keyed)
    users = plant(session, old, people=3)
    name = rotation.add_key(keyed)
    assert rotation.counts() == {old.current: 8}
    with pytest.raises(KeyFault, match="values are still under"):
        rotation.drop_key(keyed, old.current)
    assert rotation.rotate(keyed) == 8
    assert rotation.rotate(keyed) == 0
    rotation.drop_key(keyed, old.current)
    keys = keyring.data_keys(keyed)
    assert list(keys.keys) == [name]
    stored = session.scalars(sa.select(User.two_factor_secret).where(User.id.in_(users))).all()
    opened = {unseal(keys, User.two_factor_secret, user, value) for user, value in zip(users, _by(users), strict=True)}
    assert opened == {CANARY}
    assert {key_name(value) for value in stored if value} == {name}
    actions = session.scalars(sa.text("SELECT action FROM audit_logs WHERE action LIKE '%data_key%'")).all()
    assert {"add_data_key", "rotate_data_keys", "drop_data_key"} == set(actions)


def _by(users: list[uuid.UUID]) -> Iterator[str]:
    for user in users:
        yield str(db.session.scalar(sa.select(User.two_factor_secret).where(User.id == user)))


def test_the_key_that_writes_stays(keyed: Settings) -> None:
    with pytest.raises(KeyFault, match="make a new one first"):
        rotation.drop_key(keyed, keyring.data_keys(keyed).current)


def test_a_value_that_does_not_open_stops_the_rotation(keyed: Settings, session: Session) -> None:
    plant(session, KEYS)
    with pytest.raises(KeyFault, match="no key called 'old'"):
        rotation.rotate(keyed)
    session.rollback()
    assert rotation.counts() == {"old": 6}


def flask(settings: Settings, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as an operator runs it."""
    environment = {
        "PATH": os.environ["PATH"],
        "AUDIFI_DATABASE_URL": settings.database_url,
        "AUDIFI_WORKER_DATABASE_URL": settings.worker_database_url,
        "AUDIFI_DATA_DIR": str(settings.data_dir),
        "AUDIFI_REDIS_URL": settings.redis_url,
        **({"AUDIFI_FAULT": fault} if fault else {}),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.walk
@pytest.mark.parametrize("fault", [pytest.param("keys.rotate.between", marks=pytest.mark.slow), "keys.rotate.within"])
def test_a_killed_rotation_is_taken_up_again(keyed: Settings, session: Session, fault: str) -> None:
    """Promise 77: kill -9 between and within batches; the next run does the rest."""
    old = keyring.data_keys(keyed)
    plant(session, old, people=rotation.BATCH + 5)
    name = flask(keyed, "keys", "new").stdout.split()[0]
    assert flask(keyed, "keys", "rotate", fault=fault).returncode == -signal.SIGKILL
    used = rotation.counts()
    assert used[old.current] + used[name] == rotation.BATCH + 10
    assert used[name] == (1 if fault.endswith("between") else 0)
    rest = flask(keyed, "keys", "rotate")
    assert rest.stdout == f"{used[old.current]} values sealed anew\n"
    assert rotation.counts() == {name: rotation.BATCH + 10}
    assert flask(keyed, "keys", "drop", old.current).returncode == 0
    assert flask(keyed, "keys", "list").stdout == f"{name}  {rotation.BATCH + 10} values\n"


def test_a_refused_command_says_why(keyed: Settings) -> None:
    refused = flask(keyed, "keys", "drop", "nobody")
    assert refused.returncode == 1
    assert "There is no key called 'nobody'" in refused.stderr


def test_values_are_written_and_read_while_the_keys_change(keyed: Settings, session: Session) -> None:
    """Promise 77: live: new values under the new key, old ones still open."""
    old = keyring.data_keys(keyed)
    (user,) = plant(session, old)
    rotation.add_key(keyed)
    fresh = seal(keyring.data_keys(keyed), User.two_factor_secret, user, "fresh")
    before = next(_by([user]))
    assert unseal(keyring.data_keys(keyed), User.two_factor_secret, user, before) == CANARY
    session.execute(sa.update(User).where(User.id == user).values(two_factor_secret=fresh))
    session.commit()
    rotation.rotate(keyed)
    assert next(_by([user])) == fresh


# --- what leaves the portal -------------------------------------------------------------------------------


def test_no_dump_holds_a_secret(keyed: Settings, session: Session, postgres: Postgres) -> None:
    """Promise 76: neither a dump of every table nor the write-ahead log, after a rotation too."""
    plant(session, keyring.data_keys(keyed))
    rotation.add_key(keyed)
    rotation.rotate(keyed)
    dump = b""
    with psycopg.connect(keyed.owner_database_url.replace("+psycopg", "")) as connection:
        every = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        tables = connection.execute(every).fetchall()
        assert len(tables) > 50
        for (table,) in tables:
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:  # type: ignore[arg-type]
                dump += b"".join(bytes(part) for part in copy)
    assert b"gcm1." in dump
    assert CANARY.encode() not in dump
    assert base64.b64encode(CANARY.encode()).rstrip(b"=") not in dump
    ahead = b"".join(file.read_bytes() for file in (postgres.folder / "pg_wal").iterdir() if file.is_file())
    assert b"gcm1." in ahead
    assert CANARY.encode() not in ahead


def test_a_new_secret_key_keeps_sessions(live_app: Flask, session: Session, sign_in: Any, client: Any) -> None:
    """Promise 80: with the old key as a fallback sessions go on; without it they are over."""
    sign_in(client, person(session))
    cookie = client.get_cookie(live_app.config["SESSION_COOKIE_NAME"])
    settings: Settings = live_app.config["SETTINGS"]
    kept = replace(settings, secret_key="another" * 5, secret_key_fallbacks=(settings.secret_key,))
    for changed, status in ((kept, 200), (replace(kept, secret_key_fallbacks=()), 401)):
        app = create_app(changed)
        other = app.test_client()
        other.set_cookie(cookie.key, cookie.value)
        assert other.get("/api/v2/me").status_code == status
        with app.app_context():
            db.engine.dispose()


# --- constant time ----------------------------------------------------------------------------------------
