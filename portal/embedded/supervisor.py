"""`python wsgi.py`: start a database, a bus and a chain where none is given, then the portal, and keep all alive.

Every process is a child of this one and dies with it, also by kill -9. One that crashes is named and started again.
Data lies in `instance/` or AUDIFI_DATA_DIR; a second supervisor on the same data refuses. What does not need each
other starts at the same time: the web reads its modules while the database is made.
"""

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from portal.config import Settings, SettingsError
from portal.embedded import given
from portal.embedded.devchain import HISTORY_SECONDS, Devchain
from portal.embedded.files import StartError, data_folder, lock, private_folder, read_text, secret, tail, write_private
from portal.embedded.migrate import Migration
from portal.embedded.parts import Kept, Part, Web, background, how, once, web
from portal.embedded.postgres import Postgres
from portal.embedded.process import Server
from portal.embedded.valkey import Valkey

USUAL_PORT, LAST_PORT = 5000, 5199
WEB_PATIENCE = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
OWNER, WORKER = "AUDIFI_OWNER_DATABASE_URL", "AUDIFI_WORKER_DATABASE_URL"


class Stopped(BaseException):
    """Somebody asked the supervisor to stop."""


def main(argv: list[str] | None = None) -> int:
    """Start everything and stay until Ctrl-C or SIGTERM. Returns the exit code."""
    arguments = _arguments(argv)
    try:
        settings = Settings.from_env(os.environ)
        if faults := settings.faults():
            raise StartError("Production does not start like this:\n- " + "\n- ".join(faults))
        given.check(settings)
        Supervisor(arguments, settings).run()
    except (StartError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wsgi.py", description="Start the whole portal on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, help=f"default: {USUAL_PORT}, or the next free one")
    parser.add_argument("--workers", type=int, default=1, help="job workers (default: 1)")
    parser.add_argument("--no-demo-data", dest="demo_data", action="store_false", help="start without demo artists")
    return parser.parse_args(argv)


