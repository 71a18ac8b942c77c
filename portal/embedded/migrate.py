"""Bring the database up to date before the portal serves, or know in a moment that it already is.

A process of its own runs the migrations as the tables' owner. It is started early, reads its modules while the
database is still starting, and goes on when told: what `flask db upgrade` does, without the rest of the portal.
"""

import gc
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from portal.embedded.files import HERE, StartError, read_text, tail, write_private
from portal.embedded.process import spawn

LOCK_WAIT = 120


class Migration:
    """The migrations of `database` (its owner's SQLAlchemy address), known by a mark in the data folder."""

    def __init__(self, data_dir: Path, database: str, environment: Mapping[str, str]) -> None:
        self.mark = data_dir / "run" / "migrated"
        self.log = data_dir / "logs" / "migrate.log"
        self.database, self.environment = database, environment
        self.files = _fingerprint(HERE / "migrations" / "versions")
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the process if the mark does not know these files; it waits to be told that the database is up."""
        if self._marked().get("files") != self.files:
            self.process = self._spawn()

    def run(self) -> bool:
        """Migrate unless mark and database agree that nothing is to do; True if it ran. Raises StartError."""
        if self.process is None:
            if (version := _version(self.database)) and self._marked().get("version") == version:
                return False
            self.process = self._spawn()
        self.process.communicate(b"go\n", timeout=LOCK_WAIT)
        if self.process.returncode:
            raise StartError(f"The migrations did not run. The end of {self.log}:\n{tail(self.log)}")
        write_private(self.mark, json.dumps({"files": self.files, "version": _version(self.database)}))
        return True

    def _marked(self) -> dict[str, str]:
        marked: dict[str, str] = json.loads(read_text(self.mark) or "{}")
        return marked

    def _spawn(self) -> "subprocess.Popen[bytes]":
        return spawn(
            [sys.executable, "-m", "portal.embedded.migrate"], self.log, cwd=HERE, stdin=subprocess.PIPE,
            env={**self.environment, "AUDIFI_OWNER_DATABASE_URL": self.database},
        )  # fmt: skip


def _fingerprint(folder: Path) -> str:
    known = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(folder.glob("*.py"))]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _version(database: str) -> str:
    """The revision that the database says it has; "" if it has none."""
    import psycopg

    with psycopg.connect(database.replace("+psycopg", "", 1), connect_timeout=5) as connection:
        if not connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchall()[0][0]:
            return ""
        rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
        return " ".join(str(row[0]) for row in rows)


def main() -> None:
    """The process: import, wait for a line, migrate."""
    gc.disable()  # it ends before there is anything worth collecting
    from flask import Flask
    from flask_migrate import Migrate, upgrade

    from portal.config import Settings
    from portal.db import db

    settings = Settings.from_env(os.environ)
    app = Flask("portal")
    app.config.update(SETTINGS=settings, SQLALCHEMY_DATABASE_URI=settings.for_owner())
    db.init_app(app)
    Migrate(app, db, directory=str(HERE / "migrations"))
    if sys.stdin.readline():
        with app.app_context():
            upgrade()


if __name__ == "__main__":
    main()
