"""A server that the environment names is tried first; what is wrong is said, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import main

CLOSED = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("AUDIFI_DATA_DIR", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("AUDIFI_DATABASE_URL", f"postgresql+psycopg://me:hidden@{CLOSED}/audifi", "onnection refused"),
        ("AUDIFI_DATABASE_URL", "mysql://me:hidden@localhost/audifi", "expected postgresql"),
        ("AUDIFI_REDIS_URL", f"redis://:hidden@{CLOSED}/0", "onnection refused"),
        ("AUDIFI_REDIS_URL", "memcached://:hidden@localhost", "must specify"),
        ("AUDIFI_RPC_URL", f"http://me:hidden@{CLOSED}/v3/hidden", "onnection refused"),
        ("AUDIFI_RPC_URL", "localhost:8545", "expected http"),
    ],
)
def test_an_unreachable_server_is_named(
    name: str, url: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, url)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert name in said
    assert words in said
    assert "unset, the embedded" in said
    assert "hidden" not in said


def test_all_faults_are_said_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AUDIFI_DATABASE_URL", f"postgresql+psycopg://me@{CLOSED}/audifi")
    monkeypatch.setenv("AUDIFI_RPC_URL", f"http://{CLOSED}")
    assert main([]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_wrong_password_is_told_apart(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIFI_DATABASE_URL", postgres.address.app.replace("audifi_app:", "audifi_app:x"))
    assert main([]) == 1
    assert "password authentication failed" in capsys.readouterr().err


def test_another_chain_is_refused(
    devchain: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIFI_RPC_URL", devchain)
    monkeypatch.setenv("AUDIFI_CHAIN_ID", "1")
    assert main([]) == 1
    assert "it is chain 31337, but AUDIFI_CHAIN_ID is 1" in capsys.readouterr().err


def test_production_refuses_embedded_parts_and_names_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIFI_ENV", "production")
    assert main([]) == 1
    said = capsys.readouterr().err
    assert all(f"AUDIFI_{name}" in said for name in ("DATABASE_URL", "REDIS_URL", "RPC_URL", "SECRET_KEY"))


def test_a_misspelt_setting_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AUDIFI_REDIS", "x")
    assert main([]) == 1
    assert "AUDIFI_REDIS is no setting" in capsys.readouterr().err
