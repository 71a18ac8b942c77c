"""What the chain keeps on disk: state nodes, blocks, transactions, logs, the clock. One SQLite file.

A block is one SQLite transaction, synced before the sender gets an answer, so a killed process loses nothing
and a restart has nothing to replay. Answers are kept as the JSON that clients get.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FORMAT = 1
CACHED_NODES = 200_000
TABLES = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL,
    body BLOB NOT NULL, receipt BLOB NOT NULL, UNIQUE (block, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
    block INTEGER NOT NULL, position INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, body BLOB NOT NULL,
    PRIMARY KEY (block, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS logs_by_address ON logs (address, block, position);
CREATE TABLE IF NOT EXISTS snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, block INTEGER, clock INTEGER);
INSERT OR IGNORE INTO numbers VALUES ('format', 1);
"""

Topics = Sequence[Sequence[bytes]]


@dataclass(frozen=True)
class TransactionRow:
    """A mined transaction: its JSON and its receipt's JSON."""

    hash: bytes
    body: bytes
    receipt: bytes


@dataclass(frozen=True)
class LogRow:
    """A log with what it can be found by, and its JSON."""

    address: bytes
    topics: tuple[bytes, ...]
    body: bytes


@dataclass(frozen=True)
class BlockRow:
    """A block: `header` in RLP, `body` its JSON without the transactions."""

    number: int
    hash: bytes
    header: bytes
    body: bytes
    transactions: Sequence[TransactionRow] = ()
    logs: Sequence[LogRow] = ()


class Nodes:
    """The EVM's key/value view of the state; writes gather until the block is stored."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._cache: dict[bytes, bytes] = {}
        self.fresh: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        if (value := self._cache.get(key)) is not None:
            return value
        row = self._db.execute("SELECT value FROM nodes WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        self._cache[key] = row[0]
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._cache[key] = self.fresh[key] = value

    def __delitem__(self, key: bytes) -> None:
        """Nothing: older blocks still need the node."""

    def __contains__(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def flush(self) -> None:
        """Write what gathered, inside the caller's transaction."""
        self._db.executemany("INSERT OR IGNORE INTO nodes VALUES (?, ?)", self.fresh.items())
        self.fresh = {}
        if len(self._cache) > CACHED_NODES:
            self._cache.clear()


class Store:
    """The chain's file, opened by one process at a time."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(TABLES)
        if self.number("format") != FORMAT:
            raise SystemExit(f"{path} has another format. Move it away to start a fresh chain.")
        self.nodes = Nodes(self._db)

    def close(self) -> None:
        """Close the file; everything is on disk already."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, synced to disk at its end."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def number(self, name: str) -> int | None:
        """A kept number: `format`, `clock`."""
        row = self._db.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def set_number(self, name: str, value: int) -> None:
        """Keep a number."""
        self._db.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (name, value))

    def add_block(self, block: BlockRow) -> None:
        """Store a block with all that it brought, inside the caller's transaction."""
        number = block.number
        self.nodes.flush()
        self._db.execute("INSERT INTO blocks VALUES (?, ?, ?, ?)", (number, block.hash, block.header, block.body))
        self._db.executemany(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)",
            [(row.hash, number, at, row.body, row.receipt) for at, row in enumerate(block.transactions)],
        )
        self._db.executemany(
            "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (number, at, row.address, *row.topics, *[None] * (4 - len(row.topics)), row.body)
                for at, row in enumerate(block.logs)
            ],
        )

    def remove_above(self, number: int) -> None:
        """Forget every block above `number`, inside the caller's transaction."""
        self._db.execute("DELETE FROM blocks WHERE number > ?", (number,))
        self._db.execute("DELETE FROM transactions WHERE block > ?", (number,))
        self._db.execute("DELETE FROM logs WHERE block > ?", (number,))

    def head(self) -> tuple[int, bytes] | None:
        """The newest block's number and header in RLP; None on an empty chain."""
        row = self._db.execute("SELECT number, header FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else (row[0], row[1])

    def newest_filled(self) -> int:
        """The newest block with a transaction; 0 if there is none."""
        return int(self._db.execute("SELECT coalesce(max(block), 0) FROM transactions").fetchone()[0])

    def header(self, number: int) -> bytes | None:
        """A block's header in RLP."""
        row = self._db.execute("SELECT header FROM blocks WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def block_body(self, number: int) -> bytes | None:
        """A block's JSON without its transactions."""
        row = self._db.execute("SELECT body FROM blocks WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the block with that hash."""
        row = self._db.execute("SELECT number FROM blocks WHERE hash = ?", (block_hash,)).fetchone()
        return None if row is None else int(row[0])

    def hashes_below(self, number: int, limit: int = 256) -> Iterator[bytes]:
        """Hashes of the blocks before `number`, newest first."""
        rows = self._db.execute(
            "SELECT hash FROM blocks WHERE number < ? ORDER BY number DESC LIMIT ?", (number, limit)
        )
        return (row[0] for row in rows)

    def transactions(self, number: int) -> list[TransactionRow]:
        """A block's transactions in order."""
        rows = self._db.execute(
            "SELECT hash, body, receipt FROM transactions WHERE block = ? ORDER BY position", (number,)
        )
        return [TransactionRow(*row) for row in rows]

    def transaction_row(self, transaction_hash: bytes) -> TransactionRow | None:
        """A mined transaction."""
        row = self._db.execute(
            "SELECT hash, body, receipt FROM transactions WHERE hash = ?", (transaction_hash,)
        ).fetchone()
        return None if row is None else TransactionRow(*row)

    def logs(self, first: int, last: int, addresses: Sequence[bytes], topics: Topics) -> list[bytes]:
        """The JSON of the logs in blocks `first` to `last`; an empty list of addresses or topics matches all."""
        wheres, values = ["block BETWEEN ? AND ?"], [first, last]
        filters = [("address", addresses), *((f"topic{at}", wanted) for at, wanted in enumerate(topics))]
        for column, wanted in filters:
            if wanted:
                wheres.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += wanted  # type: ignore[arg-type]
        query = f"SELECT body FROM logs WHERE {' AND '.join(wheres)} ORDER BY block, position"  # noqa: S608
        return [row[0] for row in self._db.execute(query, values)]

    def add_snapshot(self, block: int, clock: int) -> int:
        """Remember a point to return to; its id counts up and is never used again."""
        return int(
            self._db.execute("INSERT INTO snapshots (block, clock) VALUES (?, ?)", (block, clock)).lastrowid or 0
        )

    def take_snapshot(self, snapshot: int) -> tuple[int, int] | None:
        """The point's block and clock; it and all later points are gone afterwards."""
        row = self._db.execute("SELECT block, clock FROM snapshots WHERE id = ?", (snapshot,)).fetchone()
        self._db.execute("DELETE FROM snapshots WHERE id >= ? AND ?", (snapshot, row is not None))
        return None if row is None else (row[0], row[1])
