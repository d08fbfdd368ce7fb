"""Serves the reviewers' pages over the database that is named: `python -m … HOME DATABASE`."""

import asyncio
import sys
from pathlib import Path

import uvloop
from pydantic import SecretStr

from services.review.adapters.accesses import SqlAccessLog
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.sessions import SqlSessions
from services.review.api import queue_api
from services.review.serving import serving
from services.review.web.settings import WebSettings
from services.review.web.site import Site, identify


async def serve(home: Path, database_url: str) -> None:
    """Serve until killed; print the address first."""
    settings = WebSettings(
        home=home,
        review_database=SecretStr(database_url),
        review_sign_in="local",
        review_requests_per_minute=1_000_000,  # 20 people at one address
    )
    database = Database(settings.database_url)
    reviews = SqlReviews(database, settings.terms)
    log = SqlAccessLog(database, settings.partitions)
    site = Site(reviews, SqlSessions(database), log, settings, show=lambda _: None)
    async with serving(settings, site.app(queue_api(site.recorded, identify))) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2]))
