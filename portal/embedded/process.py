"""Child processes that die with their parent, and the life of one server process.

A child gets a death signal from the kernel (PR_SET_PDEATHSIG). It follows the *thread* that forked, so children
are started from a thread that lives as long as they should: the main one. Children sit in a session of their
own, so Ctrl-C reaches the parent alone, which stops them in order.
"""

import abc
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Generic, Self, TypeVar

from portal.embedded.files import StartError, lock, private_folder, read_text, tail, write_private

Address = TypeVar("Address")
PR_SET_PDEATHSIG = 1
LOG_LIMIT = 10_000_000
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def spawn(
    argv: Sequence[str], log: Path, *, death_signal: int = signal.SIGKILL, user: int | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start a child that gets `death_signal` when this thread dies; its output is appended to `log`.

    `user` is the user id to run as (root only); other options are Popen's.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    if user is not None:
        options |= {"user": user, "group": user_group(user), "extra_groups": []}
    with open_log(log) as output:
        return subprocess.Popen(  # noqa: S603 - fixed programs of ours
            argv, stdout=output, stderr=output, start_new_session=True, preexec_fn=before_exec,
            **{"stdin": subprocess.DEVNULL, **options},
        )  # fmt: skip


def open_log(log: Path) -> IO[bytes]:
    """Open a log for appending, setting a full one aside as `.old`."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old"))
    return open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def user_group(user: int) -> int:
    """The main group of a user id."""
    import pwd

    return pwd.getpwuid(user).pw_gid


def stop(process: "subprocess.Popen[bytes]", signals: Sequence[int], patience: float, waited: float = 0.0) -> None:
    """Wait `patience` seconds (less what it was waited for already) for an end, and again after each signal; kill."""
    for number in (*signals, signal.SIGKILL):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(patience - waited, 0.05))
            return
        waited = 0.0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
    process.wait()


def identity(pid: int) -> str:
    """`pid start-time`, which no other process ever shares; "" if there is no such process."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else f"{pid} {fields[19]}"
    return ""


def end_leftover(pid_file: Path, stop_signal: int, patience: float = 10) -> None:
    """End the process that a killed launcher left behind, known by its pid and start time."""
    kept = read_text(pid_file)
    pid = int(kept.split()[0]) if kept else 0
    for number in (stop_signal, signal.SIGKILL):
        deadline = time.monotonic() + patience
        if kept and identity(pid) == kept:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while kept and identity(pid) == kept and time.monotonic() < deadline:
            time.sleep(0.02)


class Server(abc.ABC, Generic[Address]):
    """One server process with its data in `<data_dir>/<name>` and its log in `<data_dir>/logs`.

    A subclass names the command, tells when the server answers, and gives its address. The address holds for
    the life of this object, so a server that crashed comes back where its clients look for it.
    """

    name: str
    stop_signals: tuple[int, ...] = (signal.SIGTERM,)
    stop_patience = 8.0
    patience = 30.0

    def __init__(self, data_dir: Path | str) -> None:
        self.data_dir = private_folder(Path(data_dir).absolute())
        self.folder = self.data_dir / self.name
        self.log = private_folder(self.data_dir / "logs") / f"{self.name}.log"
        self.pid_file = private_folder(self.data_dir / "run") / f"{self.name}.pid"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._asked, self._asked_at = False, 0.0

    @property
    @abc.abstractmethod
    def address(self) -> Address:
        """Where clients find the server; known before it runs."""

    @abc.abstractmethod
    def ready(self) -> bool:
        """True once the server answers; never blocks for long."""

    @abc.abstractmethod
    def _spawn(self) -> "subprocess.Popen[bytes]":
        """Start the process."""

    def launch(self) -> None:
        """Start the process without waiting until it answers; raises StartError."""
        self._take_lock()
        end_leftover(self.pid_file, self.stop_signals[0])
        self.process, self._asked = self._spawn(), False
        write_private(self.pid_file, identity(self.process.pid))

    def wait(self) -> None:
        """Wait until the server answers; raises StartError with the end of its log."""
        deadline = time.monotonic() + self.patience
        while not self.ready():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartError(f"{self.name} did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.01)

    def start(self) -> Address:
        """Start the server, wait until it answers, and return its address."""
        self.launch()
        self.wait()
        return self.address

    def exit_code(self) -> int | None:
        """How the process ended by itself; None while it runs."""
        return None if self.process is None else self.process.poll()

    def ask_to_stop(self) -> None:
        """Tell the process to end without waiting for it, so that several can end at the same time."""
        if self.process is not None and not self._asked:
            self._asked, self._asked_at = True, time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signals[0])

    def stop(self) -> None:
        """Stop the server cleanly; harmless if it does not run."""
        if self.process is not None:
            self.ask_to_stop()
            stop(self.process, self.stop_signals[1:], self.stop_patience, time.monotonic() - self._asked_at)
            self.process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        if self._lock is None:
            self._lock = lock(self.pid_file.with_suffix(".lock"))
        if self._lock is None:
            raise StartError(f"Another process already runs {self.name} on the data in {self.data_dir}.")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def plain_environment(**extra: str) -> Mapping[str, str]:
    """An environment for foreign servers: nothing of ours leaks into it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC", **extra}
