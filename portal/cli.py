"""`flask …` commands: each process of the portal can be started alone.

Every process imports this module, and a visitor waits while the web does: what one command alone needs is imported
inside it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from flask import Flask, current_app

from portal import logs, outbox, queue
from portal.config import Settings
from portal.db import db, use_database
from portal.embedded.watch import exit_when_supervisor_dies


def register(app: Flask) -> None:
    processes, chain = (worker, relay, indexer), (chain_setup, backfill, rebuild, resume_indexer, check)
    for command in (*processes, *chain, seed, demo, ipfs_publish, keys, audit):
        app.cli.add_command(command)


class Stopping:
    """SIGTERM and Ctrl-C end a loop after the round it is in."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._event.set())

    def keep_going(self) -> bool:
        return not self._event.is_set()


def _start(name: str) -> Flask:
    """Logs, the watch over the supervisor, and the worker's role in the database."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings: Settings = app.config["SETTINGS"]
    logs.set_up(settings.log_level, name)
    exit_when_supervisor_dies()
    use_database(settings.for_worker())
    return app


@click.command("worker")
def worker() -> None:
    """Carry out jobs from the queue."""
    _start("worker")
    os.register_at_fork(after_in_child=lambda: db.engine.dispose(close=False))
    queue.worker().work(logging_level="WARNING", with_scheduler=False)


@click.command("relay")
def relay() -> None:
    """Turn outbox rows into jobs, and strike the clock."""
    app = _start("relay")
    outbox.relay(app, keep_going=Stopping().keep_going)


@click.command("indexer")
def indexer() -> None:
    """Follow the chain into the database."""
    from portal.indexer import service as indexing

    app = _start("indexer")
    indexing.run(app, keep_going=Stopping().keep_going)


@click.command("backfill")
@click.argument("first", type=click.IntRange(0))
@click.argument("last", type=click.IntRange(0))
def backfill(first: int, last: int) -> None:
    """Read the blocks FIRST to LAST again and add the logs that are missing; may run beside the indexer."""
    from portal.indexer import service as indexing

    with _as_indexer():
        click.echo(f"{indexing.backfill(first, last)} logs were missing")


@click.command("rebuild")
@click.option("--repair", is_flag=True, help="Make the tables what the logs say; without it they are only compared.")
def rebuild(repair: bool) -> None:
    """Hold every table that mirrors the chain against the logs; exit with 1 where rows differ and stay so."""
    from portal.indexer import service as indexing

    with _as_indexer() as settings:
        found = (indexing.rebuild if repair else indexing.differences)(settings.chain_id)
    for table, rows in sorted(found.items()):
        click.echo(f"{table}: {rows} rows {'corrected' if repair else 'differ'}")
    click.echo("The tables are what the logs say." if repair or not found else "Run again with --repair.")
    if found and not repair:
        raise SystemExit(1)


@click.command("resume-indexer")
@click.option("--repair", is_flag=True, help="Take back what the chain has lost and go on; without it, only look.")
def resume_indexer(repair: bool) -> None:
    """After the chain changed below its final block: find the fork, take back what stood above it, read on from there.

    Refused while the indexer is not stopped by that; exit with 1 where it stays stopped.
    """
    from portal.audit.context import Actor, acting_as
    from portal.indexer import service as indexing

    with _as_indexer() as settings, acting_as(Actor(identifier="flask resume-indexer")):
        if not repair:
            click.echo(indexing.look(settings))
            raise click.ClickException("Run again with --repair to go on.")
        done = indexing.resume(settings)
    click.echo(done.fork)
    for table, rows in sorted(done.corrected.items()):
        click.echo(f"{table}: {rows} rows corrected")
    click.echo(f"{done.followed} of the portal's own transactions are followed anew.")
    click.echo("The indexer goes on by itself. Once it has caught up, run `flask check`.")


@contextmanager
def _as_indexer() -> Iterator[Settings]:
    """The worker's rights and the chain, also beside an embedded portal; a refusal is one sentence and exit code 1."""
    from portal.errors import DomainError

    settings = _settings()
    port = settings.data_dir / "run" / "devchain.port"
    if not settings.rpc_url and port.is_file():
        settings = replace(settings, rpc_url=f"http://127.0.0.1:{port.read_text()}", embedded=True)
        current_app.config["SETTINGS"] = settings
    try:
        yield settings
    except DomainError as error:
        raise click.ClickException(error.detail) from None


@click.command("chain-setup")
def chain_setup() -> None:
    """Put the factory (and on the devchain the stablecoin) on the chain; does nothing when they are there."""
    from portal.chain import bootstrap

    bootstrap.ensure(_start("chain-setup"))
    if current_app.config["SETTINGS"].embedded:
        from portal.seed import clock

        clock.catch_up()  # demo data may have been begun and left in the past


@click.command("ipfs-publish")
def ipfs_publish() -> None:
    """Send every file that a contract leads to to the IPFS node: also what was launched before there was one."""
    from portal.masters.publishing import publish_all

    app = _start("ipfs-publish")
    if not app.config["SETTINGS"].ipfs_url:
        raise click.ClickException("AUDIFI_IPFS_URL names no node.")
    click.echo(f"{publish_all()} files are asked for; the workers send them.")


