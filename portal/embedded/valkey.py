"""The embedded Valkey: queue and message bus, on loopback with a password, its data kept in an append-only file."""

import contextlib
import signal
import socket
import subprocess
from functools import cached_property

from portal.embedded.binaries import valkey_server
from portal.embedded.files import kept_port, private_folder, secret, write_private
from portal.embedded.process import Server, plain_environment, spawn

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Valkey(Server[str]):
    """The embedded Valkey server; its address is a `redis://` URL."""

    name = "valkey"
    stop_signals = (signal.SIGTERM,)

    @cached_property
    def port(self) -> int:
        """The TCP port on loopback, the same from start to start while it is free."""
        return kept_port(self.pid_file.with_suffix(".port"))

    @property
    def password(self) -> str:
        """The generated password."""
        return secret(self.data_dir, "valkey")

    @cached_property
    def address(self) -> str:
        """`redis://:password@127.0.0.1:port/0`; it takes a moment at most to come back after a crash."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def ready(self) -> bool:
        """True once the server answers PING; while it loads its data it answers LOADING."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answer:
                return b"+PONG" in answer.read()
        return False

    def _spawn(self) -> "subprocess.Popen[bytes]":
        private_folder(self.folder)
        configuration = self.folder / "valkey.conf"
        values = {"port": self.port, "password": self.password, "folder": f'"{self.folder}"'}
        write_private(configuration, CONFIGURATION.format(**values))
        return spawn(
            [str(valkey_server()), str(configuration)], self.log,
            death_signal=signal.SIGTERM, cwd=self.folder, env=plain_environment(),
        )  # fmt: skip
