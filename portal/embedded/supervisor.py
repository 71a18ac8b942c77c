"""`python wsgi.py`: start a database, a bus and a chain where none is given, then the portal, and keep all alive.

Every part is a child of this process and dies with it, also by kill -9. A crashed part is started again and named.
Data lies in `instance/` or AUDIFI_DATA_DIR; a second supervisor on the same data refuses.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from portal.config import Settings, SettingsError
from portal.embedded.files import (
    HERE,
    StartError,
    data_folder,
    lock,
    port_is_free,
    private_folder,
    read_text,
    secret,
    write_private,
)
from portal.embedded.parts import Part, flask, web
from portal.embedded.process import Server
from portal.embedded.watch import NAME as WATCH

USUAL_PORT = 5000
WEB_PATIENCE = 60.0


def main(argv: list[str] | None = None) -> int:
    """Start everything and stay until Ctrl-C or SIGTERM. Returns the exit code."""
    arguments = _arguments(argv)
    try:
        settings = Settings.from_env(os.environ)
        faults = _production_faults(settings)
        if faults:
            raise StartError("Production does not start like this:\n- " + "\n- ".join(faults))
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
    return parser.parse_args(argv)


def _production_faults(settings: Settings) -> list[str]:
    return settings.faults()


class Supervisor:
    """The whole portal as children of this process."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings) -> None:
        self.arguments, self.settings = arguments, settings
        self.began = time.monotonic()
        self.data = private_folder(data_folder())
        self.first_start = not (self.data / "run" / "started").exists()
        self.servers: list[Server[Any]] = []
        self.parts: list[Part] = []
        self.once: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}
        self.stopping = False

    def run(self) -> None:
        held = self._only_one()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        try:
            self._start()
            self._keep_alive()
        finally:
            self._stop()
            os.close(held)

    # --- starting -----------------------------------------------------------------------------------------

    def _only_one(self) -> int:
        folder = private_folder(self.data / "run")
        held = lock(folder / "supervisor.lock")
        if held is None:
            who = read_text(folder / "supervisor").strip() or "Another process"
            raise StartError(
                f"{who} already runs the portal on the data in {self.data}. Stop it, or set AUDIFI_DATA_DIR."
            )
        return held

    def _start(self) -> None:
        self.port = self._port()
        url = f"http://{self.arguments.host}:{self.port}"
        write_private(self.data / "run" / "supervisor", f"Process {os.getpid()} at {url}")
        self._start_servers()
        self._make_parts()
        self.parts[0].start()  # the web process imports while the migrations run
        with self._step("migrations"):
            self._migrate()
        with self._step("web"):
            self._wait_for_web(url)
        for part in self.parts[1:]:
            part.start()
        self._start_once()
        (self.data / "run" / "started").touch()
        self._greet(url)

    def _port(self) -> int:
        host, wanted = self.arguments.host, self.arguments.port
        if wanted:
            if not port_is_free(host, wanted):
                raise StartError(f"Port {wanted} is taken. Choose another one with --port.")
            return int(wanted)
        free = (port for port in range(USUAL_PORT, USUAL_PORT + 200) if port_is_free(host, port))
        if (port := next(free, None)) is None:
            raise StartError(f"No port from {USUAL_PORT} on is free. Choose one with --port.")
        return port

    def _start_servers(self) -> None:
        """Launch what is not given, all at once, then wait for each."""
        given = self.settings
        self.environment = {
            "AUDIFI_BIND": f"{self.arguments.host}:{self.port}",
            "AUDIFI_DATA_DIR": str(self.data),
            "AUDIFI_EMBEDDED": "0" if given.production else "1",
            "AUDIFI_SECRET_KEY": os.environ.get("AUDIFI_SECRET_KEY") or secret(self.data, "secret_key"),
            "PYTHONUNBUFFERED": "1",
        }
        wanted: list[tuple[Server[Any], Callable[[Any], dict[str, str]]]] = []
        if not given.database_url:
            from portal.embedded.postgres import Postgres

            wanted.append((Postgres(self.data), _database_urls))
        if not given.redis_url:
            from portal.embedded.valkey import Valkey

            wanted.append((Valkey(self.data), lambda url: {"AUDIFI_REDIS_URL": url}))
        if not given.rpc_url:
            from portal.embedded.devchain import Devchain

            wanted.append((Devchain(self.data, history=0), lambda url: {"AUDIFI_RPC_URL": url}))
        for server, _ in wanted:
            self.servers.append(server)
            server.launch()
        for server, urls in wanted:
            with self._step(server.name):
                server.wait()
            self.environment |= urls(server.address)

    def _migrate(self) -> None:
        """`flask db upgrade` as the owner; skipped when this database is known to have the newest revision."""
        if self.settings.production:
            return
        newest = max(path.name for path in (HERE / "migrations" / "versions").glob("[0-9]*.py"))
        address = self.settings.database_url or self.environment["AUDIFI_DATABASE_URL"]
        mark = f"{newest} {address.rpartition('@')[2]}"
        marker = self.data / "run" / "migrated"
        if read_text(marker) == mark and (self.data / "postgres").exists() == (not self.settings.database_url):
            return
        done = subprocess.run(  # noqa: S603
            flask("db", "upgrade"), cwd=HERE, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        if done.returncode:
            raise StartError(f"The migrations did not run:\n{done.stderr[-2000:]}")
        write_private(marker, mark)

    def _make_parts(self) -> None:
        """The one list of processes: a new one is a line here."""
        self.watch_end, self.watched = os.pipe()
        names = {
            "web": web(),
            **{f"worker-{n + 1}": flask("worker") for n in range(self.arguments.workers)},
            "relay": flask("relay"),
            "indexer": flask("indexer"),
        }
        environment = {**self.environment, WATCH: str(self.watch_end)}
        for name, command in names.items():
            log = self.data / "logs" / f"{name}.log"
            self.parts.append(Part(name, command, environment, log, (self.watch_end,)))

    def _start_once(self) -> None:
        """What runs to its end beside the portal: the platform's own contracts on the chain."""
        if self.settings.production:
            return
        name, command = "chain-setup", flask("chain-setup")
        part = Part(name, command, {**self.environment, WATCH: str(self.watch_end)},
                    self.data / "logs" / f"{name}.log", (self.watch_end,))  # fmt: skip
        part.start()
        if part.process:
            self.once[name] = part.process

    def _wait_for_web(self, url: str) -> None:
        deadline = time.monotonic() + WEB_PATIENCE
        while time.monotonic() < deadline and not self.stopping:
            with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
            if self.parts[0].process is None or self.parts[0].process.poll() is not None:
                break
            time.sleep(0.02)
        if not self.stopping:
            from portal.embedded.files import tail

            raise StartError(f"The web process did not answer. The end of its log:\n{tail(self.parts[0].log)}")

    # --- running ------------------------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        while not self.stopping:
            for part in self.parts:
                if (code := part.crashed()) is not None:
                    self._say(f"{part.name} ended ({_how(code)}); starting it again in {part.pause / 2:.1f} s")
                if part.due() and not self.stopping:
                    part.start()
            for server in self.servers:
                if server.process is not None and (code := server.process.poll()) is not None:
                    self._say(f"{server.name} ended ({_how(code)}); starting it again")
                    self._restart(server)
            self._look_at_once()
            time.sleep(0.2)

    def _restart(self, server: Server[Any]) -> None:
        try:
            server.launch()
            server.wait()
        except StartError as error:
            self._say(f"{error} Trying again.")
            time.sleep(1)

    def _look_at_once(self) -> None:
        for name, process in list(self.once.items()):
            if (code := process.poll()) is not None:
                del self.once[name]
                took = f"{time.monotonic() - self.began:.0f} s after the start"
                ended = f"ended ({_how(code)}); see {self.data / 'logs' / (name + '.log')}"
                self._say(f"{name} is done, {took}" if code == 0 else f"{name} {ended}")

    # --- stopping -----------------------------------------------------------------------------------------

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _stop(self) -> None:
        """The web first, so that nobody is answered by half a portal; the database last."""
        for process in self.once.values():
            process.terminate()
        for part in self.parts:
            part.stop()
        for server in reversed(self.servers):
            server.stop()
        if self.parts:
            self._say("stopped")

    # --- words --------------------------------------------------------------------------------------------

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._say(f"{name:<28} {time.monotonic() - start:5.2f} s")

    def _greet(self, url: str) -> None:
        self._say(f"first page after {time.monotonic() - self.began:.1f} s")
        lines = ["", f"  AudiFi is at {url}", ""]
        if self.arguments.host in {"127.0.0.1", "localhost", "::1"} and not self.settings.production:
            lines += [
                f"  Sign in with any e-mail address; its mail is at {url}/dev/mail",
                f"  Walk the whole story: flask --app wsgi demo --url {url}",
            ]
        print("\n".join([*lines, "  Ctrl-C stops everything.", ""]), flush=True)

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)


def _database_urls(urls: Any) -> dict[str, str]:
    return {
        "AUDIFI_DATABASE_URL": urls.app,
        "AUDIFI_WORKER_DATABASE_URL": urls.worker,
        "AUDIFI_OWNER_DATABASE_URL": urls.owner,
    }


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
