"""PostgreSQL starts anywhere, as anybody, keeps its data, and gives each role its rights."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.embedded import binaries
from portal.embedded.files import StartError
from portal.embedded.postgres import Postgres
from tests.embedded.running import WHO, eventually, folder_for, run

START_AND_ASK = """
import sys, psycopg
from portal.embedded.postgres import Postgres
with Postgres(sys.argv[1]) as server:
    with psycopg.connect(server.address.app.replace("+psycopg", "")) as connection:
        print(connection.execute("SELECT current_user, current_setting('TimeZone')").fetchone())
"""


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.mark.parametrize("who", WHO)
def test_starts_in_a_private_home(who: str, tmp_path: Path) -> None:
    answer = run(who, "-c", START_AND_ASK, str(folder_for(who, tmp_path / "home")))
    assert answer.stdout == "('audifi_app', 'UTC')\n", answer.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_root_copies_programs_that_others_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = binaries.postgres_bin()
    root, parts = binaries._bundle(source)
    hidden = tmp_path / "hidden"
    for part in parts:
        shutil.copytree(root / part, hidden / part, symlinks=True)
    hidden.chmod(0o700)
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        monkeypatch.setattr(binaries, "PUBLIC_PLACES", (Path(public) / "programs",))
        monkeypatch.setenv("AUDIFI_POSTGRES_BIN", str(hidden / source.relative_to(root)))
        with Postgres(tmp_path / "data") as running, connect(running.address.app):
            program = Path(f"/proc/{running.process and running.process.pid}/exe").readlink()
        assert program.is_relative_to(public)


def test_roles_have_no_more_than_they_need(server: Postgres) -> None:
    with connect(server.address.superuser) as admin:
        rows = admin.execute("SELECT rolname, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles").fetchall()
        owner = admin.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = 'audifi'").fetchone()
    mine = {name: rights for name, *rights in rows if name.startswith("audifi")}
    assert mine == {name: [False, False, False] for name in ("audifi_owner", "audifi_app", "audifi_worker")}
    assert owner == ("audifi_owner",)


def test_only_the_owner_makes_tables(server: Postgres) -> None:
    with connect(server.address.owner) as owner:
        owner.execute("CREATE TABLE mine (id int)")
    for url in (server.address.app, server.address.worker):
        with connect(url) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute("CREATE TABLE theirs (id int)")


def test_settings(server: Postgres) -> None:
    with connect(server.address.app) as connection:
        wanted = {"fsync": "on", "random_page_cost": "1.1", "TimeZone": "UTC", "listen_addresses": ""}
        for name, value in wanted.items():
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,), name


def test_wrong_password_is_refused(server: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server.address.app.replace("audifi_app:", "audifi_app:x"))


def test_secrets_are_readable_by_their_owner_alone(server: Postgres) -> None:
    modes = {file.stat().st_mode & 0o777 for file in (server.data_dir / "secrets").iterdir()}
    assert modes == {0o600}


def test_data_and_address_survive_a_kill(server: Postgres) -> None:
    before = server.address
    with connect(before.owner) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.process
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.launch()
    server.wait()
    with connect(before.owner) as owner:
        assert owner.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_second_launcher_refuses(server: Postgres) -> None:
    with pytest.raises(StartError, match="already runs postgres"):
        Postgres(server.data_dir).start()


def test_a_long_path_uses_tcp_on_loopback(tmp_path: Path) -> None:
    with Postgres(tmp_path / ("x" * 100)) as running, connect(running.address.app) as connection:
        assert "@127.0.0.1:" in running.address.app
        assert connection.execute("SELECT inet_server_addr()::text").fetchone() == ("127.0.0.1/32",)


def test_data_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartError, match="was written by PostgreSQL 9"):
        Postgres(tmp_path).start()


def test_a_failed_first_start_is_made_good_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "half").touch()
    with Postgres(tmp_path) as running:
        eventually(running.ready)


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUDIFI_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(StartError, match="AUDIFI_POSTGRES_BIN"):
        Postgres(tmp_path).start()


def test_two_that_copy_the_programs_at_once_agree(tmp_path: Path) -> None:
    target, late = tmp_path / "programs", tmp_path / "late"
    for folder in (target, late):
        (folder / "bin").mkdir(parents=True)
    binaries._put(late, target)
    assert (target / "bin").is_dir()
    assert not late.exists()
