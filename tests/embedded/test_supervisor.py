"""One command starts everything; it stops cleanly, mends what crashes, leaves nothing behind and loses nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.config import Settings
from portal.embedded.devchain import HISTORY_SECONDS
from portal.embedded.files import secret
from portal.embedded.parts import Kept, Part
from portal.embedded.supervisor import Stopped, Supervisor, _arguments, main
from tests.embedded.running import Portal, alive, descendants, eventually, folder_for, portal, run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_for("root", tmp_path_factory.mktemp("home") / "data")


@pytest.fixture(scope="module")
def mine() -> str:
    """Who runs the tests."""
    return "root" if os.getuid() == 0 else "user"


@pytest.fixture(scope="module")
def running(mine: str, data: Path) -> Iterator[Portal]:
    with portal(mine, data, "--no-demo-data") as first:
        yield first


def owner(data: Path) -> psycopg.Connection:
    password = secret(data, "audifi_owner")
    return psycopg.connect(host=str(data / "postgres"), dbname="audifi", user="audifi_owner", password=password)


@pytest.mark.walk
def test_pages_and_parts_answer(running: Portal) -> None:
    assert (running.get("/"), running.get("/readyz")) == (200, 200)


@pytest.mark.walk
def test_no_part_but_the_migrations_holds_the_owners_password(running: Portal, data: Path) -> None:
    def environment(name: str) -> bytes:
        return Path(f"/proc/{running.pid_of(name, data)}/environ").read_bytes()

    eventually(lambda: running.pid_of("indexer", data))
    secrets = {name: secret(data, name).encode() for name in ("audifi_app", "audifi_worker", "audifi_owner")}
    held = {part: {name for name, word in secrets.items() if word in environment(part)} for part in ("web", "relay")}
    assert held == {"web": {"audifi_app"}, "relay": {"audifi_app", "audifi_worker"}}


@pytest.mark.walk
def test_a_second_supervisor_refuses_and_names_the_first(running: Portal, mine: str, data: Path) -> None:
    second = run(mine, "wsgi.py", AUDIFI_DATA_DIR=str(data))
    assert second.returncode == 1
    assert f"Process {running.process.pid} at {running.url} already runs" in second.stderr


@pytest.mark.walk
@pytest.mark.parametrize("name", ["web", "relay", "postgres", "valkey", "devchain"])
def test_what_crashes_is_named_and_started_again(running: Portal, data: Path, name: str) -> None:
    eventually(lambda: running.pid_of(name, data))
    before = running.pid_of(name, data)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: f"{name} ended (signal 9)" in running.said)
    eventually(lambda: running.pid_of(name, data) != before)
    eventually(lambda: running.answers("/healthz"))


@pytest.mark.walk
def test_all_is_well_again_after_the_crashes(running: Portal, data: Path) -> None:
    def connects() -> bool:
        with contextlib.suppress(psycopg.OperationalError), owner(data):
            return True
        return False

    eventually(lambda: running.answers("/readyz"))
    eventually(connects)


@pytest.mark.walk
def test_a_killed_supervisor_leaves_nobody_and_the_next_start_has_all_data(
    running: Portal, mine: str, data: Path
) -> None:
    with owner(data) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    family = descendants(running.process.pid)
    running.kill()
    eventually(lambda: not alive(family))
    with portal(mine, data, "--no-demo-data") as second:
        with owner(data) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert second.get("/") == 200
        family = descendants(second.process.pid)
        assert second.terminate() == 0
        eventually(lambda: not alive(family))  # a job's process notices a moment after its worker
    assert len(family) > 6


@pytest.mark.walk
@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as a normal user already")
def test_a_normal_user_starts_it_too(tmp_path: Path) -> None:
    data = folder_for("user", tmp_path / "data")
    with portal("user", data, "--workers", "2", "--no-demo-data") as theirs:
        assert theirs.get("/") == 200
        eventually(lambda: theirs.pid_of("worker-2", data))
        assert (data / "postgres").stat().st_uid != 0
        assert theirs.terminate() == 0


def test_a_taken_port_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIFI_DATA_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"Port {port} of 127.0.0.1 is taken" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "history"), [([], HISTORY_SECONDS), (["--no-demo-data"], 0)])
def test_the_chain_begins_in_the_past_for_demo_data_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], history: int
) -> None:
    monkeypatch.setenv("AUDIFI_DATA_DIR", str(tmp_path))
    chain = Supervisor(_arguments(options), Settings())._servers()[2]
    assert chain is not None
    assert chain.options[:2] == ["--history", str(history)]


def test_pauses_between_restarts_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 1))
    monkeypatch.setattr("portal.embedded.parts.time.monotonic", lambda: float(next(clock)) / 10)
    reading, writing = os.pipe()
    part = Part(tmp_path, "broken", ["false"], {"PATH": os.environ["PATH"]}, (reading,))
    part.launch()
    kept, said = Kept(part), []
    while len(said) < 4:
        if part.process:
            part.process.wait()
        said += [news] if (news := kept.look()) else []
    assert [news.partition(" in ")[2].partition(" s.")[0] for news in said] == ["0.5", "1", "2", "4"]
    part.stop()
    os.close(reading)
    os.close(writing)


def test_a_stop_that_python_swallowed_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A signal inside a hook of fork() raises where nobody hears it."""
    monkeypatch.setenv("AUDIFI_DATA_DIR", str(tmp_path))
    whole = Supervisor(_arguments([]), Settings(data_dir=tmp_path))
    with pytest.raises(Stopped):
        whole._asked_to_stop(15, None)
    whole.web = Part(tmp_path, "web", ["true"], {}, (0,))
    whole._stay()
    assert whole.asked
    os.close(whole.watch_end)
    os.close(whole.watched)
