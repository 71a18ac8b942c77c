"""The processes of the portal, in one list: the commands that the supervisor keeps alive."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portal.embedded.files import HERE
from portal.embedded.process import spawn, stop

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
STEADY_SECONDS = 30.0


def flask(*arguments: str) -> list[str]:
    """The command line of a `flask` command of ours."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def web() -> list[str]:
    config = HERE / "portal" / "embedded" / "gunicorn_conf.py"
    return [sys.executable, "-m", "gunicorn", "--no-control-socket", "-c", str(config), "wsgi:app"]


@dataclass
class Part:
    """One long-running process; it is started again after a crash, each time a little later."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    inherit: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    again_at: float = field(default=0.0)

    def start(self) -> None:
        self.process = spawn(
            self.command, self.log, cwd=HERE, env={**os.environ, **self.environment}, pass_fds=self.inherit
        )
        self.started = time.monotonic()

    def crashed(self) -> int | None:
        """The exit code of a process that ended by itself; it is due again after a pause."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if time.monotonic() - self.started > STEADY_SECONDS:
            self.pause = FIRST_PAUSE
        self.again_at = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.process = None
        return code

    def due(self) -> bool:
        return self.process is None and time.monotonic() >= self.again_at

    def stop(self, patience: float = 8.0) -> None:
        if self.process is not None:
            stop(self.process, (signal.SIGTERM,), patience)
            self.process = None
