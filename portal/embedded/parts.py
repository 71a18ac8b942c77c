"""The portal's own processes, in one list, and how a crashed one is started again."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.embedded.files import HERE, StartError
from portal.embedded.process import Server, spawn
from portal.embedded.watch import NAME as WATCH

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
STEADY_SECONDS = 30.0


def flask(*arguments: str) -> list[str]:
    """The command line of a `flask` command of ours."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def web(listening: int) -> list[str]:
    """The web server on an open socket, so that a visitor waits while it starts and is never turned away."""
    configuration = str(HERE / "portal" / "embedded" / "gunicorn_conf.py")
    options = ["--no-control-socket", "--bind", f"fd://{listening}", "-c", configuration]
    return [sys.executable, "-m", "gunicorn", *options, "wsgi:app"]


def background(workers: int) -> dict[str, list[str]]:
    """What runs beside the web, by name: a new process is one line here."""
    return {
        **{f"worker-{number}": flask("worker") for number in range(1, workers + 1)},
        "relay": flask("relay"),
        "indexer": flask("indexer"),
    }


def once(demo_data: bool) -> dict[str, list[str]]:
    """What runs to its end beside the portal after each start, by name; each finds by itself what is left to do."""
    return {"seed": flask("seed", "--env=dev")} if demo_data else {"chain-setup": flask("chain-setup")}


class Part(Server[None]):
    """One process of the portal; `inherit` are open files it takes along, the watched pipe first."""

    address = None

    def __init__(
        self, data_dir: Path, name: str, command: list[str], environment: Mapping[str, str], inherit: tuple[int, ...]
    ) -> None:
        self.name = name
        super().__init__(data_dir)
        self.command, self.inherit = command, inherit
        self.environment = {**environment, WATCH: str(inherit[0])}

    def ready(self) -> bool:
        """True at once: nobody waits for it."""
        return True

    def _spawn(self) -> "subprocess.Popen[bytes]":
        return spawn(self.command, self.log, cwd=HERE, env=self.environment, pass_fds=self.inherit)


class Web(Part):
    """The web server; open live lines would hold a patient stop up, so it is told twice."""

    stop_signals = (signal.SIGTERM, signal.SIGQUIT)
    stop_patience = 2.0


class Kept:
    """A server or part that is started again whenever it ends, each time a little later."""

    def __init__(self, server: Server[Any]) -> None:
        self.server = server
        self._pause, self._started, self._again_at = FIRST_PAUSE, time.monotonic(), 0.0

    def look(self) -> str:
        """Start it again if it is due; returns a sentence if it ended just now, else ""."""
        if self._again_at:
            return self._again() if time.monotonic() >= self._again_at else ""
        if (code := self.server.exit_code()) is None:
            return ""
        if time.monotonic() - self._started > STEADY_SECONDS:
            self._pause = FIRST_PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self._again_at = time.monotonic() + pause
        return f"{self.server.name} ended ({how(code)}); starting it again in {pause:g} s. Log: {self.server.log}"

    def _again(self) -> str:
        self._again_at, self._started = 0.0, time.monotonic()
        try:
            self.server.launch()
        except (StartError, OSError) as error:
            self._again_at = time.monotonic() + self._pause
            return f"{self.server.name} did not start: {error}"
        return ""


def how(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
