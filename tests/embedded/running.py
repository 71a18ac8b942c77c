"""Starting commands of ours as root or as a normal user, and telling which processes are left."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded.files import HERE
from portal.embedded.process import identity, spawn

NOBODY = 65534
# The interpreter may lie below a private home: the user keeps root's right to pass, and is otherwise nobody. The
# secure bit makes access(), with which programs ask beforehand, count that right as well.
AS_USER = [
    "setpriv", "--securebits=+no_setuid_fixup", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
]  # fmt: skip
WHO = ("root", "user")


def command(who: str, *arguments: str) -> list[str]:
    """Our interpreter with these arguments, run as `who`; skips the test where that cannot be."""
    mine = [sys.executable, *arguments]
    if who == "root" and os.getuid() != 0:
        pytest.skip("needs root")
    if who == "user" and os.getuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv to become a normal user")
        return [*AS_USER, *mine]
    return mine


def folder_for(who: str, path: Path) -> Path:
    """A private folder of `who`, which others cannot enter."""
    path.mkdir(mode=0o700)
    if who == "user" and os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    return path


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until the condition holds; fail when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def descendants(pid: int) -> set[str]:
    """Identities of all processes below `pid`."""
    below: set[str] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                below |= {identity(int(child)), *descendants(int(child))}
    return below - {""}


def alive(identities: set[str]) -> set[str]:
    """Those of the processes that still run."""
    return {one for one in identities if identity(int(one.split()[0])) == one}


class Portal:
    """`python wsgi.py` on a data folder, started and watched from outside."""

    def __init__(self, who: str, data: Path, *options: str) -> None:
        self.output = data.with_suffix(".out")
        self.output.unlink(missing_ok=True)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AUDIFI_")}
        plain |= {"AUDIFI_DATA_DIR": str(data), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = spawn(command(who, "wsgi.py", "--port", "0", *options), self.output, cwd=HERE, env=plain)

    @property
    def said(self) -> str:
        """What it printed."""
        return self.output.read_text()

    @property
    def url(self) -> str:
        """Its address, once it printed one."""
        addresses = re.findall(r"AudiFi is at (http://\S+)", self.said)
        return addresses[-1] if addresses else ""

    def up(self) -> Portal:
        """Wait until everything runs."""
        eventually(lambda: self.url or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.said
        return self

    def get(self, path: str) -> int:
        """The status of a page."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return int(answer.status)

    def answers(self, path: str) -> bool:
        """True if the page is there."""
        try:
            return self.get(path) == 200
        except OSError:
            return False

    def pid_of(self, name: str, data: Path) -> int:
        """The process id of a part, 0 if it never ran."""
        with contextlib.suppress(OSError, IndexError):
            return int((data / "run" / f"{name}.pid").read_text().split()[0])
        return 0

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def portal(who: str, data: Path, *options: str) -> Iterator[Portal]:
    """A running portal, gone afterwards."""
    running = Portal(who, data, *options)
    try:
        yield running.up()
    finally:
        if running.process.poll() is None:
            running.kill()


def run(who: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run our interpreter to its end."""
    return subprocess.run(
        command(who, *arguments), cwd=HERE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **settings},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
