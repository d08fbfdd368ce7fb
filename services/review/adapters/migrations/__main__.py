"""Brings the schema of the review database to the newest version, and ends.

    python -m services.review.adapters.migrations

The service does the same when it starts. This is for a deployment that does it before, once, or as
another user of the database than the service's own: one who may change tables.
"""

import asyncio
import sys

from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.schema import SchemaTooNewError
from services.review.settings import ReviewSettings
from shared import misconfiguration
from shared.misconfiguration import MisconfigurationError, configured


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.open()
    finally:
        await database.close()


if __name__ == "__main__":
    try:
        asyncio.run(_migrate(configured(ReviewSettings).database_url))
    except (DatabaseError, SchemaTooNewError) as error:
        sys.exit(str(error))
    except MisconfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own word
        sys.exit(misconfiguration.EXIT_CODE)