@click.command("seed")
@click.option("--env", type=click.Choice(["dev", "test"]), default="dev", show_default=True)
def seed(env: str) -> None:
    """Add staff, demo artists, fans, sales, income and rooms; a second run changes nothing. `test` is the smaller one.

    Needs worker, relay and indexer running beside it.
    """
    from portal import seed as planting

    if current_app.config["SETTINGS"].production:
        raise click.ClickException("Demo data is not for production.")
    try:
        planting.sow(_start(f"seed-{env}"), env)
    except planting.Stalled as error:
        raise click.ClickException(str(error)) from error


@click.command("demo")
@click.option("--url", default="http://127.0.0.1:5000", show_default=True, help="A running portal.")
@click.option("--rpc-url", envvar="AUDIFI_RPC_URL", default="", help="Its chain; unset, that of the data folder.")
@click.option("--wait", default=0.0, show_default=True, help="Seconds to wait until it answers.")
def demo(url: str, rpc_url: str, wait: float) -> None:
    """Walk a master from draft to claimed dividend against a running portal; fail at the first falsehood."""
    from portal import demo as story

    settings: Settings = current_app.config["SETTINGS"]
    rpc_url = rpc_url or _embedded_chain(settings)
    if not rpc_url:
        raise click.UsageError("Where is the chain? Set AUDIFI_DATA_DIR as for the portal, or give --rpc-url.")
    raise SystemExit(story.run(url, rpc_url, wait))


# --- records ----------------------------------------------------------------------------------------------


def _settings() -> Settings:
    """For commands at a terminal: beside an embedded portal they find its database by themselves."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.for_worker():
        use_database(settings.for_worker())
    else:
        from portal.embedded.postgres import Postgres

        use_database(Postgres(settings.data_dir).address.worker)
    return settings


def _embedded_chain(settings: Settings) -> str:
    """The address of the chain of an embedded portal, empty where there is none in its data folder."""
    port = settings.data_dir / "run" / "devchain.port"
    return f"http://127.0.0.1:{port.read_text()}" if port.is_file() else ""


@click.group("keys")
def keys() -> None:
    """The keys of the encrypted columns: see, add, rotate, drop."""


@keys.command("list")
def keys_list() -> None:
    """Name each key and how many values it has sealed; the first one writes."""
    from portal.audit import rotation
    from portal.crypto.keyring import data_keys

    settings = _settings()
    used = rotation.counts()
    for name in [*data_keys(settings).keys, *sorted(set(used) - set(data_keys(settings).keys))]:
        known = "" if name in data_keys(settings).keys else "  (missing: these values cannot be read)"
        click.echo(f"{name}  {used[name]} values{known}")


@keys.command("new")
def keys_new() -> None:
    """Put a new key in front of the key file."""
    from portal.audit import rotation

    with _plainly():
        click.echo(f"{rotation.add_key(_settings())} writes from now on; `flask keys rotate` brings the rest along")


@keys.command("rotate")
def keys_rotate() -> None:
    """Seal every value under the key that writes; may be killed and run again at any time."""
    from portal.audit import rotation

    with _plainly():
        click.echo(f"{rotation.rotate(_settings())} values sealed anew")


@keys.command("drop")
@click.argument("name")
def keys_drop(name: str) -> None:
    """Take an old key out of the key file, unless a value still needs it."""
    from portal.audit import rotation

    with _plainly():
        rotation.drop_key(_settings(), name)


@contextmanager
def _plainly() -> Iterator[None]:
    """A fault of the keys as one sentence and exit code 1."""
    from portal.crypto.keyring import KeyFault

    try:
        yield
    except KeyFault as error:
        raise click.ClickException(str(error)) from None


@click.group("audit")
def audit() -> None:
    """The audit log: seal what is new, verify what is sealed."""


@audit.command("seal")
def audit_seal() -> None:
    """Seal what was written so far; the clock does it every minute."""
    from portal.audit import sealing

    with _plainly():
        click.echo(f"{sealing.seal(_settings())} rows sealed")


@audit.command("verify")
def audit_verify() -> None:
    """Hold every sealed row against its seal; name what was changed and exit with 1."""
    from portal.audit import verifying

    with _plainly():
        report = verifying.verify(_settings())
    for finding in report.findings:
        click.echo(finding)
    click.echo(f"{report.rows} rows in {report.seals} seals, {report.waiting} not sealed yet")
    if report.findings:
        raise SystemExit(1)


# --- invariants -------------------------------------------------------------------------------------------


@click.command("check")
@click.option("--only", multiple=True, metavar="NAME", help="Check this invariant alone; may be given several times.")
@click.option("--list", "listed", is_flag=True, help="Name the invariants and check none.")
@click.option("--chain/--no-chain", default=True, show_default=True, help="Ask the chain too.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(only: tuple[str, ...], listed: bool, chain: bool, as_json: bool) -> None:
    """Hold every invariant against the database and the chain; changes nothing.

    Ends with 1 when one is broken, naming the rows, and with 3 when none is but some could not be checked.
    """
    from portal import checking, checklist

    if listed:
        click.echo(checklist.names(checking.every(), as_json))
        return
    settings = _settings()
    settings = settings if settings.rpc_url else replace(settings, rpc_url=_embedded_chain(settings))
    try:
        results = checking.run(settings, only, chain=chain)
    except (LookupError, checking.Hidden) as error:
        raise click.UsageError(str(error.args[0])) from None
    click.echo(checklist.told(results, as_json))
    raise SystemExit(checklist.exit_code(results))
