"""A review office: the pages over a queue in SQLite, and browsers that are HTTP clients."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from services.review.adapters.accesses import SqlAccessLog
from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.sessions import SqlSessions
from services.review.adapters.tables import outbox
from services.review.api import queue_api
from services.review.identity import Identity, Role
from services.review.item import Arrival
from services.review.web.session import Key, Session
from services.review.web.settings import WebSettings
from services.review.web.site import Site, identify
from shared import topics
from shared.cloudevents import Event
from shared.events import AnswerChecked, ReviewAccessed
from shared.release import ReviewRules

AT = "http://127.0.0.1:8095"


@dataclass
class Office:
    """A review service without Kafka: its queue and its pages."""

    database: Database
    reviews: SqlReviews
    arrivals: SqlArrivals
    site: Site
    app: Any
    links: list[str] = field(default_factory=list)
    url: str = AT
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def browser(self) -> httpx2.AsyncClient:
        """Return a browser that nobody has signed in with."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=True)
        client = httpx2.AsyncClient(transport=transport, base_url=AT)
        return await self._open.enter_async_context(client)

    async def signed_in(
        self,
        who: str = "ada",
        *roles: str,
        tenants: tuple[str, ...] = ("acme",),
        called: str | None = None,
    ) -> httpx2.AsyncClient:
        """Return a browser that a person has signed in with."""
        browser = await self.browser()
        key = await self.session(who, *roles, tenants=tenants, called=called)
        browser.cookies.set("glideslope", key)
        return browser

    async def session(
        self,
        who: str,
        *roles: str,
        tenants: tuple[str, ...] = ("acme",),
        called: str | None = None,
    ) -> str:
        """Return the secret of a new session of a person, as signing in begins one."""
        now = datetime.now(UTC)
        identity = Identity(who, frozenset(map(Role, roles or ("reviewer",))), frozenset(tenants))
        key = Key.new()
        await SqlSessions(self.database).save(key, Session(now, now, identity, called or who))
        return key.secret

    async def put(self, checked: AnswerChecked, rules: ReviewRules | None = None) -> None:
        event = Event(
            id=f"{checked.request.request_id}-{checked.attempt}",
            type=topics.FALLBACK_REVIEW.event_type,
            source="/glideslope/validator",
            data=checked.model_dump_json().encode(),
        )
        arrival = Arrival(event, 0, 0, b"talk", datetime.now(UTC))
        await self.arrivals.put(arrival, checked, rules or ReviewRules())

    async def accesses(self) -> list[ReviewAccessed]:
        """Return everything that is on the record, the oldest first."""
        query = outbox.select().where(outbox.c.topic == topics.REVIEWS_ACCESSED.name)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query.order_by(outbox.c.number))).all()
        return [ReviewAccessed.model_validate_json(row.value) for row in rows]

    async def refusals(self) -> list[str]:
        """Return the codes of what was refused."""
        return [each.code for each in await self.accesses() if each.action == "refused"]


def token_in(page: httpx2.Response) -> str:
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


@asynccontextmanager
async def opened(home: Path, **changed: Any) -> AsyncIterator[Office]:
    """Open an office in a folder; `changed` are settings."""
    settings = WebSettings(
        **{
            "home": home,
            "review_sign_in": "oidc",
            "review_url": AT,
            "review_oidc_issuer": "http://127.0.0.1:9",
            "review_oidc_client_id": "nobody",
            **changed,
        }
    )
    database = Database(settings.database_url)
    await database.open()
    reviews = SqlReviews(database, settings.terms)
    links: list[str] = []
    log = SqlAccessLog(database, settings.partitions)
    site = Site(reviews, SqlSessions(database), log, settings, links.append)
    app = site.app(queue_api(site.recorded, identify))
    office = Office(database, reviews, SqlArrivals(database), site, app, links)
    try:
        async with office._open:
            yield office
    finally:
        await database.close()
