import asyncio
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from services.review.adapters.database import Database, DatabaseError
from shared.misconfiguration import MisconfigurationError


@pytest.mark.parametrize(
    "address",
    [
        "postgresql:/canary",
        "postgresql://canary/review",  # a driver that is not asynchronous, nor here
        "postgresql+asyncpg://canary:port/review",
        "sqlite:///canary.db",
        "canary://host/review",
    ],
)
def test_an_address_that_no_database_can_have_is_told_without_what_is_in_it(address: str) -> None:
    with pytest.raises(MisconfigurationError, match="GLIDESLOPE_REVIEW_DATABASE") as told:
        Database(address)
    assert "canary" not in str(told.value)
    assert told.value.__suppress_context__


async def test_a_database_that_is_not_there_is_an_error_that_says_what_to_look_at() -> None:
    database = Database("postgresql+asyncpg://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseError, match="GLIDESLOPE_REVIEW_DATABASE") as told:
        await database.open()
    assert "secret" not in str(told.value)
    await database.close()


async def test_a_server_that_lets_nobody_in_is_a_database_that_is_away(
    server: str, empty_name: str
) -> None:
    closed = Database(f"postgresql+asyncpg://{server}/no_such_database")
    with pytest.raises(DatabaseError):
        await closed.open()
    await closed.close()
    database = Database(f"postgresql+asyncpg://{server}/{empty_name}")
    other = await asyncpg.connect(f"postgresql://{server}/postgres")

    async def cut() -> None:
        async with database.writing() as connection:
            process = await connection.scalar(text("SELECT pg_backend_pid()"))
            await other.execute("SELECT pg_terminate_backend($1, 5000)", process)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseError):
        await cut()
    async with database.reading() as connection:  # the next one is a new connection
        assert await connection.scalar(text("SELECT 1")) == 1
    await other.close()
    await database.close()


async def test_what_is_not_committed_is_not_there(database: Database) -> None:
    async def broken() -> None:
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO marks (name, value) VALUES ('a', 'b')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT value FROM marks WHERE name = 'a'")) is None


async def test_a_file_that_is_no_database_is_an_error_of_the_databases(tmp_path: Path) -> None:
    file = tmp_path / "queue.db"
    await asyncio.to_thread(file.write_bytes, b"no database" * 1000)
    database = Database(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(DatabaseError, match="GLIDESLOPE_REVIEW_DATABASE"):
        await database.open()
    await database.close()
