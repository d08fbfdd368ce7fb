"""What is looked up about a log's entries, in an SQLite file beside it.

It is derived: delete the file and it is made again from the log. On disk, because it grows with
the log (about 100 bytes an entry) and memory should not.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from services.audit.adapters.segments import Batch, Mark
from services.audit.entry import Position, RequestKey

NAME: Final = "derived-1.sqlite"
"""The number is that of the schema: another one begins with an empty file."""

_SCHEMA: Final = """
    BEGIN;
    CREATE TABLE IF NOT EXISTS entries (
        cluster TEXT, topic TEXT, partition INTEGER, "offset" INTEGER, timestamp INTEGER,
        "index" INTEGER NOT NULL, size INTEGER NOT NULL,
        PRIMARY KEY (cluster, topic, partition, "offset", timestamp)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ends (
        request BLOB PRIMARY KEY, "index" INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS newest (
        one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER, byte INTEGER, entry INTEGER
    );
    COMMIT;
"""


class Derived:
    """Where each position and each request's end stands in the log.

    A write-ahead log without fsync on each commit: after a crash of the machine it may lag
    behind the log, never be ahead of it, and never be half written.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the derived state of the log in `folder`, an empty one if it is of no use."""
        try:
            return cls(_connect(folder / NAME))
        except sqlite3.DatabaseError:
            for path in folder.glob(f"{NAME}*"):
                path.unlink()
            return cls(_connect(folder / NAME))

    def newest(self) -> Mark | None:
        """Return where the newest batch that is known here begins."""
        row = self._database.execute("SELECT segment, byte, entry FROM newest").fetchone()
        return None if row is None else Mark(*row)

    def place(self, position: Position) -> tuple[int, int] | None:
        """Return the index of the entry with this position, and the size that made it durable."""
        return self._database.execute(  # type: ignore[no-any-return] # the columns' types
            'SELECT "index", size FROM entries WHERE cluster = ? AND topic = ? AND partition = ?'
            ' AND "offset" = ? AND timestamp = ?',
            position,
        ).fetchone()

    def end(self, request: RequestKey) -> int | None:
        """Return the index of the entry that decided the request: the first that did."""
        row = self._database.execute(
            'SELECT "index" FROM ends WHERE request = ?', (request.digest(),)
        ).fetchone()
        return None if row is None else row[0]

    def add(self, batches: Iterable[Batch]) -> None:
        """Take in durable batches, all or none. Taking one in again changes nothing."""
        with self._database:
            self._database.execute("BEGIN")
            for batch in batches:
                self._add(batch)

    def _add(self, batch: Batch) -> None:
        self._database.executemany(
            "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*line.entry.position, line.index, line.size) for line in batch.lines],
        )
        self._database.executemany(
            "INSERT OR IGNORE INTO ends VALUES (?, ?)",
            [
                (line.entry.decides.digest(), line.index)
                for line in batch.lines
                if line.entry.decides is not None
            ],
        )
        self._database.execute("REPLACE INTO newest VALUES (1, ?, ?, ?)", batch.mark)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _connect(path: Path) -> sqlite3.Connection:
    # Used by one thread at a time, though not always by the same one.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
