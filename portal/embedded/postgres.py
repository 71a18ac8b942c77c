"""The embedded PostgreSQL: its own cluster, four roles with generated passwords, loopback only.

As root the server runs as an unprivileged user, as PostgreSQL demands. Its data folder may still lie below a
private home: the process gets the opened folder and knows it as /proc/self/fd/N, which needs no right to pass
through the folders above. Its socket lies in the data folder too, so no other user can even knock.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from portal.embedded.binaries import open_to_all, postgres_bin, readable_copy
from portal.embedded.files import StartError, kept_port, read_text, secret, tail
from portal.embedded.process import Server, plain_environment, spawn

DATABASE = "audifi"
ROLES = ("audifi_owner", "audifi_app", "audifi_worker")
SOCKET_PATH_LIMIT = 107
NOBODY = 65534

SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "random_page_cost": "1.1",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "jit": "off",
    "log_checkpoints": "off",
    "cluster_name": DATABASE,
}


@dataclass(frozen=True)
class Urls:
    """SQLAlchemy addresses of the database `audifi`, one for each role."""

    owner: str
    app: str
    worker: str
    superuser: str


class Postgres(Server[Urls]):
    """The embedded PostgreSQL server; `settings` override SETTINGS, for example `fsync="off"` in tests."""

    name = "postgres"
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, data_dir: Path | str, **settings: str) -> None:
        super().__init__(data_dir)
        self.settings = SETTINGS | settings

    @cached_property
    def port(self) -> int:
        """The TCP port, or 5432 for the socket's name where a Unix socket is used (0: no TCP)."""
        too_long = len(os.fsencode(self.folder / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT
        return kept_port(self.pid_file.with_suffix(".port")) if too_long else 0

    @cached_property
    def address(self) -> Urls:
        """Addresses by role; they hold from start to start unless a TCP port had to change."""
        return Urls(self.url("audifi_owner"), self.url("audifi_app"), self.url("audifi_worker"), self.url("postgres"))

    def url(self, role: str, database: str = DATABASE) -> str:
        """The SQLAlchemy address of `database` for `role`."""
        password = secret(self.data_dir, role)
        if self.port:
            return f"postgresql+psycopg://{role}:{password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql+psycopg://{role}:{password}@/{database}?host={quote(str(self.folder), safe='/')}"

    def ready(self) -> bool:
        """True once the server says in its pid file, as pg_ctl reads it, that it takes connections."""
        lines = read_text(self.folder / "postmaster.pid").splitlines()
        mine = self.process is not None and lines[:1] == [str(self.process.pid)]
        return mine and len(lines) > 7 and lines[7].strip() == "ready"

    def _spawn(self) -> "subprocess.Popen[bytes]":
        if not self.folder.exists():
            self._create()
        self._check_version()
        self._clear_pid_file()
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with self._entrance(self.folder) as (name, fds):
            return spawn(
                [self._program("postgres"), *options], self.log, death_signal=signal.SIGINT,
                user=self.user, cwd="/", env=plain_environment(PGDATA=name), pass_fds=fds,
            )  # fmt: skip

    @contextlib.contextmanager
    def _entrance(self, folder: Path) -> Iterator[tuple[str, list[int]]]:
        """The name by which the server's user reaches `folder`, and the file descriptors that takes."""
        if self.user is None:
            yield str(folder), []
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        yield f"/proc/self/fd/{handle}", [handle]
        os.close(handle)

    @property
    def _settings(self) -> dict[str, str]:
        if self.port:
            network = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        else:
            network = {"listen_addresses": "", "unix_socket_directories": "."}
        return self.settings | network

    @cached_property
    def user(self) -> int | None:
        """The user id the server runs as; None means ours."""
        if os.getuid() != 0:
            return None
        try:
            return pwd.getpwuid(NOBODY).pw_uid
        except KeyError:
            return pwd.getpwnam("nobody").pw_uid

    @cached_property
    def _bin(self) -> Path:
        folder = postgres_bin()
        return folder if self.user is None or open_to_all(folder) else readable_copy(folder)

    def _program(self, name: str) -> str:
        return str(self._bin / name)

    def _check_version(self) -> None:
        written = read_text(self.folder / "PG_VERSION").strip()
        said = subprocess.run(  # noqa: S603
            [self._program("postgres"), "--version"], capture_output=True, text=True, cwd="/"
        ).stdout
        if said.split()[2].partition(".")[0] != written:
            raise StartError(
                f"The data in {self.folder} was written by PostgreSQL {written}, but {self._bin} holds {said.strip()}."
                f" Point AUDIFI_POSTGRES_BIN to a PostgreSQL {written}, or move the folder away to start afresh."
            )

    def _clear_pid_file(self) -> None:
        """Remove what a killed server left: its pid may by now belong to another process of the same user."""
        (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _create(self) -> None:
        """Make the cluster with its roles and database beside its place, then move it there in one step.

        Syncing its thousand files one by one takes most of the time and holds nothing yet that could be lost: the
        system does it while the portal starts.
        """
        fresh = self.folder.with_suffix(".new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(fresh, self.user)
        self._initdb(fresh)
        statements = "\n\n".join(self._first_statements()) + "\n\n"
        self._run(fresh, "postgres", "--single", "-F", "-j", "postgres", statements=statements)
        fresh.rename(self.folder)
        if self.settings["fsync"] == "on":
            threading.Thread(target=os.sync, daemon=True).start()

    def _initdb(self, fresh: Path) -> None:
        password = os.memfd_create("password")
        os.write(password, secret(self.data_dir, "postgres").encode())
        os.fchown(password, self.user or os.getuid(), -1)
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres", "--no-sync")
        self._run(fresh, "initdb", *options, f"--pwfile=/proc/self/fd/{password}", fd=password)
        os.close(password)

    def _first_statements(self) -> list[str]:
        roles = [f"CREATE ROLE {role} LOGIN PASSWORD '{secret(self.data_dir, role)}';" for role in ROLES]
        return [
            *roles,
            f"CREATE DATABASE {DATABASE} OWNER {ROLES[0]};",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;",
            f"GRANT CONNECT ON DATABASE {DATABASE} TO {', '.join(ROLES[1:])};",
        ]

    def _run(self, fresh: Path, program: str, *options: str, statements: str = "", fd: int | None = None) -> None:
        with self._entrance(fresh) as (name, fds):
            process = spawn(
                [self._program(program), *options], self.log, user=self.user, cwd="/",
                env=plain_environment(PGDATA=name), stdin=subprocess.PIPE, pass_fds=[*fds, fd] if fd else fds,
            )  # fmt: skip
            process.communicate(statements.encode())
        if process.returncode:
            raise StartError(f"{program} failed. The end of {self.log}:\n{tail(self.log)}")
