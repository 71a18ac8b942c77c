"""Whatever a killed process started is gone too, down to forked grandchildren; whatever was left is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.embedded.process import end_leftover, identity, spawn
from tests.embedded.running import WHO, alive, command, descendants, eventually, folder_for

SERVERS = """
import sys, time
from portal.embedded.postgres import Postgres
from portal.embedded.valkey import Valkey
Postgres(sys.argv[1]).start(), Valkey(sys.argv[1]).start()
print("up", flush=True)
time.sleep(60)
"""
FORKING = """
import os, sys, time
if sys.argv[1] == "gevent":
    from gevent import monkey
    monkey.patch_all()
from portal.embedded.watch import exit_when_supervisor_dies
exit_when_supervisor_dies()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
beats = 0
while True:
    time.sleep(0.05)
    beats += 1
    if beats == 3:
        os.write(1, b"beats\\n")
"""


@pytest.mark.parametrize("who", WHO)
def test_servers_die_with_their_launcher(who: str, tmp_path: Path) -> None:
    home = str(folder_for(who, tmp_path / "home"))
    with subprocess.Popen(command(who, "-c", SERVERS, home), stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout
        assert launcher.stdout.readline() == b"up\n"
        started = descendants(launcher.pid)
        launcher.kill()
    assert len(started) >= 2
    eventually(lambda: not alive(started))


@pytest.mark.parametrize("kind", ["plain", "gevent"])
def test_forked_grandchildren_die_when_the_pipe_closes(kind: str) -> None:
    reading, writing = os.pipe()
    environment = {**os.environ, "AUDIFI_SUPERVISOR_FD": str(reading)}
    argv = [sys.executable, "-c", FORKING, kind]
    with subprocess.Popen(argv, pass_fds=[reading], env=environment, stdout=subprocess.PIPE) as process:
        os.close(reading)
        assert process.stdout
        for _ in range(3):
            assert process.stdout.readline() == b"beats\n"
        family = {identity(process.pid), *descendants(process.pid)}
        os.close(writing)
        eventually(lambda: not alive(family))
    assert len(family) == 3


def test_a_stale_pipe_number_harms_nobody() -> None:
    code = "from portal.embedded.watch import exit_when_supervisor_dies as w; w(); import time; time.sleep(.1)"
    for number in ("-1", "0", "77"):
        environment = {**os.environ, "AUDIFI_SUPERVISOR_FD": number}
        done = subprocess.run([sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, number


def test_a_leftover_process_is_ended(tmp_path: Path) -> None:
    left = spawn(["sleep", "60"], tmp_path / "log")
    (tmp_path / "pid").write_text(identity(left.pid))
    end_leftover(tmp_path / "pid", 15)
    assert left.wait(5) == -15


def test_a_stranger_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = spawn(["sleep", "60"], tmp_path / "log")
    (tmp_path / "pid").write_text(f"{stranger.pid} 1")
    end_leftover(tmp_path / "pid", 15, patience=0.2)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
