"""The database: opened, brought to the newest schema, and written one transaction at a time.

SQLite has one writer. In one process the writers wait for each other here, in the order in which
they came; from outside, `BEGIN IMMEDIATE` takes the lock before anything is read, so that what a
transaction has read is still so when it writes. PostgreSQL locks the rows that are read
`FOR UPDATE`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InvalidRequestError,
    OperationalError,
)
from sqlalchemy.exc import DatabaseError as AnyDatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.review.adapters.schema import MIGRATIONS, bring_up_to_date
from shared.delivery.errors import OverloadedError
from shared.misconfiguration import MisconfigurationError

_BUSY_SECONDS: Final = 30
_POOL: Final = 16
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:key)")
_MIGRATING: Final = 0x676C696465  # any numbers that nobody else locks
_BUILDING: Final = 0x676C696466
_ABSENT: Final = "review database"
_NO_ADDRESS: Final = (
    "setting GLIDESLOPE_REVIEW_DATABASE: it must be an address such as "
    "postgresql+asyncpg://user:password@host/name"
)


class DatabaseError(OverloadedError):
    """The database does not answer, or is locked."""

    def __init__(self, error: Exception) -> None:
        kind = type(getattr(error, "orig", None) or error).__name__
        super().__init__(
            _ABSENT,
            f"it cannot be used ({kind}): see that it runs, and that GLIDESLOPE_REVIEW_DATABASE "
            "names it",
        )


class Database:
    """One database by its SQLAlchemy URL. `migrations` makes its tables.

    Raises `MisconfigurationError` for a URL that is none, or of a driver that is not here.
    """

    def __init__(self, url: str, migrations: Path = MIGRATIONS) -> None:
        try:
            self._url = make_url(url)
            self._engine: AsyncEngine = _engine(url)
        except (ArgumentError, InvalidRequestError, ImportError, ValueError) as error:
            # without its cause: that may show parts of the address, and so of a password
            raise MisconfigurationError(f"{_NO_ADDRESS} ({type(error).__name__})") from None
        self._migrations = migrations
        self._writing: Any = asyncio.Lock() if self._is_sqlite else contextlib.nullcontext()

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    async def open(self) -> None:
        """Bring the schema to the newest version. Raises `DatabaseError`, `SchemaTooNewError`."""
        if self._is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        async with self.writing() as connection:
            if not self._is_sqlite:  # of several processes that start, one migrates
                await connection.execute(_LOCK, {"key": _MIGRATING})
            await connection.run_sync(bring_up_to_date, self._migrations)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep all other processes out of here while the context is open; SQLite has one alone.

        Raises `DatabaseError`.
        """
        if self._is_sqlite:
            yield
            return
        async with self.reading() as connection:
            await connection.execute(_LOCK, {"key": _BUILDING})
            yield

    async def wipe(self) -> None:
        """Leave nothing in the files of what was deleted, as far as this is ours to do.

        SQLite overwrites it at once (`secure_delete`), and its log is emptied here. PostgreSQL
        does at the next vacuum. Raises `DatabaseError`.
        """
        if not self._is_sqlite:
            return
        with _told():
            async with self._writing, self._engine.connect() as connection:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                await raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads. Raises `DatabaseError`."""
        with _told():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes: committed at the end, or nothing of it is there.

        Raises `DatabaseError`.
        """
        with _told():
            async with self._writing, self._engine.connect() as connection:
                await connection.execution_options(writes=True)
                async with connection.begin():
                    yield connection


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a database that is away, full or locked raises into one error."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
        raise DatabaseError(error) from error
    except DBAPIError as error:
        # A server that starts, stops, is full or ends a deadlock, and a damaged file, have no class
        # of their own; what is wrong with a statement or its data has.
        if error.connection_invalidated or type(error) in {DBAPIError, AnyDatabaseError}:
            raise DatabaseError(error) from error
        raise


def _engine(url: str) -> AsyncEngine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=_POOL, pool_pre_ping=True)
    engine = create_async_engine(url, pool_size=_POOL, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 must not begin by itself: see on_begin
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
