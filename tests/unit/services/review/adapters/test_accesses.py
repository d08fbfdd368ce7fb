"""Accesses on the record, written together."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import select

from services.review.access import accessed
from services.review.adapters.accesses import SqlAccessLog
from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.tables import outbox
from shared.events import ReviewAccessed

MANY = 120


async def recorded(database: Database) -> Counter[str]:
    async with database.reading() as connection:
        values = (await connection.scalars(select(outbox.c.value))).all()
    return Counter(ReviewAccessed.model_validate_json(each).code for each in values)


def refusal(code: object) -> ReviewAccessed:
    return accessed(None, "refused", code=str(code))


async def test_of_many_at_once_each_is_on_the_record_when_it_returns(database: Database) -> None:
    log = SqlAccessLog(database, 4)

    async def record(number: int) -> bool:
        await log.record(refusal(number))
        return str(number) in await recorded(database)

    assert all(await asyncio.gather(*map(record, range(MANY))))
    assert await recorded(database) == dict.fromkeys(map(str, range(MANY)), 1)


async def test_who_goes_away_takes_nobody_along(database: Database) -> None:
    log = SqlAccessLog(database, 4)
    for loops in range(12):  # cancelled at one step after another
        first = asyncio.create_task(log.record(refusal("first")))
        others = [asyncio.create_task(log.record(refusal(f"{loops} {n}"))) for n in range(3)]
        for _ in range(loops):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(*others)
    found = await recorded(database)
    assert {f"{loops} {n}" for loops in range(12) for n in range(3)} <= set(found)


async def test_a_database_that_is_away_is_told_to_all_who_wait() -> None:
    database = Database("postgresql+asyncpg://nobody:secret@127.0.0.1:1/none")
    log = SqlAccessLog(database, 4)
    told = await asyncio.gather(*(log.record(refusal(n)) for n in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [DatabaseError] * 3
    await database.close()


async def test_what_was_published_before_a_time_is_forgotten(database: Database) -> None:
    log = SqlAccessLog(database, 4)
    await log.record(refusal("old"))
    await log.sweep(datetime.now(UTC))
    assert await recorded(database) == {"old": 1}  # it is not out yet
