"""The data folder: private folders, generated secrets, locks and free ports."""

import fcntl
import os
import secrets
import socket
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]


class StartError(Exception):
    """A part could not start; the text is a sentence for the person at the terminal."""


def data_folder() -> Path:
    """The folder that holds everything the embedded parts write: `AUDIFI_DATA_DIR` or `instance/`."""
    return Path(os.environ.get("AUDIFI_DATA_DIR") or HERE / "instance").absolute()


def private_folder(path: Path) -> Path:
    """Create `path` for its owner alone; a folder that is there already keeps its mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace the file's content in one step, readable by its owner alone."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_text(path: Path) -> str:
    """The file's text, or "" if there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def secret(data_dir: Path, name: str) -> str:
    """The generated secret of that name (32 random bytes, URL-safe), made on first use and kept."""
    path = private_folder(data_dir / "secrets") / name
    if not (kept := read_text(path)):
        kept = secrets.token_urlsafe(32)
        write_private(path, kept)
    return kept


def lock(path: Path) -> int | None:
    """Take the lock file for as long as this process lives; None if another process has it.

    The kernel drops the lock with its holder, so a killed process leaves nothing to clear away.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def port_is_free(host: str, port: int) -> bool:
    """True if a server could bind `host:port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def kept_port(file: Path) -> int:
    """A loopback port that stays the same from start to start while nobody else has taken it."""
    if (kept := read_text(file)) and port_is_free("127.0.0.1", int(kept)):
        return int(kept)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    write_private(file, str(port))
    return port


def tail(file: Path, lines: int = 8) -> str:
    """The last lines of a log, indented for a message."""
    return "\n".join("    " + line for line in read_text(file).splitlines()[-lines:])
