"""The queue made anew from the topics alone."""

from typing import Final

import structlog

from services.review.adapters.database import Database
from services.review.adapters.tables import marks
from services.review.intake import Intake
from services.review.settings import ReviewSettings
from shared import topics
from shared.replay import Replay

_BUILT: Final = "built"
# Decisions last: what was sent back may have come again, and been decided.
SOURCES: Final = (topics.FALLBACK_REVIEW, topics.FALLBACK_REGENERATE, topics.REVIEWS_DECIDED)

log = structlog.get_logger(__name__)


async def rebuild(settings: ReviewSettings, database: Database, intake: Intake) -> int:
    """Read the topics into a database that has never been, or if it is asked for; count records.

    Nothing that is there is lost: what the topics say again changes nothing.
    """
    async with database.alone():  # of several processes that start, one builds
        built = await _is_built(database)
        if built and not settings.review_rebuild:
            return 0
        count = 0
        for topic in SOURCES:
            async with Replay(settings, topic) as replay:
                async for batch in replay.to_end():
                    for record in batch:
                        await intake.replay(topic, record)
                        count += 1
        if not built:
            async with database.writing() as connection:
                await connection.execute(marks.insert().values(name=_BUILT, value="1"))
    log.info("queue built from the topics", records=count)
    return count


async def _is_built(database: Database) -> bool:
    query = marks.select().where(marks.c.name == _BUILT)
    async with database.reading() as connection:
        return (await connection.execute(query)).first() is not None
