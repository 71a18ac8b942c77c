"""AUDIFI_ENV=production: what it refuses to start with, all of it at once, for each process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from portal.app import create_app
from portal.config import ROOT, Settings, SettingsError
from portal.db import role_faults
from portal.embedded.postgres import Postgres

FIT = Settings(
    env="production",
    database_url="postgresql+psycopg://app:x@db.example.org/audifi?sslmode=verify-full",
    worker_database_url="postgresql+psycopg://worker:x@db.example.org/audifi?sslmode=verify-full",
    redis_url="rediss://bus.example.org",
    rpc_url="https://rpc.example.org",
    base_url="https://audifi.example.org",
    secret_key="s" * 43,
    trusted_hosts=("audifi.example.org",),
    smtp_url="smtps://mail.example.org",
    data_keys="k",
    seal_keys="k",
    keystore="/run/keys",
)
UNFIT: dict[str, dict[str, object]] = {
    "AUDIFI_DATABASE_URL is not set": {"database_url": ""},
    "AUDIFI_REDIS_URL is not set": {"redis_url": ""},
    "AUDIFI_RPC_URL is not set": {"rpc_url": ""},
    "AUDIFI_EMBEDDED is set": {"embedded": True},
    "AUDIFI_SECRET_KEY is the default": {"secret_key": Settings().secret_key},
    "AUDIFI_SECRET_KEY is the default or shorter": {"secret_key": "short"},
    "AUDIFI_TRUSTED_HOSTS is not set": {"trusted_hosts": ()},
    "AUDIFI_BASE_URL must be an https": {"base_url": "http://audifi.example.org"},
    "AUDIFI_DATABASE_URL must verify the server": {"database_url": FIT.database_url.replace("verify-full", "require")},
    "AUDIFI_WORKER_DATABASE_URL is not set": {"worker_database_url": ""},
    "AUDIFI_WORKER_DATABASE_URL must verify": {"worker_database_url": "postgresql+psycopg://worker:x@db.example.org/a"},
    "AUDIFI_OWNER_DATABASE_URL must verify": {"owner_database_url": "postgresql+psycopg://owner:x@db.example.org/a"},
    "AUDIFI_SMTP_URL is not set": {"smtp_url": ""},
    "AUDIFI_DATA_KEYS is not set": {"data_keys": ""},
    "AUDIFI_SEAL_KEYS is not set": {"seal_keys": ""},
    "AUDIFI_KEYSTORE is not set": {"keystore": ""},
    "AUDIFI_OUTBOUND_LOOPBACK is set": {"outbound_loopback": True},
}


def test_what_is_fit_has_no_fault() -> None:
    assert FIT.faults() == []


@pytest.mark.parametrize("sentence", UNFIT)
def test_each_fault_is_refused(sentence: str) -> None:
    """Promise 80: each of them alone, and more than the six that were promised."""
    settings = replace(FIT, **UNFIT[sentence])  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=sentence):
        create_app(settings, serving=False)
    assert replace(settings, env="development").faults() == []


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        create_app(Settings(env="production"))
    assert str(refused.value).count("\n- ") >= 10


def test_debug_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promises 72 and 80: a debugger in production would show, and run, whatever a visitor likes."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(SettingsError, match="FLASK_DEBUG"):
        create_app(FIT, serving=False)


def test_another_environment_is_a_typing_mistake() -> None:
    with pytest.raises(SettingsError, match="AUDIFI_ENV is development or production"):
        Settings.from_env({"AUDIFI_ENV": "prod"})


@pytest.fixture
def member(postgres: Postgres, template: str) -> Iterator[str]:
    """The address of a role that owns nothing itself, but is a member of the owner."""
    superuser = postgres.url("postgres", "postgres")
    with psycopg.connect(superuser.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("CREATE ROLE a_member LOGIN PASSWORD 'x' IN ROLE audifi_owner")
        admin.execute("CREATE ROLE a_skipper LOGIN BYPASSRLS PASSWORD 'x' IN ROLE audifi_app")
        head, _, tail = postgres.url("audifi_app").partition("://")
        yield f"{head}://a_member:x@{tail.partition('@')[2]}"
        admin.execute("DROP ROLE a_member, a_skipper")


def test_roles_that_may_serve(postgres: Postgres, template: str) -> None:
    assert role_faults(postgres.url("audifi_app")) == []
    assert role_faults(postgres.url("audifi_worker")) == []


def test_roles_that_may_not(postgres: Postgres, template: str, member: str) -> None:
    """Promise 46: an owner, a member of the owner, a superuser, and one that skips row security."""
    assert "audifi_owner owns tables" in role_faults(postgres.url("audifi_owner"))[0]
    assert "a_member owns tables" in role_faults(member)[0]
    (said,) = role_faults(member.replace("a_member", "a_skipper"))
    assert "a_skipper skips row security" in said
    superuser = " ".join(role_faults(postgres.url("postgres")))
    assert "postgres is a superuser" in superuser
    assert "owns tables" in superuser


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    said = role_faults("postgresql+psycopg://app:hidden@127.0.0.1:9/audifi")
    assert said[0].startswith("The database at 127.0.0.1:9 does not answer")
    assert "hidden" not in said[0]


@pytest.mark.parametrize("command", [["worker"], ["relay"], ["indexer"], ["routes"]])
def test_each_process_refuses(command: list[str], tmp_path: Path) -> None:
    """Promise 80: not only the web."""
    assert "Production does not start like this" in run("-m", "flask", "--app", "wsgi", *command)


def test_the_web_refuses() -> None:
    assert "Production does not start like this" in run("-c", "import wsgi")


def run(*arguments: str) -> str:
    """What a process of an unfit production says before it ends with an error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUDIFI_")}
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment | {"AUDIFI_ENV": "production"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode != 0
    return ended.stdout + ended.stderr


def test_the_owner_migrates(postgres: Postgres, template: str) -> None:
    """Promise 46: `flask db` is the one command that may own the tables; serving with that role is refused."""
    owner = replace(FIT, database_url=postgres.url("audifi_owner") + "&sslmode=verify-full")
    assert create_app(owner, serving=False)
    with pytest.raises(SettingsError, match="owns tables"):
        create_app(owner)
