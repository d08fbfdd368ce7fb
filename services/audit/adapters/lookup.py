"""What is looked up about a log's entries, in an SQLite file beside it.

It is derived: delete the file and it is made again from the log. On disk, because it grows with
the log (some 50 bytes an entry) and memory should not.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from services.audit.adapters.folder import FILE_MODE
from services.audit.entry import Position, RequestKey, Stream
from services.audit.tlog.leaf import Leaf

NAME: Final = "derived-3.sqlite"
"""The number is that of the schema: another one begins with an empty file."""

_SCHEMA: Final = """
    BEGIN;
    CREATE TABLE IF NOT EXISTS streams (
        id INTEGER PRIMARY KEY, cluster TEXT, topic TEXT, partition INTEGER, newest INTEGER,
        UNIQUE (cluster, topic, partition)
    );
    CREATE TABLE IF NOT EXISTS entries (
        stream INTEGER, "offset" INTEGER, timestamp INTEGER,
        "index" INTEGER NOT NULL, size INTEGER NOT NULL,
        PRIMARY KEY (stream, "offset", timestamp)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ends (
        request BLOB PRIMARY KEY, "index" INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER);
    COMMIT;
"""


class SqliteDerived:
    """Where each position and each request's end stands in the log.

    A write-ahead log without fsync on each commit: after a crash of the machine it may lag
    behind the log, never be ahead of it, and never be half written.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._streams: dict[Stream, int] = {}
        self._newest: dict[Stream, int] = {}
        for id_, newest, *stream in database.execute(
            "SELECT id, newest, cluster, topic, partition FROM streams"
        ):
            self._streams[tuple(stream)] = id_
            self._newest[tuple(stream)] = newest

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the derived state in `folder`, an empty one if it is of no use."""
        try:
            return cls(_connect(folder / NAME))
        except sqlite3.DatabaseError:
            for path in folder.glob(f"{NAME}*"):
                path.unlink()
            return cls(_connect(folder / NAME))

    def size(self) -> int:
        """Return how many entries are known here."""
        row = self._database.execute("SELECT size FROM log").fetchone()
        return 0 if row is None else int(row[0])

    def place(self, position: Position) -> tuple[int, int] | None:
        """Return the index of the entry with this position, and the size in its receipt.

        That is the size that made it durable, or after this file was made again a later one.
        """
        return self._database.execute(  # type: ignore[no-any-return] # the columns' types
            'SELECT "index", size FROM entries WHERE stream = ? AND "offset" = ? AND timestamp = ?',
            (self._streams.get(position[:3]), position.offset, position.timestamp),
        ).fetchone()

    def end(self, request: RequestKey) -> int | None:
        """Return the index of the entry that decided the request: the first that did."""
        row = self._database.execute(
            'SELECT "index" FROM ends WHERE request = ?', (request.digest(),)
        ).fetchone()
        return None if row is None else row[0]

    def newest(self, stream: Stream) -> int | None:
        """Return the offset of the newest entry of a partition, None where there is none."""
        return self._newest.get(stream)

    def add(self, leaves: Iterable[tuple[int, Leaf]], size: int) -> None:
        """Take in durable entries, all or none. Taking one in again changes nothing."""
        known = 0
        newest: dict[Stream, int] = {}
        entries: list[tuple[int, int, int, int, int]] = []
        ends: list[tuple[bytes, int]] = []
        with self._database:
            self._database.execute("BEGIN")
            for index, leaf in leaves:
                position = leaf.position
                stream = position[:3]
                id_ = self._streams.get(stream) or self._begin(stream)
                entries.append((id_, position.offset, position.timestamp, index, size))
                newest[stream] = position.offset
                known = index + 1
                if leaf.decides is not None:
                    ends.append((leaf.decides.digest(), index))
            self._database.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?)", entries
            )
            if ends:
                self._database.executemany("INSERT OR IGNORE INTO ends VALUES (?, ?)", ends)
            self._database.executemany(
                "UPDATE streams SET newest = ? WHERE id = ?",
                [(offset, self._streams[stream]) for stream, offset in newest.items()],
            )
            self._database.execute("REPLACE INTO log VALUES (1, ?)", (known,))
        self._newest.update(newest)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _begin(self, stream: Stream) -> int:
        id_ = self._streams[stream] = len(self._streams) + 1
        self._database.execute("INSERT INTO streams VALUES (?, ?, ?, ?, NULL)", (id_, *stream))
        return id_


def _connect(path: Path) -> sqlite3.Connection:
    # Used by one thread at a time, though not always by the same one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
