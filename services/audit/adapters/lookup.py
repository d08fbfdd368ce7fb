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

_WRITTEN_AT_ONCE: Final = 8_192

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

    A write-ahead log without fsync on each commit, and many batches in one: after a crash it may
    lag behind the log, never be ahead of it, and never be half written.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._streams: dict[Stream, int] = {}
        self._newest: dict[Stream, int] = {}
        self._size: int | None = None
        # What is still to be written:
        self._places: dict[Position, tuple[int, int]] = {}
        self._ends: dict[bytes, int] = {}
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
        if self._size is None:
            row = self._database.execute("SELECT size FROM log").fetchone()
            self._size = 0 if row is None else int(row[0])
        return self._size

    def place(self, position: Position) -> tuple[int, int] | None:
        """Return the index of the entry with this position, and the size in its receipt.

        That is the size that made it durable, or after this file was made again a later one.
        """
        if (place := self._places.get(position)) is not None:
            return place
        return self._database.execute(  # type: ignore[no-any-return] # the columns' types
            'SELECT "index", size FROM entries WHERE stream = ? AND "offset" = ? AND timestamp = ?',
            (self._streams.get(position[:3]), position.offset, position.timestamp),
        ).fetchone()

    def end(self, request: RequestKey) -> int | None:
        """Return the index of the entry that decided the request: the first that did."""
        digest = request.digest()
        row = self._database.execute(
            'SELECT "index" FROM ends WHERE request = ?', (digest,)
        ).fetchone()
        return self._ends.get(digest) if row is None else row[0]

    def newest(self, stream: Stream) -> int | None:
        """Return the offset of the newest entry of a partition, None where there is none."""
        return self._newest.get(stream)

    def add(self, leaves: Iterable[tuple[int, Leaf]], size: int) -> None:
        """Take in durable entries. Taking one in again changes nothing.

        They are written with others, later: until then a restart reads them from the log again.
        """
        index = -1
        for index, leaf in leaves:
            position = leaf.position
            self._places.setdefault(position, (index, size))
            self._newest[position[:3]] = position.offset
            if leaf.decides is not None:
                self._ends.setdefault(leaf.decides.digest(), index)
        self._size = max(self.size(), index + 1)
        if len(self._places) >= _WRITTEN_AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write what was taken in, all or none."""
        if not self._places:
            return
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?)",
                [
                    (self._id(p[:3]), p.offset, p.timestamp, *place)
                    for p, place in self._places.items()
                ],
            )
            self._database.executemany(
                "INSERT OR IGNORE INTO ends VALUES (?, ?)", self._ends.items()
            )
            self._database.executemany(
                "UPDATE streams SET newest = ? WHERE id = ?",
                [(self._newest[stream], id_) for stream, id_ in self._streams.items()],
            )
            self._database.execute("REPLACE INTO log VALUES (1, ?)", (self._size,))
        self._places.clear()
        self._ends.clear()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _id(self, stream: Stream) -> int:
        if (known := self._streams.get(stream)) is not None:
            return known
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