class Supervisor:
    """The whole portal as children of this process."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings) -> None:
        self.arguments, self.settings = arguments, settings
        self.began = time.monotonic()
        self.data = private_folder(data_folder())
        self.run_folder = private_folder(self.data / "run")
        self.servers: list[Server[Any]] = []
        self.web: Part | None = None
        self.parts: list[Part] = []
        self.once: list[Part] = []
        self.listener: socket.socket | None = None
        self.watch_end, self.watched = os.pipe()
        self.asked = False

    def run(self) -> None:
        """Start, stay, stop; raises StartError if the start fails."""
        held = self._only_one()
        before = {number: signal.signal(number, self._asked_to_stop) for number in STOP_SIGNALS}
        try:
            self._start()
            self._stay()
        except Stopped:
            pass
        finally:
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            self._stop()
            self._close(held)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _close(self, held: int) -> None:
        if self.listener:
            self.listener.close()
        for handle in (self.watch_end, self.watched, held):
            os.close(handle)

    def _asked_to_stop(self, _number: int, _frame: object) -> NoReturn:
        """Remembered as well, for Python drops an exception that a signal raises inside a hook of fork()."""
        self.asked = True
        raise Stopped

    def _only_one(self) -> int:
        held = lock(self.run_folder / "supervisor.lock")
        if held is None:
            who = read_text(self.run_folder / "supervisor") or "Another process"
            raise StartError(f"{who} already runs the portal on {self.data}. Stop it, or set AUDIFI_DATA_DIR.")
        return held

    # --- starting -----------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.listener = listener = self._listen()  # kept: a web process that is started again takes it too
        url = f"http://{_address(listener)}"
        write_private(self.run_folder / "supervisor", f"Process {os.getpid()} at {url}")
        database, bus, chain = self._servers()
        environment = self._environment(listener, database, bus, chain)
        self._launch(bus)
        self._start_web(listener, environment)
        migration = self._migration(environment)
        self._launch(database)
        for server in (database, bus):
            self._await(server)
        if migration:
            with self._step("migrations"):
                migration.run()
        self._launch(chain)
        with self._step("first page"):
            self._await_page(url)
        self._greet(url)
        self._await(chain)
        self._start_parts(environment)

    def _listen(self) -> socket.socket:
        """The portal's socket, open from now on: nobody can take the port, and early visitors wait."""
        host, wanted = self.arguments.host, self.arguments.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for port in [wanted] if wanted is not None else range(USUAL_PORT, LAST_PORT + 1):
            with contextlib.suppress(OSError):
                return socket.create_server((host, port), family=family, backlog=2048)
        which = f"Port {wanted}" if wanted else f"Every port from {USUAL_PORT} to {LAST_PORT}"
        raise StartError(f"{which} of {host} is taken or not ours to open. Choose another one with --port.")

    def _servers(self) -> tuple[Postgres | None, Valkey | None, Devchain | None]:
        """The embedded servers; None where the environment names another."""
        there = self.settings
        return (
            None if there.database_url else Postgres(self.data),
            None if there.redis_url else Valkey(self.data),
            None if there.rpc_url else Devchain(self.data, HISTORY_SECONDS if self._sows() else 0),
        )

    def _sows(self) -> bool:
        """Whether demo data is added; its past is why the chain begins before now, and it brings the chain back."""
        return bool(self.arguments.demo_data) and not self.settings.production

    def _environment(
        self, listener: socket.socket, database: Postgres | None, bus: Valkey | None, chain: Devchain | None
    ) -> dict[str, str]:
        """What the portal's processes find in their environment: the addresses are known before anything runs."""
        found = {**os.environ, "AUDIFI_BIND": _address(listener), "AUDIFI_DATA_DIR": str(self.data)}
        if not self.settings.production:
            found["AUDIFI_EMBEDDED"] = "1"
            found.setdefault("AUDIFI_SECRET_KEY", secret(self.data, "secret_key"))
        if database:
            urls = database.address
            found |= {"AUDIFI_DATABASE_URL": urls.app, WORKER: urls.worker, OWNER: urls.owner}
        if bus:
            found["AUDIFI_REDIS_URL"] = bus.address
        if chain:
            found["AUDIFI_RPC_URL"] = chain.address
        return found

    def _migration(self, environment: Mapping[str, str]) -> Migration | None:
        """The migrations, their process started; none in production, where they are a step of the deployment."""
        if self.settings.production:
            return None
        owner = environment.get(OWNER) or environment["AUDIFI_DATABASE_URL"]
        migration = Migration(self.data, owner, environment)
        migration.prepare()
        return migration

    def _launch(self, server: Server[Any] | None) -> None:
        if server:
            self.servers.append(server)
            server.launch()

    def _await(self, server: Server[Any] | None) -> None:
        if server:
            with self._step(server.name):
                server.wait()

    def _start_web(self, listener: socket.socket, environment: Mapping[str, str]) -> None:
        files = (self.watch_end, listener.fileno())
        self.web = Web(self.data, "web", web(listener.fileno()), _without(environment, OWNER, WORKER), files)
        self.web.launch()

    def _start_parts(self, environment: Mapping[str, str]) -> None:
        trusted = _without(environment, OWNER)
        start = once(self._sows())
        for commands, parts in ((background(self.arguments.workers), self.parts), (start, self.once)):
            for name, command in commands.items():
                parts.append(part := Part(self.data, name, command, trusted, (self.watch_end,)))
                part.launch()

    def _await_page(self, url: str) -> None:
        """Wait for the home page, whatever it says: the parts that start next would take its time from it."""
        assert self.web is not None
        deadline = time.monotonic() + WEB_PATIENCE
        while self.web.exit_code() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}/", timeout=5):  # noqa: S310
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                continue
        raise StartError(f"The web process did not answer. The end of {self.web.log}:\n{tail(self.web.log)}")

    # --- running ------------------------------------------------------------------------------------------

    def _stay(self) -> None:
        """Look after everything until asked to stop."""
        assert self.web is not None
        kept = [Kept(server) for server in (*self.servers, self.web, *self.parts)]
        while not self.asked:
            for one in kept:
                if news := one.look():
                    self._say(news)
            for part in [part for part in self.once if part.exit_code() is not None]:
                self.once.remove(part)
                self._say(_ended(part))
            time.sleep(0.1)

    # --- stopping -----------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """The web first, so that nobody is answered by half a portal; then what works; the servers last."""
        groups: list[list[Server[Any]]] = [[self.web] if self.web else [], [*self.parts, *self.once], self.servers]
        for group in groups:
            for server in group:
                server.ask_to_stop()
            for server in group:
                server.stop()
        if self.web:
            self._say("stopped")

    # --- words --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._say(f"{name} ready (waited {time.monotonic() - start:.2f} s)")

    def _greet(self, url: str) -> None:
        lines = ["", f"  AudiFi is at {url}", ""]
        if self.settings.env != "production" and self.arguments.host in {"127.0.0.1", "localhost", "::1"}:
            lines += [
                f"  Sign in with any e-mail address; its mail is at {url}/dev/mail",
                f"  Walk the whole story: {sys.executable} -m flask --app wsgi demo --url {url}",
            ]
        _print("\n".join([*lines, f"  Logs: {self.data / 'logs'}. Ctrl-C stops everything.", ""]))

    def _say(self, text: str) -> None:
        _print(f"[{time.monotonic() - self.began:6.2f} s] {text}")


def _print(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(text, flush=True)


def _ended(part: Part) -> str:
    code = part.exit_code() or 0
    return f"{part.name} is done" if code == 0 else f"{part.name} ended ({how(code)}); see {part.log}"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    """The environment without the addresses of roles that a process has no need of."""
    return {name: value for name, value in environment.items() if name not in names}
